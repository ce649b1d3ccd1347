//! Which program an image provides, judging by a few directories and its config.
//!
//! Brood Box's own images share a base and are run alike: no entrypoint, the base's command. An
//! agent can be recognized in the directories for programs that are not part of the system.
//! [`plan`](crate::plan) compares the names in them and the config. The files themselves are not
//! read.
//!
//! Every directory is reached from the image's own, one name at a time, never through a symlink or
//! into a mount. This costs some 20 opened and 10 listed directories per image, and keeps at most
//! 4,096 names of each.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::config::ImageConfig;
use super::handle::Cache;
use super::inventory::Inventory;
use super::location::Location;
use super::mounts::Mounts;
use crate::error::{Error, Result};
use crate::fs::{Directory, Kind};

/// Where programs are installed in addition to the system's own, apart from users' homes.
const PROGRAMS: [&[&CStr]; 3] =
    [&[c"usr", c"local", c"bin"], &[c"opt"], &[c"root", c".local", c"bin"]];
/// Where npm installs packages for all users.
const PACKAGES: [&[&CStr]; 2] =
    [&[c"usr", c"local", c"lib", c"node_modules"], &[c"usr", c"lib", c"node_modules"]];
/// A file that the first VM in an image leaves next to its programs.
const LEFT_BY_VM: &str = "usr/local/bin/git-credential-bbox";
/// An image with more names than that is not read completely.
const MAX_NAMES: usize = 4096;

/// A feature that distinguishes programs. Not safe to print; use [`Escaped`](crate::Escaped).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Token {
    /// An installed program or npm package: its path in the image, such as `usr/local/bin/claude`
    /// or `usr/lib/node_modules/@google/gemini-cli`.
    Path(PathBuf),
    /// The entrypoint in the config, if any.
    Entrypoint(Vec<String>),
    /// The command in the config, if any.
    Command(Vec<String>),
    /// The name of an environment variable in the config. Values contain versions, so they do not
    /// count.
    Variable(String),
}

impl Token {
    /// Whether it identifies a program. A variable does not, and neither does a command, because
    /// images of many programs inherit a shell's.
    pub fn names_a_program(&self) -> bool {
        matches!(self, Self::Path(_) | Self::Entrypoint(_))
    }

    /// The name of a program or package without its directory: `claude`, `@google/gemini-cli`.
    pub fn program(&self) -> Option<&OsStr> {
        let Self::Path(path) = self else { return None };
        let bytes = path.as_os_str().as_bytes();
        let mut slashes = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
        let starts = |at: usize| OsStr::from_bytes(&bytes[at + 1..]);
        let name = starts(slashes.next()?.0);
        let scoped = slashes.next().map(|(at, _)| starts(at));
        scoped.filter(|scoped| scoped.as_bytes().starts_with(b"@")).or(Some(name))
    }
}

/// What one image provides. The default is nothing, read completely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Everything that distinguishes it from other programs.
    pub tokens: BTreeSet<Token>,
    /// How much of the image was read.
    pub coverage: Coverage,
}

/// How much of a [`Program`] was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Coverage {
    /// Everything.
    #[default]
    Complete,
    /// All directories, but the config is missing or invalid.
    NoConfig,
    /// Only a part: a directory or the config cannot be opened, is behind a symlink or is a mount
    /// point, or there are too many names.
    Partial,
}

impl Program {
    /// Whether everything was read, so that it can be compared with others.
    pub fn is_complete(&self) -> bool {
        self.coverage == Coverage::Complete
    }

    /// Whether nothing identifies the program although every directory was read.
    pub fn tells_nothing(&self) -> bool {
        self.tokens.is_empty() && self.coverage != Coverage::Partial
    }

    fn add_config(&mut self, config: ImageConfig) {
        let ImageConfig { entrypoint, command, environment, .. } = config;
        self.tokens
            .extend(Some(entrypoint).filter(|words| !words.is_empty()).map(Token::Entrypoint));
        self.tokens.extend(Some(command).filter(|words| !words.is_empty()).map(Token::Command));
        let name = |entry: &String| entry.split('=').next().unwrap_or_default().to_owned();
        self.tokens.extend(environment.iter().map(name).map(Token::Variable));
        if self.tokens.len() > MAX_NAMES {
            self.coverage = Coverage::Partial;
        }
    }
}

/// The programs in the images of a cache, as far as they could be read. Used by
/// [`plan`](crate::plan). By default nothing is known.
#[derive(Debug, Default)]
pub struct Programs {
    pub(crate) programs: HashMap<Location, Program>,
    /// Errors about directories and configs that could not be read.
    pub problems: Vec<Error>,
}

