//! Chooses the number of deleting threads from the rates measured with different numbers.
//!
//! File systems differ. Some serialise removals, so that more threads only queue up; others wait
//! for a disk, and many threads can wait at the same time. A small tree is gone before that is
//! known, so the caller passes a good first number if it knows one. From time to time, the next
//! larger and the next smaller number are tried, less and less often as long as that does not pay
//! off.
//!
//! If the processor is idle, all threads are waiting for a disk. Disks are erratic, so rates mean
//! little then, and more threads are used unless that is clearly slower.

/// How much faster more threads must be.
const WORTH: f64 = 1.1;
/// The weight of the newest window in the rate of the best number. A disk stalls now and then, and
/// after a single slow window any other number would seem faster.
const NEWEST: f64 = 0.25;
/// How much slower more threads may seem if all of them are waiting.
const TOLERATED: f64 = 0.8;
/// For how many windows to keep a number before trying another: at first, and at most.
const FIRST_PAUSE: u32 = 4;
const LONGEST_PAUSE: u32 = 64;

/// A measurement window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Names removed per second.
    pub rate: f64,
    /// Whether the processor was mostly idle.
    pub waits: bool,
}

/// The number of threads, and what is known about the neighbouring numbers.
#[derive(Debug)]
pub(super) struct Pace {
    ceiling: usize,
    /// The best number so far.
    best: usize,
    /// The rate reached with it, on average. Zero before the first window.
    rate: f64,
    state: State,
    /// The pause after the next trial that does not pay off.
    pause: u32,
    upwards: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// This many more windows with the best number.
    Steady(u32),
    /// One window with this number.
    Trial(usize),
    /// Another window with a number that paid off, since rates are erratic. Holds the rate of the
    /// first one.
    Confirmation(usize, f64),
}

impl Pace {
    /// Starts with `first` threads, and never uses more than `ceiling`.
    pub fn new(first: usize, ceiling: usize) -> Self {
        let (best, state) = (first.min(ceiling), State::Steady(0));
        Self { ceiling, best, rate: 0.0, state, pause: FIRST_PAUSE, upwards: true }
    }

    /// The number of threads that should work now.
    pub fn threads(&self) -> usize {
        match self.state {
            State::Steady(_) => self.best,
            State::Trial(threads) | State::Confirmation(threads, _) => threads,
        }
    }

