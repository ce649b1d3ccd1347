//! Threads that share the directories of a removal, as many as the file system rewards.
//!
//! Each thread has tasks of its own and takes the newest first, so that it stays in one place. Where
//! another has nothing to do, the oldest are put where that one finds them. How many threads work is
//! for [`Pace`] to say; they are started when they are needed first, and one that is not needed any
//! more gives its tasks away and waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use super::pace::{Pace, Window};
use crate::jobs::OnPanic;

/// How long a number of threads is watched at least, and how many names have to go meanwhile, before
/// that says anything.
const WINDOW: Duration = Duration::from_millis(20);
const LEAST_NAMES: u64 = 200;
/// All threads wait if they compute for less than this part of a window. More than that may be what
/// other processes leave them.
const BUSY_PART: u32 = 8;

/// The tasks of all threads, and which of those are needed.
struct Board<T> {
    tasks: Mutex<Tasks<T>>,
    /// Told when there is something to do for a thread that is needed, and when all is done.
    work: Condvar,
    /// Told when more threads are needed, and when all is done.
    bench: Condvar,
    /// Threads below this number are needed.
    needed: AtomicUsize,
    /// Threads that are needed and have nothing to do.
    idle: AtomicUsize,
}

struct Tasks<T> {
    /// The oldest first.
    shared: VecDeque<T>,
    /// Threads that may still bring new tasks.
    busy: usize,
    started: usize,
    is_over: bool,
}

/// One thread, for the tasks that it runs.
pub(super) struct Worker<'c, T> {
    board: &'c Board<T>,
    number: usize,
    own: VecDeque<T>,
}

/// All threads. `R` runs a task, `N` tells how many names have gone by now.
struct Crew<T, R, N> {
    board: Board<T>,
    watch: Mutex<Watch>,
    run: R,
    names: N,
}

/// A window of time.
struct Watch {
    pace: Pace,
    since: Instant,
    /// What the process had computed by then.
    computed: Duration,
    /// What had gone by then.
    names: u64,
}

/// Runs tasks, and those that they push, until none is left, with `first` threads at first and `ceiling` at most, the
/// calling one included. What a thread does between two looks should be short.
pub(super) fn run<T: Send>(
    first: usize,
    ceiling: usize,
    tasks: impl IntoIterator<Item = T>,
    names: impl Fn() -> u64 + Sync,
    run: impl Fn(T, &mut Worker<'_, T>) + Sync,
) {
    let shared = tasks.into_iter().collect();
    let board = Board {
        tasks: Mutex::new(Tasks { shared, busy: 1, started: 1, is_over: false }),
        work: Condvar::new(),
        bench: Condvar::new(),
        needed: AtomicUsize::new(first),
        idle: AtomicUsize::new(0),
    };
    let pace = Pace::new(first, ceiling);
    let watch = Watch { pace, since: Instant::now(), computed: computed(), names: names() };
    let crew = Crew { board, watch: Mutex::new(watch), run, names };
    std::thread::scope(|scope| {
        crew.call(scope, first.min(ceiling));
        crew.serve(scope, 0);
    });
}

impl<'c, T> Worker<'c, T> {
    /// Leaves something to be done by this or another thread.
    pub fn push(&mut self, task: T) {
        self.own.push_back(task);
        self.spare();
    }

    /// Leaves the oldest task to a thread that has none. A task that takes long should do so now and then.
    pub fn spare(&mut self) {
        if self.board.idle.load(Ordering::Relaxed) > 0 {
            self.board.share(self.own.pop_front());
        }
    }

    /// Tells how many threads are needed, whenever it is called.
    pub fn threads(&self) -> impl Fn() -> usize + use<'c, T> {
        let board = self.board;
        move || board.needed.load(Ordering::Relaxed)
    }

    /// The next task; waits for one, or for the end.
    fn next(&mut self) -> Option<T> {
        if self.board.is_needed(self.number)
            && let Some(task) = self.own.pop_back()
        {
            return Some(task);
        }
        self.board.share(self.own.drain(..));
        self.board.wait(self.number)
    }
}

impl<T> Board<T> {
    fn is_needed(&self, number: usize) -> bool {
        number < self.needed.load(Ordering::Relaxed)
    }

    /// Puts tasks where others find them.
    fn share(&self, tasks: impl IntoIterator<Item = T>) {
        let mut tasks = tasks.into_iter().peekable();
        if tasks.peek().is_some() {
            self.lock().shared.extend(tasks);
            self.work.notify_all();
        }
    }

