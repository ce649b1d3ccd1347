//! Answers to a shell while a line is typed, and real shells that ask.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::people::open_terminal;
use crate::support::{Run, TestCache, finish};

/// Each program, and the words before a command for the cache.
const PROGRAMS: [(&str, &str); 2] =
    [(env!("CARGO_BIN_EXE_bbox"), "bbox cache"), (env!("CARGO_BIN_EXE_bbox-cache"), "bbox-cache")];

/// Names that a shell would interpret on its command line.
const HOSTILE: [&str; 8] = [
    "$(touch marker)",
    "`touch marker`",
    "x;touch marker;",
    "x && touch marker",
    "'x'\"y\"\\z",
    "*",
    "x\x1b[2J\x07",
    "--force",
];

/// Queries a program as the script for `shell` does. The default cache is empty.
fn ask(program: &str, shell: &str, arguments: &[&str]) -> Run {
    let mut command = assert_cmd::Command::new(program);
    command.env_remove("BBOX_IMAGE_CACHE_DIR").env("XDG_CACHE_HOME", "/nobody/is/here");
    command.env("BBOX_COMPLETE", shell).arg("--").args(arguments);
    finish(command)
}

/// The answer to fish for a line of plain words, without descriptions.
fn told(program: &str, line: &str) -> Vec<String> {
    let words: Vec<_> = line.split(' ').collect();
    let text = ask(program, "fish", &words).ok();
    text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn path(cache: &TestCache) -> String {
    cache.dir().into_os_string().into_string().unwrap()
}

#[test]
fn commands_options_and_images_of_the_named_cache_are_completed() {
    let cache = TestCache::new();
    cache.live("0123456789abcdef");
    cache.image("fedcba");
    let reference = "example.com/0123456789abcdef:latest";
    for (program, words) in PROGRAMS {
        for (rest, expected) in [
            ("pu", &["purge"][..]),
            ("gc --lay", &["--layers"]),
            ("list --sort ", &["used", "size", "name"]),
            ("list --sort=n", &["--sort=name"]),
            ("lease --cache-dir DIR ", &[reference, "sha256:fedcba"]),
            ("--cache-dir DIR lease ex", &[reference]),
            ("lease --cache-dir=DIR sha256:0", &["sha256:0123456789ab"]),
            ("lease --cache-dir DIR fe", &["fedcba"]),
            ("lease --cache-dir DIR x", &[]),
            ("lease --cache-dir DIR/none fe", &[]),
            ("lease fe", &[]),
            ("lease x ", &["--"]),
        ] {
            let line = format!("{words} {rest}").replace("DIR", &path(&cache));
            assert_eq!(told(program, &line), expected, "{line}");
        }
    }
    let mut command = assert_cmd::Command::new(PROGRAMS[0].0);
    command.env("BBOX_IMAGE_CACHE_DIR", cache.dir()).env("BBOX_COMPLETE", "fish");
    command.args(["--", "bbox", "cache", "lease", "fe"]);
    assert_eq!(finish(command).ok(), "fedcba\tno reference\n");
}

#[test]
fn each_shell_is_told_in_its_own_way() {
    let cache = TestCache::new();
    cache.live("a");
    let dir = path(&cache);
    let (program, _) = PROGRAMS[0];
    let words = ["bbox", "cache", "--cache-dir", &dir, "lease", "\"example.com/a:"];
    let line = words.join(" ");
    let reference = "example.com/a:latest";
    assert_eq!(ask(program, "fish", &words).ok(), format!("{reference}\ta\n"));
    let zsh = ask(program, "zsh", &words).ok();
    assert_eq!(zsh, "example.com/a\\:latest:a\n");
    // Bash replaces the part after a colon, unless it is quoted.
    assert_eq!(ask(program, "bash", &[&line, ""]).ok(), "latest\n");
    assert_eq!(ask(program, "bash", &[&line, "example.com/a:"]).ok(), format!("{reference}\n"));
}

#[test]
fn impossible_queries_get_no_answer() {
    let cache = TestCache::new();
    let file = cache.home().join("file");
    fs::write(&file, "").unwrap();
    let kind = rustix::fs::FileType::Fifo;
    fs::create_dir(cache.path("refs")).unwrap();
    let fifo = cache.path("refs/fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, rustix::fs::Mode::RUSR, 0).unwrap();
    cache.raw_ref("being-written", "");
    let (program, _) = PROGRAMS[0];
    for dir in [&path(&cache), file.to_str().unwrap(), "", "/proc/self/mem"] {
        let words = ["bbox", "cache", "--cache-dir", dir, "lease", "x"];
        assert_eq!(ask(program, "zsh", &words).ok(), "", "{dir}");
    }
    for (shell, arguments) in [
        ("tcsh", &["bbox", ""][..]),
        ("bash", &[]),
        ("bash", &["bbox "]),
        ("fish", &[]),
        ("zsh", &["bbox"]),
    ] {
        let Run { code, out, err } = ask(program, shell, arguments);
        assert_eq!((code, out.as_str(), err.as_str()), (1, "", ""), "{shell} {arguments:?}");
    }
}

#[test]
fn scripts_ask_the_program_that_printed_them() {
    for (program, words) in PROGRAMS {
        let name = words.split(' ').next().unwrap();
        for shell in ["bash", "zsh", "fish"] {
            let mut command = assert_cmd::Command::new(program);
            let script = finish({
                command.args(["completions", shell]).env("XDG_CACHE_HOME", "/nobody/is/here");
                command
            });
            let script = script.ok();
            assert!(script.contains(&format!("BBOX_COMPLETE={shell} {program} -- ")), "{script}");
            let registers = match shell {
                "bash" => format!("_complete {name}\n"),
                "zsh" => format!("#compdef {name}\n"),
                _ => format!("complete --command {name} "),
            };
            assert!(script.contains(&registers), "{script}");
            let check = Command::new(shell).arg("-n").arg("-c").arg(&script).output();
            match check {
                Ok(output) => assert!(output.status.success(), "{output:?}"),
                Err(error) => eprintln!("skipped: {shell}: {error}"),
            }
        }
    }
    let wrong = finish({
        let mut command = assert_cmd::Command::new(PROGRAMS[0].0);
        command.args(["completions", "bsh"]);
        command
    });
    assert!(wrong.code == 2 && wrong.err.contains("'bash'"), "{}", wrong.err);
}

/// A shell on a terminal that has loaded our script and waits for a line.
struct Shell {
    terminal: File,
    process: Child,
}

impl Shell {
    const PROMPT: &str = "ready> ";

    /// Bash in the home directory of the cache; `None` if there is no bash.
    fn bash(cache: &TestCache, program: &str) -> Option<Self> {
        let (terminal, end) = open_terminal(80);
        let stream = || Stdio::from(end.try_clone().unwrap());
        let (rc, keys) = (cache.home().join("bashrc"), cache.home().join("inputrc"));
        // However many candidates there are, bash does not ask before showing them.
        fs::write(&keys, "set completion-query-items 0\nset page-completions off\n").unwrap();
        fs::write(&rc, format!("PS1='{}'\neval \"$({program} completions bash)\"\n", Self::PROMPT))
            .unwrap();
        let mut command = Command::new("bash");
        command.arg("--noprofile").arg("--rcfile").arg(&rc).arg("-i").current_dir(cache.home());
        let programs = Path::new(program).parent().unwrap().to_str().unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{programs}:{path}")).env("TERM", "dumb");
        command.env("INPUTRC", &keys).env("HISTFILE", "/dev/null");
        command.env("BBOX_IMAGE_CACHE_DIR", cache.dir());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let process = command.spawn().ok()?;
        let mut shell = Self { terminal, process };
        shell.wait_for(Self::PROMPT);
        Some(shell)
    }

    fn wait_for(&mut self, text: &str) -> String {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !seen.ends_with(text.as_bytes()) {
            self.terminal.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// The words of a line after TAB. The line is not run, but passed to `printf`.
    fn completed(&mut self, line: &str) -> String {
        let to_the_beginning = '\x01';
        let show = "printf 'words:'; printf ' <%s>' ";
        writeln!(self.terminal, "{line}\t{to_the_beginning}{show}").unwrap();
        self.wait_for("\nwords: ");
        let words = self.wait_for(Self::PROMPT);
        words.strip_suffix(Self::PROMPT).unwrap().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn a_real_bash_completes_through_colons_and_quotes() {
    let cache = TestCache::new();
    cache.live("0123456789abcdef");
    let other = TestCache::new();
    other.live("b");
    symlink(other.dir(), cache.home().join("my cache")).unwrap();
    for (program, words) in PROGRAMS {
        let Some(mut bash) = Shell::bash(&cache, program) else {
            return eprintln!("skipped: there is no bash here");
        };
        let reference = "example.com/0123456789abcdef:latest";
        for (typed, last) in [
            ("gc --dry", "--dry-run"),
            ("list --sort=n", "--sort=name"),
            ("lease sha256:0", "sha256:0123456789ab"),
            ("lease sha256:", "sha256:0123456789ab"),
            ("lease sha", "sha256:0123456789ab"),
            ("lease 'sha256:0", "sha256:0123456789ab"),
            ("lease example.com/0", reference),
            ("lease example.com/0123456789abcdef:", reference),
            ("lease --cache-dir my\\ cache ex", "example.com/b:latest"),
            ("--cache-dir 'my cache' lease \"ex", "example.com/b:latest"),
            // Bash itself completes the name of a directory that needs quoting.
            ("lease --cache-dir my", "my cache"),
            ("lease x -- ls my", "my cache"),
        ] {
            let line = bash.completed(&format!("{words} {typed}"));
            assert!(line.ends_with(&format!(" <{last}>")), "{typed}: {line}");
        }
    }
}

#[test]
fn nothing_in_a_cache_gets_into_the_line_of_a_real_bash() {
    let cache = TestCache::new();
    for (number, name) in HOSTILE.iter().enumerate() {
        cache.image(&format!("{number}"));
        cache.raw_ref(&number.to_string(), format!("{name}\tsha256:{number}\n"));
        cache.image(&format!("{name} {number}"));
        fs::create_dir_all(cache.home().join("odd").join(name)).unwrap();
    }
    let (program, words) = PROGRAMS[1];
    for shell in ["zsh", "fish"] {
        let offered =
            ask(program, shell, &["bbox-cache", "--cache-dir", &path(&cache), "lease", ""]);
        let offered = offered.ok();
        assert_eq!(offered.lines().count(), HOSTILE.len(), "{offered}");
        assert!(offered.lines().all(|line| line.starts_with("sha256")), "{offered}");
    }
    let Some(mut bash) = Shell::bash(&cache, program) else {
        return eprintln!("skipped: there is no bash here");
    };
    for typed in ["lease ", "lease $", "lease x", "lease --cache-dir odd/$"] {
        let line = bash.completed(&format!("{words} {typed}\t\t"));
        assert!(line.starts_with("<bbox-cache> <lease>"), "{line}");
    }
    assert!(!cache.home().join("marker").exists());
}
