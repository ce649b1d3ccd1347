//! Processes that `/proc` does not show.

use crate::cache::in_use::users::Unseen;
use crate::fs::mountinfo::{Mount, locate};

/// The initial PID namespace: `PROC_PID_INIT_INO`.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The reasons why processes may be hidden from this one, given its mounts.
pub fn unseen(mounts: &[Mount]) -> Vec<Unseen> {
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    let is_first = namespace.is_ok_and(|name| name.as_os_str() == FIRST_PID_NAMESPACE);
    let is_root = rustix::process::geteuid().is_root();
    let mut unseen = Vec::new();
    unseen.extend((!is_first).then_some(Unseen::OtherPidNamespaces));
    unseen.extend((!is_root && hides_processes(mounts)).then_some(Unseen::HiddenProcesses));
    unseen
}

/// Whether `/proc` shows users only their own processes.
fn hides_processes(mounts: &[Mount]) -> bool {
    let options = locate(mounts, b"/proc").map_or(&[][..], |mount| &mount.options);
    let mut values =
        options.split(|&byte| byte == b',').filter_map(|option| option.strip_prefix(b"hidepid="));
    values.next_back().is_some_and(|value| !matches!(value, b"0" | b"off"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::mountinfo::parse;

    #[test]
    fn an_option_of_proc_hides_processes() {
        for (options, expected) in [
            ("rw", false),
            ("rw,hidepid=0", false),
            ("rw,hidepid=off", false),
            ("rw,gid=4,hidepid=2", true),
            ("rw,hidepid=invisible", true),
            ("rw,hidepid=ptraceable,subset=pid", true),
        ] {
            let mounts = format!(
                "1 0 8:1 / / rw - ext4 d hidepid=2\n2 1 0:5 / /proc rw - proc p {options}\n"
            );
            assert_eq!(hides_processes(&parse(mounts.as_bytes())), expected, "{options}");
        }
    }
}
