//! The images built by the owner's own project, in their real shapes.
//!
//! All five share a base. None sets an entrypoint, a command or a user: `Cmd` is inherited. Their
//! configs differ in up to three variables, or not at all. They are distinguished by the programs
//! in their trees.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::pull::Request;

/// The environment of the base.
const PATH: &str = "PATH=/usr/local/bin:/usr/bin:/bin";

/// One of the five programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    ClaudeCode,
    Codex,
    OpenCode,
    Gemini,
    Hermes,
}

impl Agent {
    pub const ALL: [Self; 5] =
        [Self::ClaudeCode, Self::Codex, Self::OpenCode, Self::Gemini, Self::Hermes];

    /// The name of its image.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
            Self::Gemini => "gemini",
            Self::Hermes => "hermes",
        }
    }

    /// The reference with which every build of it is pulled.
    pub fn reference(self) -> String {
        format!("ghcr.io/stacklok/brood-box/{}:latest", self.name())
    }

    /// The digest of one of its builds, without the algorithm: `codex-2`.
    pub fn digest(self, version: u32) -> String {
        format!("{}-{version}", self.name())
    }

    /// The registry's answer for its reference if this build is the latest.
    pub fn build(self, version: u32) -> Request {
        Request {
            reference: self.reference(),
            image: self.digest(version),
            layers: vec!["base".to_owned(), self.digest(version)],
            extract: extract_layer,
            config: self.config(),
        }
    }

    /// Its `.oci-config.json`. Those of opencode, gemini and hermes are equal.
    pub fn config(self) -> String {
        config(match self {
            Self::ClaudeCode => {
                &["DISABLE_AUTOUPDATER=1", "CLAUDE_CODE_SANDBOX=1", "USE_BUILTIN_RIPGREP=0"]
            }
            Self::Codex => &["CODEX_HOME=/home/sandbox/.codex"],
            Self::OpenCode | Self::Gemini | Self::Hermes => &[],
        })
    }

    /// Creates the contents of its own layer in a directory.
    pub fn fill(self, version: u32, top: &Path) {
        let content = format!("{} {version}", self.name());
        let write = |path: &str| write(top, path, &content);
        match self {
            Self::ClaudeCode => {
                write("home/sandbox/.local/bin/claude");
                link(top, "/home/sandbox/.local/bin/claude", "usr/local/bin/claude");
            }
            Self::Codex => write("usr/local/bin/codex"),
            Self::OpenCode => write("usr/local/bin/opencode"),
            Self::Gemini => write("usr/lib/node_modules/@google/gemini-cli/package.json"),
            Self::Hermes => {
                write("opt/hermes/bin/hermes");
                link(top, "/opt/hermes/bin/hermes", "usr/local/bin/hermes");
            }
        }
    }

    fn of_layer(layer: &str) -> Option<(Self, u32)> {
        let (name, version) = layer.rsplit_once('-')?;
        let agent = Self::ALL.into_iter().find(|agent| agent.name() == name)?;
        Some((agent, version.parse().ok()?))
    }
}

/// The config of the base with these additional variables.
pub fn config(variables: &[&str]) -> String {
    let variables: Vec<_> =
        [PATH].iter().chain(variables).map(|each| format!("\"{each}\"")).collect();
    let environment = variables.join(",");
    format!(
        r#"{{"Entrypoint":null,"Cmd":["/bin/sh","-l"],"Env":[{environment}],"WorkingDir":"","User":""}}"#
    )
}

/// Extracts a layer of the five images: the `base`, or a build given by its digest.
pub fn extract_layer(layer: &str, top: &Path) {
    match Agent::of_layer(layer) {
        Some((agent, version)) => agent.fill(version, top),
        None => base(top),
    }
}

/// Creates the part of an image that comes from the base.
pub fn base(top: &Path) {
    for program in ["bash", "git", "go", "node", "python3", "rustc"] {
        write(top, &format!("usr/bin/{program}"), program);
    }
    for program in ["task", "golangci-lint", "goimports"] {
        write(top, &format!("usr/local/bin/{program}"), program);
    }
    write(top, "usr/lib/node_modules/npm/package.json", "{}");
    write(top, "etc/os-release", "ID=wolfi");
}

/// Creates the files that the first machine of a fresh pull leaves in its image, in which it runs.
/// This updates the image's modification time.
pub fn run_first_machine(image: &Path) {
    for file in ["bbox-init", "bbox-init.lock", ".krun_config.json", "etc/sandbox-env"] {
        write(image, file, "");
    }
    write(image, "etc/broodbox-mounts.json", "{}");
    write(image, "usr/local/bin/git-credential-bbox", "#!/bin/sh\n");
}

fn write(top: &Path, path: &str, content: &str) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn link(top: &Path, target: &str, path: &str) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}
