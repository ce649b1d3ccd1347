//! The threads of a process. Nearly all of them share their files and directories with the first one,
//! and the kernel says so without showing any: `kcmp(2)`. No library asks for that.
#![allow(unsafe_code, reason = "kcmp")]

use procfs::ProcResult;
use procfs::process::Process;

use super::links;

/// What may differ between two threads, as `linux/kcmp.h` numbers it.
const FILES: libc::c_long = 2;
const DIRECTORIES: libc::c_long = 3;

/// The numbers of all threads of a process.
pub fn list(process: &Process) -> ProcResult<Vec<i32>> {
    let mut threads = Vec::new();
    links::for_each(process, "task", |_, name| {
        threads.extend(name.to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    })?;
    Ok(threads)
}

/// Whether two threads have the same open files, root and current directory. Not if the kernel does not
/// tell: then both are looked at.
pub fn share_all(one: i32, other: i32) -> bool {
    share(one, other, DIRECTORIES) && share(one, other, FILES)
}

fn share(one: i32, other: i32, what: libc::c_long) -> bool {
    let [one, other] = [one, other].map(libc::c_long::from);
    // SAFETY: the call takes five numbers, and no memory of this process.
    unsafe { libc::syscall(libc::SYS_kcmp, one, other, what, 0, 0) == 0 }
}
