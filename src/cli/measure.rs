//! Trees that are being measured, as the user sees it: bars, and a signal that ends it.

use super::context::Context;
use super::ui::bars::MeasureBars;
use crate::gc::Reporter;
use crate::stop::StopFlag;
use crate::usage::Progress;

/// Draws bars as long as it lives.
pub struct Measuring<'a> {
    context: &'a Context<'a>,
    bars: MeasureBars,
}

impl<'a> Measuring<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, bars: MeasureBars::new(context.console) }
    }
}

impl Reporter for Measuring<'_> {
    fn stop(&self) -> StopFlag {
        self.context.signals.stop()
    }

    fn measuring(&mut self, progress: &Progress) {
        self.bars.show(progress);
    }
}