    /// Records the window that has just ended, with [`Pace::threads`] at work.
    pub fn note(&mut self, window: Window) {
        match self.state {
            State::Steady(left) => {
                let newest = if self.rate == 0.0 { 1.0 } else { NEWEST };
                self.rate += (window.rate - self.rate) * newest;
                match left.checked_sub(1) {
                    Some(left) if !window.waits => self.state = State::Steady(left),
                    _ => self.try_next(window.waits),
                }
            }
            State::Trial(threads) | State::Confirmation(threads, _)
                if !self.pays(threads, window) =>
            {
                self.state = State::Steady(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.upwards = !self.upwards;
            }
            State::Trial(threads) if window.waits => self.adopt(threads, window.rate, true),
            State::Trial(threads) => self.state = State::Confirmation(threads, window.rate),
            State::Confirmation(threads, first) => {
                self.adopt(threads, f64::midpoint(first, window.rate), window.waits);
            }
        }
    }

    fn adopt(&mut self, threads: usize, rate: f64, waits: bool) {
        (self.best, self.rate, self.pause) = (threads, rate, FIRST_PAUSE);
        self.try_next(waits);
    }

    /// Fewer threads need not be faster, just as fast.
    fn pays(&self, threads: usize, window: Window) -> bool {
        let worth = match threads > self.best {
            true if window.waits => TOLERATED,
            true => WORTH,
            false => 1.0,
        };
        window.rate >= self.rate * worth
    }

    /// Tries the next number in the direction that paid off last, or in the other one at either
    /// end. If all threads are waiting, only goes up, in larger steps.
    fn try_next(&mut self, waits: bool) {
        let more = (self.best * if waits { 4 } else { 2 }).min(self.ceiling);
        let fewer = self.best.div_ceil(2);
        self.upwards = waits || if self.upwards { more > self.best } else { fewer == self.best };
        let next = if self.upwards { more } else { fewer };
        self.state = if next == self.best { State::Steady(self.pause) } else { State::Trial(next) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of threads chosen for these rates, one per window.
    fn threads(ceiling: usize, rates: &[f64]) -> Vec<usize> {
        let mut pace = Pace::new(1, ceiling);
        let first = pace.threads();
        let next = rates.iter().map(|&rate| {
            pace.note(Window { rate, waits: false });
            pace.threads()
        });
        std::iter::once(first).chain(next).collect()
    }

    #[test]
    fn more_threads_work_as_long_as_that_is_worth_it() {
        for (ceiling, rates, expected) in [
            (32, &[100.0][..], &[1, 2][..]),
            // Doubles up to the ceiling, then checks whether fewer do as well.
            (4, &[1.0, 2.0, 2.0, 4.0, 4.0, 3.0], &[1, 2, 2, 4, 4, 2, 4]),
            (3, &[1.0, 2.0, 2.0, 4.0, 4.0], &[1, 2, 2, 3, 3, 2]),
            // Does not pay off: back, and pause.
            (32, &[1.0, 1.05, 1.0, 1.0, 1.0, 1.0, 1.0], &[1, 2, 1, 1, 1, 1, 1, 2]),
            (32, &[1.0, 2.0, 2.0, 2.1, 2.0, 2.0, 2.0, 2.0, 2.0], &[1, 2, 2, 4, 2, 2, 2, 2, 2, 1]),
            // Seems to pay off, but is not confirmed.
            (32, &[1.0, 2.0, 1.0], &[1, 2, 2, 1]),
            // Fewer threads that are as fast are better.
            (2, &[1.0, 2.0, 2.0, 2.0, 2.0], &[1, 2, 2, 1, 1, 2]),
            (2, &[1.0, 2.0, 2.0, 2.0, 1.5], &[1, 2, 2, 1, 1, 2]),
            (1, &[1.0, 2.0, 3.0], &[1, 1, 1, 1]),
        ] {
            assert_eq!(threads(ceiling, rates), expected, "{ceiling} {rates:?}");
        }
    }

    #[test]
    fn more_threads_work_if_all_wait_unless_that_is_clearly_slower() {
        for (rates, expected) in [
            (&[1.0, 0.9, 3.0, 2.5, 3.0][..], &[1, 4, 16, 32, 32, 32][..]),
            (&[1.0, 0.5, 0.5, 0.5], &[1, 4, 1, 4, 1]),
        ] {
            let mut pace = Pace::new(1, 32);
            let mut found = vec![pace.threads()];
            for &rate in rates {
                pace.note(Window { rate, waits: true });
                found.push(pace.threads());
            }
            assert_eq!(found, expected, "{rates:?}");
        }
    }

    /// XFS writes its log now and then.
    #[test]
    fn a_single_stall_does_not_make_other_numbers_seem_faster() {
        let mut pace = Pace::new(1, 32);
        let mut after = |rate, waits| {
            pace.note(Window { rate, waits });
            pace.threads()
        };
        assert_eq!([1.0; 3].map(|rate| after(rate, false)), [2, 1, 1]);
        assert_eq!(after(0.1, true), 4, "tries more threads");
        assert_eq!(after(0.8, false), 1, "faster than the stall, not than before it");
    }

    /// A file system: the rate for a number of threads, and whether they wait.
    type Law<'a> = &'a dyn Fn(usize) -> Window;

    /// The share of removals in this many windows, compared to those with the best number of
    /// threads.
    fn share(ceiling: usize, windows: u32, law: Law<'_>) -> f64 {
        let mut pace = Pace::new(1, ceiling);
        let best = (1..=ceiling).map(|threads| law(threads).rate).fold(0.0, f64::max);
        let removed = (0..windows).map(|_| {
            let window = law(pace.threads());
            pace.note(window);
            window.rate
        });
        removed.sum::<f64>() / (best * f64::from(windows))
    }

    fn computes(rate: f64) -> Window {
        Window { rate, waits: false }
    }

    /// Removing one image takes a few hundred windows.
    #[test]
    fn little_is_lost_whatever_the_law_of_the_file_system() {
        let laws: [(&str, Law<'_>, f64); 5] = [
            ("a disk", &|threads| Window { rate: threads as f64, waits: true }, 0.95),
            ("ext4", &|threads| computes((threads as f64).powf(0.25)), 0.95),
            ("XFS", &|threads| computes(1.0 / (1.0 + 0.13 * (threads as f64).ln())), 0.98),
            ("btrfs", &|threads| computes(if threads == 1 { 1.0 } else { 0.7 }), 0.95),
            ("tmpfs", &|threads| computes(if threads == 1 { 0.6 } else { 1.0 }), 0.95),
        ];
        for (name, law, least) in laws {
            let found = share(32, 100, law);
            assert!(found >= least, "{name}: {found}");
        }
    }

    #[test]
    fn a_change_of_rates_is_noticed() {
        let mut pace = Pace::new(1, 32);
        let mut after = |windows: u32, law: Law<'_>| {
            (0..windows).for_each(|_| pace.note(law(pace.threads())));
            pace.best
        };
        assert_eq!(after(20, &|threads| computes(threads as f64)), 32);
        assert_eq!(after(300, &|threads| computes(1.0 / threads as f64)), 1);
        assert_eq!(after(5, &|threads| Window { rate: threads as f64, waits: true }), 32);
    }
}