impl Programs {
    /// The program in an image. `None` if the image is gone or was not read.
    pub fn get(&self, image: &Location) -> Option<&Program> {
        self.programs.get(image)
    }
}

impl Cache {
    /// Reads the program of every image in `inventory`. Skips images with a mount in them, because
    /// the mount may not answer. Unreadable directories are reported in `problems`, and the image's
    /// [`Program`] is then partial. Costs some 20 opened directories per image.
    pub fn programs(&self, inventory: &Inventory, mounts: &Mounts) -> Programs {
        let mut found = Programs::default();
        let images = inventory.images();
        for (image, _) in images.filter(|(image, _)| mounts.get(&image.location).is_none()) {
            if let Some(program) = self.program(&image.location, &mut found.problems) {
                found.programs.insert(image.location.clone(), program);
            }
        }
        found
    }

    /// `None` if the image is gone.
    fn program(&self, image: &Location, problems: &mut Vec<Error>) -> Option<Program> {
        let path = image.path_in(self.path());
        let mut reader = Reader { image: &path, program: Program::default(), names: 0, problems };
        match self.try_folder(image.folder).and_then(|folder| {
            let folder = folder.ok_or(Errno::NOENT)?;
            folder.open_child(image.name.as_c_str())
        }) {
            Ok((top, _)) => reader.read_tree(Place { directory: top, path: PathBuf::new() }),
            Err(Errno::NOENT) => return None,
            Err(cause) => reader.fail(Path::new(""), cause),
        }
        reader.read_config(self.config(image));
        Some(reader.program)
    }
}

/// A directory of an image, and its path in the image.
struct Place {
    directory: Directory,
    path: PathBuf,
}

struct Reader<'a> {
    /// The path of the image, for messages.
    image: &'a Path,
    program: Program,
    /// Number of names listed so far.
    names: usize,
    problems: &'a mut Vec<Error>,
}

impl Reader<'_> {
    fn read_tree(&mut self, top: Place) {
        for path in PROGRAMS {
            self.read_programs(&top, path);
        }
        for path in PACKAGES {
            self.read_packages(&top, path);
        }
        self.read_homes(&top);
    }

    fn read_programs(&mut self, from: &Place, path: &[&CStr]) {
        let Some(place) = self.descend(from, path) else { return };
        for name in self.list(&place) {
            self.add(&place, &name);
        }
    }

    fn read_packages(&mut self, top: &Place, path: &[&CStr]) {
        let Some(place) = self.descend(top, path) else { return };
        for name in self.list(&place) {
            if name.to_bytes().starts_with(b"@") {
                self.read_programs(&place, &[&name]);
            } else {
                self.add(&place, &name);
            }
        }
    }

    fn read_homes(&mut self, top: &Place) {
        let Some(place) = self.descend(top, &[c"home"]) else { return };
        for name in self.list(&place) {
            let kind = place.directory.status_of(&name).map(|status| status.kind);
            if !matches!(kind, Ok(Kind::File | Kind::Special)) {
                self.read_programs(&place, &[&name, c".local", c"bin"]);
            }
        }
    }

    fn add(&mut self, place: &Place, name: &CStr) {
        let path = below(&place.path, name);
        if path != Path::new(LEFT_BY_VM) {
            self.program.tokens.insert(Token::Path(path));
        }
    }

    /// Opens a directory. `None` if it does not exist.
    fn descend(&mut self, from: &Place, names: &[&CStr]) -> Option<Place> {
        let mut path = from.path.clone();
        let mut lowest = None;
        for name in names {
            path = below(&path, name);
            match lowest.as_ref().unwrap_or(&from.directory).open_child(name) {
                Ok((directory, _)) => lowest = Some(directory),
                Err(Errno::NOENT) => return None,
                Err(cause) => {
                    self.fail(&path, cause);
                    return None;
                }
            }
        }
        lowest.map(|directory| Place { directory, path })
    }

    /// The names in a directory, up to the limit. A directory can be listed only once.
    fn list(&mut self, place: &Place) -> Vec<CString> {
        let (mut names, room) = (Vec::new(), MAX_NAMES - self.names);
        let result = place.directory.for_each(|name, _| {
            if names.len() <= room {
                names.push(name.to_owned());
            }
        });
        if let Err(cause) = result {
            self.fail(&place.path, cause);
        }
        if names.len() > room {
            names.truncate(room);
            self.program.coverage = Coverage::Partial;
        }
        self.names += names.len();
        names
    }

    fn read_config(&mut self, config: Result<Option<ImageConfig>>) {
        let missing = self.program.coverage.max(Coverage::NoConfig);
        match config {
            Ok(Some(config)) => self.program.add_config(config),
            Ok(None) => self.program.coverage = missing,
            // The owner treats an invalid config like a missing one.
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
                self.program.coverage = missing;
            }
            Err(problem) => {
                self.program.coverage = Coverage::Partial;
                self.problems.push(problem);
            }
        }
    }

    /// A file, symlink or mount in place of a directory is not an error: images may be built that
    /// way.
    fn fail(&mut self, path: &Path, cause: Errno) {
        self.program.coverage = Coverage::Partial;
        if !matches!(cause, Errno::NOTDIR | Errno::LOOP | Errno::XDEV) {
            self.problems.push(Error::io("list", self.image.join(path), cause));
        }
    }
}

