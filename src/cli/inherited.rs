//! What the program inherits from its parent: ignored signals, and a closed standard output. Both
//! can only be seen for a moment, and no library reports them.
#![allow(unsafe_code, reason = "sigaction, and a look before the standard library has its own")]

use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

static IS_OUTPUT_CLOSED: AtomicBool = AtomicBool::new(false);

/// The standard library opens `/dev/null` in place of a closed standard stream before `main`, so
/// this runs even earlier.
// SAFETY: the linker puts the address of the function into the table of functions that run before
// `main`. They are called with arguments that this one ignores, and it makes a single system call.
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

/// Whether a signal is ignored, as set by `nohup` and for background jobs of a shell. Must be
/// called before a handler is installed.
pub fn is_ignored(signal: c_int) -> bool {
    // SAFETY: an all-zero structure is valid, and the call fills it in.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no action is set, and the structure outlives the call.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), &raw mut action) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}
