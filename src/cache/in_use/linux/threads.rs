//! The threads of a process. Nearly all share their files and directories with the first one, and
//! `kcmp(2)` can tell without listing them. No library provides this call.
#![allow(unsafe_code, reason = "kcmp")]

use procfs::ProcResult;
use procfs::process::Process;

use super::links;

/// Resources that two threads may or may not share, as numbered in `linux/kcmp.h`.
const FILES: libc::c_long = 2;
const DIRECTORIES: libc::c_long = 3;

/// The IDs of all threads of a process.
pub fn list(process: &Process) -> ProcResult<Vec<i32>> {
    let mut threads = Vec::new();
    links::for_each(process, "task", |_, name| {
        threads.extend(name.to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    })?;
    Ok(threads)
}

/// Whether two threads have the same open files, root and current directory. `false` if the kernel
/// does not tell, so that both are inspected.
pub fn share_all(one: i32, other: i32) -> bool {
    share(one, other, DIRECTORIES) && share(one, other, FILES)
}

fn share(one: i32, other: i32, what: libc::c_long) -> bool {
    let [one, other] = [one, other].map(libc::c_long::from);
    // SAFETY: the call takes five numbers and no pointers.
    unsafe { libc::syscall(libc::SYS_kcmp, one, other, what, 0, 0) == 0 }
}