fn below(path: &Path, name: &CStr) -> PathBuf {
    path.join(OsStr::from_bytes(name.to_bytes()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::cache::{EntryName, Folder};
    use crate::test_cache::TestCache;
    use crate::test_cache::agents::{Agent, run_first_machine};

    fn read(cache: &TestCache, name: &str) -> (Program, Vec<Error>) {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let name = EntryName::new(format!("sha256-{name}")).unwrap();
        let programs = opened.programs(&opened.inventory_now().unwrap(), &Mounts::default());
        let program = programs.get(&Location { folder: Folder::Root, name }).cloned().unwrap();
        (program, programs.problems)
    }

    /// An image with these files and the config of the base.
    fn image(files: &[&str]) -> (TestCache, PathBuf) {
        let cache = TestCache::in_memory();
        let path = cache.image_with("a", |top| {
            for file in files {
                let path = top.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
        });
        (cache, path)
    }

    fn paths(program: &Program) -> Vec<String> {
        let text = |token: &Token| match token {
            Token::Path(path) => Some(path.to_str().unwrap().to_owned()),
            _ => None,
        };
        program.tokens.iter().filter_map(text).collect()
    }

    #[test]
    fn an_agent_provides_the_files_added_to_its_base() {
        const BASE: [&str; 4] = [
            "usr/lib/node_modules/npm",
            "usr/local/bin/goimports",
            "usr/local/bin/golangci-lint",
            "usr/local/bin/task",
        ];
        for (agent, own) in [
            (
                Agent::ClaudeCode,
                &["home/sandbox/.local/bin/claude", "usr/local/bin/claude"] as &[&str],
            ),
            (Agent::Codex, &["usr/local/bin/codex"]),
            (Agent::OpenCode, &["usr/local/bin/opencode"]),
            (Agent::Gemini, &["usr/lib/node_modules/@google/gemini-cli"]),
            (Agent::Hermes, &["opt/hermes", "usr/local/bin/hermes"]),
        ] {
            let cache = TestCache::in_memory();
            let path = cache.pull(agent, 1);
            let (program, problems) = read(&cache, &agent.digest(1));
            let mut expected = [&BASE, own].concat();
            expected.sort_unstable();
            assert_eq!(paths(&program), expected, "{agent:?}");
            assert!(program.is_complete() && problems.is_empty(), "{agent:?} {problems:?}");
            assert!(program.tokens.contains(&Token::Variable("PATH".into())));
            assert!(program.tokens.contains(&Token::Command(vec!["/bin/sh".into(), "-l".into()])));
            run_first_machine(&path);
            assert_eq!(read(&cache, &agent.digest(1)).0, program, "after its first VM");
        }
    }

    #[test]
    fn values_of_variables_and_empty_words_do_not_count() {
        let (cache, _) = image(&[]);
        cache.configure("a", r#"{"Entrypoint":["/x"],"Cmd":[],"Env":["A=1","A=2","B","=C"]}"#);
        let variables = ["A", "B", ""].map(|name| Token::Variable(name.to_owned()));
        let tokens = [Token::Entrypoint(vec!["/x".to_owned()])].into_iter().chain(variables);
        assert_eq!(read(&cache, "a").0.tokens, tokens.collect());
    }

    #[test]
    fn only_direct_children_of_the_known_directories_count() {
        let (cache, _) = image(&[
            "usr/local/bin/sub/x",
            "usr/bin/x",
            "opt/tool/bin/x",
            "home/one/.local/bin/x",
            "home/two/.local/bin/y",
            "home/two/bin/x",
            "home/file",
            "root/.local/bin/z",
            "usr/local/lib/node_modules/@scope/p/x",
            "usr/local/lib/node_modules/@scope/q/x",
        ]);
        let (program, problems) = read(&cache, "a");
        assert_eq!(
            paths(&program),
            [
                "home/one/.local/bin/x",
                "home/two/.local/bin/y",
                "opt/tool",
                "root/.local/bin/z",
                "usr/local/bin/sub",
                "usr/local/lib/node_modules/@scope/p",
                "usr/local/lib/node_modules/@scope/q",
            ]
        );
        assert!(program.is_complete() && problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn nothing_is_reached_through_a_symlink() {
        for link in ["opt", "usr/local", "usr/local/bin", "home", "home/a", "root/.local"] {
            let (cache, path) = image(&["usr/x", "home/x", "root/x", "usr/local/x"]);
            let link = path.join(link);
            if link.is_dir() {
                fs::remove_dir_all(&link).unwrap();
            }
            fs::create_dir_all(cache.home().join("elsewhere/.local/bin/x")).unwrap();
            fs::create_dir_all(cache.home().join("elsewhere/bin/x")).unwrap();
            symlink(cache.home().join("elsewhere"), &link).unwrap();
            let (program, problems) = read(&cache, "a");
            assert_eq!(paths(&program), [""; 0], "{link:?}");
            assert_eq!(program.coverage, Coverage::Partial, "{link:?}");
            assert!(problems.is_empty(), "{problems:?}");
        }
    }

    #[test]
    fn an_image_without_a_usable_config_is_not_compared() {
        for (config, coverage) in [
            (None, Coverage::NoConfig),
            (Some("no"), Coverage::NoConfig),
            (Some("{}"), Coverage::Complete),
        ] {
            let (cache, path) = image(&[]);
            match config {
                None => fs::remove_file(path.join(".oci-config.json")).unwrap(),
                Some(text) => cache.configure("a", text),
            }
            let (program, problems) = read(&cache, "a");
            assert_eq!((program.coverage, problems.len()), (coverage, 0));
            assert!(program.tells_nothing());
        }
        let (cache, path) = image(&[]);
        let config = path.join(".oci-config.json");
        fs::remove_file(&config).unwrap();
        symlink(cache.outside().join("precious"), config).unwrap();
        let (program, problems) = read(&cache, "a");
        assert_eq!((program.coverage, problems.len()), (Coverage::Partial, 1));
        assert!(!program.tells_nothing());
    }

    #[test]
    #[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
    fn an_unreadable_directory_is_reported() {
        if rustix::process::geteuid().is_root() {
            return eprintln!("skipped: root can read every directory");
        }
        let (cache, path) = image(&["usr/local/bin/x", "opt/x"]);
        fs::set_permissions(path.join("opt"), fs::Permissions::from_mode(0o000)).unwrap();
        let (program, problems) = read(&cache, "a");
        fs::set_permissions(path.join("opt"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(paths(&program), ["usr/local/bin/x"]);
        assert_eq!(program.coverage, Coverage::Partial);
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        let end = "/sha256-a/opt: Permission denied";
        assert!(problem.to_string().ends_with(end), "{problem}");
    }

    #[test]
    fn a_thousand_names_are_read_and_too_many_are_not() {
        for (count, coverage) in [(1000, Coverage::Complete), (5000, Coverage::Partial)] {
            let cache = TestCache::in_memory();
            cache.image_with("a", |top| {
                fs::create_dir_all(top.join("opt")).unwrap();
                (0..count).for_each(|n| fs::write(top.join(format!("opt/{n}")), "").unwrap());
            });
            let program = read(&cache, "a").0;
            assert_eq!(paths(&program).len(), count.min(MAX_NAMES));
            assert_eq!(program.coverage, coverage);
        }
    }

    #[test]
    fn hostile_names_are_bytes() {
        let (cache, path) = image(&["opt/\u{1b}[2J", "opt/two\nlines"]);
        let name = OsStr::from_bytes(b"\xff\xfe");
        fs::write(path.join("opt").join(name), "").unwrap();
        let program = read(&cache, "a").0;
        let names: Vec<_> = program.tokens.iter().filter_map(Token::program).collect();
        assert_eq!(names, [OsStr::new("\u{1b}[2J"), OsStr::new("two\nlines"), name]);
    }

    #[test]
    fn a_package_name_includes_its_scope() {
        for (path, name) in [
            ("usr/local/bin/claude", "claude"),
            ("opt/hermes", "hermes"),
            ("usr/lib/node_modules/@google/gemini-cli", "@google/gemini-cli"),
            ("usr/lib/node_modules/npm", "npm"),
            ("opt/@odd", "@odd"),
        ] {
            assert_eq!(Token::Path(path.into()).program(), Some(OsStr::new(name)), "{path}");
        }
        assert_eq!(Token::Variable("A/B".to_owned()).program(), None);
    }
}
