//! A pool of threads for the directories of a removal, as large as pays off on the file system.
//!
//! Each thread has its own tasks and takes the newest first, to stay in one place. If another
//! thread is idle, it moves its oldest tasks to a shared queue. [`Pace`] decides how many threads
//! work. A thread is started when it is first needed; one that is no longer needed gives its tasks
//! away and waits.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use super::pace::{Pace, Window};
use crate::jobs::OnPanic;

/// The minimum duration, and number of removed names, of a measurement that means anything.
const WINDOW: Duration = Duration::from_millis(20);
const LEAST_NAMES: u64 = 200;
/// All threads are considered waiting if they compute for less than this fraction of a window
/// (1/8). More CPU time than that may be all that other processes leave.
const BUSY_PART: u32 = 8;

/// The shared tasks, and how many threads are needed.
struct Board<T> {
    tasks: Mutex<Tasks<T>>,
    /// Signalled when there is work for a needed thread, and at the end.
    work: Condvar,
    /// Signalled when more threads are needed, and at the end.
    bench: Condvar,
    /// Threads with a number below this are needed.
    needed: AtomicUsize,
    /// Needed threads without work.
    idle: AtomicUsize,
}

struct Tasks<T> {
    /// Oldest first.
    shared: VecDeque<T>,
    /// Threads that may still push new tasks.
    busy: usize,
    started: usize,
    is_over: bool,
}

/// A thread, as its tasks see it.
pub(super) struct Worker<'c, T> {
    board: &'c Board<T>,
    number: usize,
    own: VecDeque<T>,
}

/// All threads. `R` runs a task, `N` returns the number of names removed so far.
struct Crew<T, R, N> {
    board: Board<T>,
    watch: Mutex<Watch>,
    run: R,
    names: N,
}

/// The current measurement window.
struct Watch {
    pace: Pace,
    since: Instant,
    /// The CPU time of the process at its start.
    computed: Duration,
    /// The number of removed names at its start.
    names: u64,
}

/// Runs tasks, and those that they push, until none is left. Starts with `first` threads and uses
/// at most `ceiling`, including the calling thread. Keep each task short: the number of threads is
/// only adjusted between tasks.
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
    /// Adds a task for this or another thread.
    pub fn push(&mut self, task: T) {
        self.own.push_back(task);
        self.spare();
    }

    /// Moves the oldest task to the shared queue if a thread is idle. A long task should call this
    /// now and then.
    pub fn spare(&mut self) {
        if self.board.idle.load(Ordering::Relaxed) > 0 {
            self.board.share(self.own.pop_front());
        }
    }

    /// Returns a function for the number of threads currently needed.
    pub fn threads(&self) -> impl Fn() -> usize + use<'c, T> {
        let board = self.board;
        move || board.needed.load(Ordering::Relaxed)
    }

    /// The next task. Waits for one; `None` at the end.
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

    /// Moves tasks to the shared queue.
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

    /// Evaluates the current window if it is long enough and no other thread is doing so.
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

    /// Makes sure that this many threads are running. If one cannot be started, goes on with fewer.
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

/// The CPU time of all threads of the process.
fn computed() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicU64;

    use super::*;

    /// Counts tasks: each has two more below it, down to `depth`.
    fn count(ceiling: usize, depth: u32) -> u64 {
        let done = AtomicU64::new(0);
        let step = |depth: u32, worker: &mut Worker<'_, u32>| {
            done.fetch_add(1, Ordering::Relaxed);
            (0..2).filter(|_| depth > 0).for_each(|_| worker.push(depth - 1));
        };
        // As if each task were a window's worth of work.
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

    /// At least two threads, one of which waits when the other panics.
    #[test]
    fn a_panic_in_one_thread_ends_all() {
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
