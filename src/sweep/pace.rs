//! How many threads delete, from the rates that this and other numbers have reached.
//!
//! File systems differ: some serialise what threads remove, and then each more only waits; others
//! wait for a disk, and many threads wait at the same time. So one thread begins, and twice as many
//! are tried as long as that is worth it. From time to time the next larger and the next smaller
//! number are tried again, ever less often as long as they do not pay.

/// By how much more threads must be faster.
const WORTH: f64 = 1.1;
/// For how many windows a number is kept before another is tried: at first, and at most.
const FIRST_PAUSE: u32 = 4;
const LONGEST_PAUSE: u32 = 64;

/// The number of threads, and what is known of the ones beside it.
#[derive(Debug)]
pub(super) struct Pace {
    ceiling: usize,
    /// The number that has proved best.
    best: usize,
    /// The rate that it has reached.
    rate: f64,
    state: State,
    /// The pause after the next trial that does not pay.
    pause: u32,
    upwards: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many more windows with the best number.
    Steady(u32),
    /// A window with this number.
    Trial(usize),
}

impl Pace {
    /// One thread at first, never more than `ceiling`.
    pub fn new(ceiling: usize) -> Self {
        let state = State::Steady(0);
        Self { ceiling, best: 1, rate: 0.0, state, pause: FIRST_PAUSE, upwards: true }
    }

    /// How many threads should work.
    pub fn threads(&self) -> usize {
        match self.state {
            State::Steady(_) => self.best,
            State::Trial(threads) => threads,
        }
    }

    /// Takes in the rate of the window that has just ended, with [`Pace::threads`] at work.
    pub fn note(&mut self, rate: f64) {
        match self.state {
            State::Steady(0) => {
                self.rate = rate;
                self.try_next();
            }
            State::Steady(left) => self.state = State::Steady(left - 1),
            State::Trial(threads) if self.pays(threads, rate) => {
                (self.best, self.rate, self.pause) = (threads, rate, FIRST_PAUSE);
                self.try_next();
            }
            State::Trial(_) => {
                self.state = State::Steady(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.upwards = !self.upwards;
            }
        }
    }

    /// Fewer threads need not be faster, only as fast.
    fn pays(&self, threads: usize, rate: f64) -> bool {
        let worth = if threads > self.best { WORTH } else { 1.0 };
        rate >= self.rate * worth
    }

    /// Tries the next number in the direction that has paid last; the other one at either end.
    fn try_next(&mut self) {
        let more = (self.best * 2).min(self.ceiling);
        let fewer = self.best.div_ceil(2);
        self.upwards = if self.upwards { more > self.best } else { fewer == self.best };
        let next = if self.upwards { more } else { fewer };
        self.state = if next == self.best { State::Steady(self.pause) } else { State::Trial(next) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of threads for these rates, one a window.
    fn threads(ceiling: usize, rates: &[f64]) -> Vec<usize> {
        let mut pace = Pace::new(ceiling);
        let first = pace.threads();
        let next = rates.iter().map(|&rate| {
            pace.note(rate);
            pace.threads()
        });
        std::iter::once(first).chain(next).collect()
    }

    #[test]
    fn more_threads_work_as_long_as_that_is_worth_it() {
        for (ceiling, rates, expected) in [
            (32, &[100.0][..], &[1, 2][..]),
            // Twice as many until the ceiling, and then a look whether fewer do as well.
            (8, &[1.0, 2.0, 4.0, 8.0, 7.0], &[1, 2, 4, 8, 4, 8]),
            (6, &[1.0, 2.0, 4.0, 8.0], &[1, 2, 4, 6, 3]),
            // Not worth it: back, and a pause.
            (32, &[1.0, 1.05, 1.0, 1.0, 1.0, 1.0, 1.0], &[1, 2, 1, 1, 1, 1, 1, 2]),
            (32, &[1.0, 2.0, 2.1, 2.0, 2.0, 2.0, 2.0, 2.0], &[1, 2, 4, 2, 2, 2, 2, 2, 1]),
            // Fewer that are as fast are better.
            (2, &[1.0, 2.0, 2.0], &[1, 2, 1, 2]),
            (1, &[1.0, 2.0, 3.0], &[1, 1, 1, 1]),
        ] {
            assert_eq!(threads(ceiling, rates), expected, "{ceiling} {rates:?}");
        }
    }

    /// What is removed in so many windows, as a part of what the best number of threads would have.
    fn share(ceiling: usize, windows: u32, law: impl Fn(usize) -> f64) -> f64 {
        let mut pace = Pace::new(ceiling);
        let best = (1..=ceiling).map(&law).fold(0.0, f64::max);
        let removed = (0..windows).map(|_| {
            let rate = law(pace.threads());
            pace.note(rate);
            rate
        });
        removed.sum::<f64>() / (best * f64::from(windows))
    }

    /// The names that one image has take some hundred windows.
    #[test]
    fn little_is_lost_whatever_the_law_of_the_file_system() {
        let ext4 = |threads: usize| (threads as f64).powf(0.25);
        let xfs = |threads: usize| 1.0 / (1.0 + 0.13 * (threads as f64).ln());
        let btrfs = |threads: usize| if threads == 1 { 1.0 } else { 0.7 };
        let tmpfs = |threads: usize| if threads == 1 { 0.6 } else { 1.0 };
        type Law<'a> = &'a dyn Fn(usize) -> f64;
        let laws: [(&str, Law<'_>, f64); 4] = [
            ("ext4", &ext4, 0.95),
            ("XFS", &xfs, 0.98),
            ("btrfs", &btrfs, 0.95),
            ("tmpfs", &tmpfs, 0.95),
        ];
        for (name, law, least) in laws {
            let found = share(32, 100, law);
            assert!(found >= least, "{name}: {found}");
        }
    }

    #[test]
    fn what_has_changed_is_noticed() {
        let mut pace = Pace::new(32);
        let mut after = |windows: u32, law: &dyn Fn(usize) -> f64| {
            (0..windows).for_each(|_| pace.note(law(pace.threads())));
            pace.best
        };
        assert_eq!(after(20, &|threads| threads as f64), 32);
        assert_eq!(after(300, &|threads| 1.0 / threads as f64), 1);
        assert_eq!(after(300, &|threads| threads as f64), 32);
    }
}
