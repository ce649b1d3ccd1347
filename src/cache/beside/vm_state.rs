//! Whether a microVM is running, and what happens to its folder if not.
//!
//! Brood Box writes `data/go-microvm-state.json` and holds a lock next to it. At each start it
//! removes the folders of crashed microVMs, except if a file directly in `data` is longer than 4
//! KiB, as a console log soon is.

use std::io::Read;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde_json::Value;

use crate::cache::EntryName;
use crate::cache::in_use::lock_holder;
use crate::fs::{Directory, Kind};

/// A longer file is not a state file.
const MAX_STATE_BYTES: u64 = 1 << 20;
/// A longer file in `data` makes Brood Box keep the folder of a crashed microVM.
const KEEPING_BYTES: u64 = 4096;

/// The state of a microVM, according to its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VmState {
    /// It is running: a process uses its folder, holds its lock, or has the PID in its state file.
    Running,
    /// It has ended normally. Its folder is still there.
    Stopped,
    /// It is active according to its state file, but its process is gone.
    Crashed {
        /// The PID that its process had.
        pid: u32,
        /// A file that makes Brood Box keep the folder forever. If `None`, Brood Box removes the
        /// folder at its next start.
        kept_for: Option<EntryName>,
    },
    /// It has no readable state file. It may be starting, or its start has failed.
    Unknown,
}

/// The contents of a state file.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    is_active: bool,
    pid: Option<u32>,
}

impl VmState {
    /// Reads the state of the microVM whose folder is `name` in `vms`.
    pub(super) fn read(vms: &Directory, name: &EntryName, is_used: bool) -> Self {
        let data = vms.open_folder(name.as_c_str()).and_then(|vm| vm.open_folder(c"data"));
        let record = data.as_ref().ok().and_then(read_record);
        let is_locked = || data.as_ref().is_ok_and(is_locked);
        if is_used || is_locked() {
            return Self::Running;
        }
        let kept_for = || data.as_ref().ok().and_then(long_file);
        Self::judge(record, is_alive, kept_for)
    }

    fn judge(
        record: Option<Record>,
        is_alive: impl Fn(u32) -> bool,
        kept_for: impl Fn() -> Option<EntryName>,
    ) -> Self {
        match record {
            None => Self::Unknown,
            Some(Record { is_active: false, .. }) => Self::Stopped,
            Some(Record { pid: None, .. }) => Self::Unknown,
            Some(Record { pid: Some(pid), .. }) if is_alive(pid) => Self::Running,
            Some(Record { pid: Some(pid), .. }) => Self::Crashed { pid, kept_for: kept_for() },
        }
    }
}

fn read_record(data: &Directory) -> Option<Record> {
    let file = data.open_file(c"go-microvm-state.json").ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    file.take(MAX_STATE_BYTES).read_to_end(&mut text).ok()?;
    parse(&text)
}

/// `None` for anything but a JSON object.
fn parse(text: &[u8]) -> Option<Record> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(text) else { return None };
    let is_active = fields.get("active").and_then(Value::as_bool).unwrap_or(false);
    let pid = fields.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok());
    Some(Record { is_active, pid: pid.filter(|&pid| pid > 0) })
}

/// Whether a process exists, even one of another user.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// Whether a process holds the lock of the state file. Does not try to take it, which could make
/// its owner fail.
fn is_locked(data: &Directory) -> bool {
    let status = data.status_of(c"go-microvm-state.lock");
    status.is_ok_and(|status| lock_holder(status.inode).is_some())
}

fn long_file(data: &Directory) -> Option<EntryName> {
    let mut names = Vec::new();
    data.for_each(|name, _| names.push(EntryName::from(name))).ok()?;
    names.sort();
    names.into_iter().find(|name| {
        let status = data.status_of(name.as_c_str());
        status.is_ok_and(|status| status.kind == Kind::File && status.size > KEEPING_BYTES)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_file_and_its_process_tell_whether_a_microvm_runs() {
        let log = || EntryName::new("console.log");
        let crashed = VmState::Crashed { pid: 7, kept_for: log() };
        for (text, is_alive, expected) in [
            (r#"{"active": true, "pid": 7}"#, true, VmState::Running),
            (r#"{"active": true, "pid": 7}"#, false, crashed),
            (r#"{"active": false, "pid": 7}"#, true, VmState::Stopped),
            (r#"{"active": true}"#, false, VmState::Unknown),
            (r#"{"active": true, "pid": -7}"#, false, VmState::Unknown),
            (r#"{"active": true, "pid": 4294967297}"#, false, VmState::Unknown),
            (r#"["active"]"#, true, VmState::Unknown),
            (r#"{"active": tr"#, true, VmState::Unknown),
            ("", true, VmState::Unknown),
        ] {
            let found = VmState::judge(parse(text.as_bytes()), |_| is_alive, log);
            assert_eq!(found, expected, "{text} {is_alive}");
        }
    }

    #[test]
    fn this_process_is_alive_and_one_that_has_ended_is_not() {
        assert!(is_alive(std::process::id()));
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        assert!(!is_alive(ended.id()));
    }
}
