//! Processes on every other Unix, macOS first: command lines, current directories, roots and
//! executables. What files they have open, and who holds a lock, is not told there.

use std::os::unix::ffi::OsStrExt;

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::runner::root_path;
use super::{InUse, UsingProcess};
use crate::cache::Location;
use crate::cache::path_lookup::PathLookup;
use crate::error::{Error, Result};
use crate::fs::Directory;

pub fn look(places: &PathLookup) -> Result<InUse> {
    let wanted = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_cwd(UpdateKind::Always)
        .with_root(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .without_tasks();
    let mut system = System::new();
    if system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted) == 0 {
        let cause = std::io::Error::from(std::io::ErrorKind::Unsupported);
        return Err(Error::io("list the processes of", "this system", cause));
    }
    let mut users = InUse::default();
    for process in system.processes().values().filter(|process| is_other(process)) {
        users.uninspected += usize::from(process.cwd().is_none());
        entries(process, places).for_each(|entry| users.insert(entry, user(process)));
    }
    Ok(users)
}

/// Neither this process nor the kernel.
fn is_other(process: &Process) -> bool {
    ![0, std::process::id()].contains(&process.pid().as_u32())
}

fn entries(process: &Process, places: &PathLookup) -> impl Iterator<Item = Location> {
    let links = [process.cwd(), process.root(), process.exe()].into_iter().flatten();
    let led_to = links.flat_map(|path| places.of_link(path.as_os_str().as_bytes()));
    let named = process.cmd().iter().filter_map(|argument| root_path(argument.as_bytes()));
    led_to.chain(named.flat_map(|path| places.of_name(&path, process.cwd()).collect::<Vec<_>>()))
}

fn user(process: &Process) -> UsingProcess {
    let program = process.exe().and_then(|exe| exe.file_name()).unwrap_or(process.name());
    let program = program.to_string_lossy().into_owned();
    UsingProcess { pid: process.pid().as_u32(), program, holds_lease: false }
}

pub fn lock_holder(_: &Directory) -> Option<UsingProcess> {
    None
}
