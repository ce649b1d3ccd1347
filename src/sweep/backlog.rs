//! A queue of listed directories whose files are waiting to be removed.
//!
//! Some file systems remove only one name at a time, however many threads try, and threads waiting
//! for each other there cost more than they gain. So only a few threads remove files, while others
//! list the next directories and check their files. The number of removing threads depends on the
//! total number of threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::jobs::OnPanic;

/// The maximum number of directories in the queue.
const MOST: usize = 64;

/// A queue processed by a few of the threads that add to it.
#[derive(Debug)]
pub struct Backlog<T> {
    state: Mutex<State<T>>,
    /// Signalled when there is room again.
    room: Condvar,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    /// Threads processing the queue.
    busy: usize,
}

impl<T> Default for Backlog<T> {
    fn default() -> Self {
        let state = State { items: VecDeque::new(), busy: 0 };
        Self { state: Mutex::new(state), room: Condvar::new() }
    }
}

impl<T> Backlog<T> {
    /// Adds an item. If fewer than `most` threads are processing the queue, this thread processes
    /// it, too, until it is empty. Otherwise it waits if the queue is full. `most` is evaluated
    /// again after each item and must be at least 1.
    pub fn add(&self, item: T, most: impl Fn() -> usize, mut work: impl FnMut(T)) {
        let mut state = self.lock();
        state.items.push_back(item);
        if state.busy >= most() {
            if state.items.len() >= MOST {
                let is_full = |state: &mut State<T>| state.busy > 0 && state.items.len() > MOST / 2;
                drop(self.room.wait_while(state, is_full));
            }
            return;
        }
        state.busy += 1;
        while state.busy <= most()
            && let Some(item) = state.items.pop_front()
        {
            if state.items.len() == MOST / 2 {
                self.room.notify_all();
            }
            drop(state);
            let leaves = OnPanic(|| self.leave(self.lock()));
            work(item);
            drop(leaves);
            state = self.lock();
        }
        self.leave(state);
    }

    fn leave(&self, mut state: MutexGuard<'_, State<T>>) {
        state.busy -= 1;
        self.room.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_item_is_processed_once_by_no_more_threads_than_allowed() {
        const ITEMS: usize = 2000;
        for (threads, most) in [(1, 1), (2, 1), (4, 1), (4, 2)] {
            let (backlog, at_once) = (Backlog::default(), AtomicUsize::new(0));
            let done: Vec<_> = (0..ITEMS).map(|_| AtomicUsize::new(0)).collect();
            let work = |item: usize| {
                assert!(at_once.fetch_add(1, Ordering::SeqCst) < most);
                done[item].fetch_add(1, Ordering::SeqCst);
                at_once.fetch_sub(1, Ordering::SeqCst);
            };
            let add = |from| {
                let items = (from..ITEMS).step_by(threads);
                items.for_each(|item| backlog.add(item, || most, work));
            };
            std::thread::scope(|scope| {
                (0..threads).for_each(|from| drop(scope.spawn(move || add(from))));
            });
            assert!(done.iter().all(|times| times.load(Ordering::SeqCst) == 1), "{threads} {most}");
        }
    }

    #[test]
    fn after_a_panic_others_go_on() {
        let backlog = Backlog::default();
        let fails = |_| panic!("the first one");
        catch_unwind(AssertUnwindSafe(|| backlog.add(1, || 1, fails))).unwrap_err();
        let mut found = Vec::new();
        backlog.add(2, || 1, |item| found.push(item));
        assert_eq!(found, [2]);
    }
}