    fn wait(&self, number: usize) -> Option<T> {
        let mut tasks = self.lock();
        tasks.busy -= 1;
        loop {
            if tasks.is_over || (tasks.busy == 0 && tasks.shared.is_empty()) {
                self.end(tasks);
                return None;
            }
            if !self.is_needed(number) {
                tasks = self.bench.wait(tasks).unwrap_or_else(PoisonError::into_inner);
            } else if let Some(task) = tasks.shared.pop_front() {
                tasks.busy += 1;
                return Some(task);
            } else {
                self.idle.fetch_add(1, Ordering::Relaxed);
                tasks = self.work.wait(tasks).unwrap_or_else(PoisonError::into_inner);
                self.idle.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn end(&self, mut tasks: MutexGuard<'_, Tasks<T>>) {
        tasks.is_over = true;
        self.work.notify_all();
        self.bench.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Tasks<T>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send, R, N> Crew<T, R, N>
where
    R: Fn(T, &mut Worker<'_, T>) + Sync,
    N: Fn() -> u64 + Sync,
{
    fn serve<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, number: usize) {
        let _ends = OnPanic(|| self.board.end(self.board.lock()));
        let mut worker = Worker { board: &self.board, number, own: VecDeque::new() };
        while let Some(task) = worker.next() {
            (self.run)(task, &mut worker);
            self.look(scope);
        }
    }

    /// Looks how fast it goes, if there is anything to see by now and no other thread is at it.
    fn look<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>) {
        let Ok(mut watch) = self.watch.try_lock() else { return };
        let passed = watch.since.elapsed();
        if passed < WINDOW {
            return;
        }
        let names = (self.names)();
        let gone = names.saturating_sub(watch.names);
        if gone < LEAST_NAMES {
            return;
        }
        let computed = computed();
        let waits = computed.saturating_sub(watch.computed) * BUSY_PART < passed;
        watch.pace.note(Window { rate: gone as f64 / passed.as_secs_f64(), waits });
        (watch.since, watch.computed, watch.names) = (Instant::now(), computed, names);
        let needed = watch.pace.threads();
        if needed > self.board.needed.swap(needed, Ordering::Relaxed) {
            self.call(scope, needed);
        }
    }

    /// Sees to it that so many threads are there. One that cannot be started is not missed.
    fn call<'scope, 'env>(&'env self, scope: &'scope Scope<'scope, 'env>, needed: usize) {
        let mut tasks = self.board.lock();
        while tasks.started < needed {
            let number = tasks.started;
            let thread = Builder::new().name(format!("bbox-{number}"));
            if thread.spawn_scoped(scope, move || self.serve(scope, number)).is_err() {
                break;
            }
            tasks.started += 1;
            tasks.busy += 1;
        }
        self.board.bench.notify_all();
    }
}

/// How long all threads of the process have computed.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Each task counts itself and has two more below it; `depth` is how far that goes.
    fn count(ceiling: usize, depth: u32) -> u64 {
        let done = AtomicU64::new(0);
        let step = |depth: u32, worker: &mut Worker<'_, u32>| {
            done.fetch_add(1, Ordering::Relaxed);
            (0..2).filter(|_| depth > 0).for_each(|_| worker.push(depth - 1));
        };
        // As if each task were as much work as there is in a window.
        let names = || done.load(Ordering::Relaxed) * LEAST_NAMES;
        run(1, ceiling, [depth, depth], names, step);
        done.into_inner()
    }

    #[test]
    fn every_task_is_run_once_whatever_the_number_of_threads() {
        for ceiling in [1, 2, 3, 32] {
            assert_eq!(count(ceiling, 14), 2 * ((1 << 15) - 1), "{ceiling}");
        }
        run(4, 4, [], || 0, |(), _| panic!("there is nothing to do"));
    }

    /// With two at least, of which one waits when the other panics.
    #[test]
    fn a_panic_of_one_ends_all() {
        let slow = |task: u32, worker: &mut Worker<'_, u32>| {
            std::thread::sleep(WINDOW / 4);
            assert!(task > 0, "the last one");
            worker.push(task - 1);
        };
        let names = AtomicU64::new(0);
        let more = || names.fetch_add(LEAST_NAMES, Ordering::Relaxed);
        catch_unwind(AssertUnwindSafe(|| run(1, 4, [20, 20], more, slow))).unwrap_err();
    }
}
