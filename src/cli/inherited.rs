//! What the program has been given by whatever started it: signals that it is to ignore, and a standard
//! output that is closed. Both are known for a moment only, and no library tells.
#![allow(unsafe_code, reason = "sigaction, and a look before the standard library has its own")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_OUTPUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// The standard library opens `/dev/null` in place of a standard stream that is closed, before `main`.
/// So this is called before that.
// SAFETY: the linker puts the address of the function into the table of those that run before `main`.
// They are called with arguments that this one leaves alone, and it makes one system call.
#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static LOOK_AT_OUTPUT: extern "C" fn() = look_at_output;

extern "C" fn look_at_output() {
    // SAFETY: the call takes two numbers, and no memory of this process.
    let is_closed = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } < 0;
    IS_OUTPUT_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Whether the program was started with a closed standard output.
pub fn is_output_closed() -> bool {
    IS_OUTPUT_CLOSED.load(Ordering::Relaxed)
}

/// Whether a signal is to be ignored, as `nohup` and a shell's background jobs want it. Told from one
/// that is listened for already: so ask first.
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: a structure of zeros is a valid one, which the call fills in.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no action is set, and the structure lives until the call returns.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}
