//! The open files of a process on macOS: `proc_pidinfo` of `libproc.h`. The library that lists the
//! processes does not list open files, so this file has unsafe code.
#![allow(unsafe_code, reason = "proc_pidinfo")]

use std::ffi::{c_int, c_void};

/// The constant in `sys/proc_info.h` for the path of an open file.
const PROC_PIDFDVNODEPATHINFO: c_int = 2;

/// `struct vnode_fdinfowithpath`, starting with the fields of `struct proc_fileinfo`.
#[repr(C)]
struct OpenFile {
    flags: u32,
    status: u32,
    offset: i64,
    kind: i32,
    guards: u32,
    file: libc::vnode_info_path,
}

/// Room for descriptors that are opened between the two calls.
const SPARE: usize = 32;

/// Calls `each` with the path of every open file. `None` if the system refuses, as it does for
/// processes of other users.
pub fn for_each_open_file(pid: u32, mut each: impl FnMut(&[u8])) -> Option<()> {
    let pid = c_int::try_from(pid).ok()?;
    for descriptor in descriptors(pid)? {
        if i64::from(descriptor.proc_fdtype) == i64::from(libc::PROX_FDTYPE_VNODE)
            && let Some(path) = path(pid, descriptor.proc_fd)
        {
            each(&path);
        }
    }
    Some(())
}

fn descriptors(pid: c_int) -> Option<Vec<libc::proc_fdinfo>> {
    let size = size_of::<libc::proc_fdinfo>();
    // SAFETY: without a buffer, the call only returns the size it would need.
    let needed =
        unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, std::ptr::null_mut(), 0) };
    let count = usize::try_from(needed).ok().filter(|&needed| needed > 0)? / size + SPARE;
    let mut list = Vec::<libc::proc_fdinfo>::with_capacity(count);
    let room = c_int::try_from(count * size).ok()?;
    let start = list.as_mut_ptr().cast::<c_void>();
    // SAFETY: the list has that much room and outlives the call.
    let written = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDLISTFDS, 0, start, room) };
    let written = usize::try_from(written).ok().filter(|&written| written > 0)?;
    // SAFETY: the kernel has fully written that many.
    unsafe { list.set_len((written / size).min(count)) };
    Some(list)
}

/// `None` if it has been closed in the meantime.
fn path(pid: c_int, descriptor: i32) -> Option<Vec<u8>> {
    // SAFETY: all fields are numbers, for which zero is valid.
    let mut found: OpenFile = unsafe { std::mem::zeroed() };
    let size = size_of::<OpenFile>();
    let start = (&raw mut found).cast::<c_void>();
    let room = c_int::try_from(size).ok()?;
    // SAFETY: the structure has that much room and outlives the call.
    let written =
        unsafe { libc::proc_pidfdinfo(pid, descriptor, PROC_PIDFDVNODEPATHINFO, start, room) };
    if usize::try_from(written) != Ok(size) {
        return None;
    }
    let bytes = found.file.vip_path.as_flattened().iter().map(|&byte| byte.cast_unsigned());
    Some(bytes.take_while(|&byte| byte != 0).collect())
}
