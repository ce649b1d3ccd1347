//! Real file systems that exist as long as a test needs them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Btrfs,
    Xfs,
    Ext4,
    /// With inodes that have no room for a birth time.
    Ext4WithoutBirths,
}

/// The kinds on which files can share data.
pub const SYSTEMS: [System; 2] = [System::Btrfs, System::Xfs];

impl System {
    pub fn name(self) -> &'static str {
        match self {
            Self::Btrfs => "btrfs",
            Self::Xfs => "XFS",
            Self::Ext4 | Self::Ext4WithoutBirths => "ext4",
        }
    }

    fn make(self) -> &'static [&'static str] {
        match self {
            Self::Btrfs => &["mkfs.btrfs", "-q"],
            Self::Xfs => &["mkfs.xfs", "-q", "-m", "reflink=1"],
            Self::Ext4 => &["mkfs.ext4", "-q"],
            Self::Ext4WithoutBirths => &["mkfs.ext4", "-q", "-I", "128"],
        }
    }
}

/// A mounted file system of 2 GiB in a sparse file.
pub struct Volume {
    pub system: System,
    home: TempDir,
}

impl Volume {
    /// Mounts a new file system. `Err` with the reason if that is not possible.
    pub fn mount(system: System) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("mounting a file system takes root".to_owned());
        }
        let home = home();
        let image = home.path().join("image");
        File::create(&image).unwrap().set_len(2 << 30).unwrap();
        let [program, options @ ..] = system.make() else { unreachable!("each has a program") };
        run(Command::new(program).args(options).arg(&image))?;
        let volume = Self { system, home };
        fs::create_dir(volume.path()).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(volume.path()))?;
        Ok(volume)
    }

    pub fn path(&self) -> PathBuf {
        self.home.path().join("mounted")
    }

    /// Bytes that a user can still use.
    pub fn available(&self) -> u64 {
        let found = rustix::fs::statvfs(self.path()).unwrap();
        found.f_bavail * found.f_frsize
    }

    /// Free bytes, once all changes have taken effect. XFS applies some in the background.
    pub fn free(&self) -> u64 {
        let top = File::open(self.path()).unwrap();
        rustix::fs::syncfs(&top).unwrap();
        let (mut free, mut looks_alike) = (0, 0);
        while looks_alike < 3 {
            let found = rustix::fs::fstatvfs(&top).unwrap();
            let next = found.f_bfree * found.f_frsize;
            looks_alike = if next == free { looks_alike + 1 } else { 0 };
            free = next;
            std::thread::sleep(Duration::from_millis(25));
        }
        free
    }
}

/// In memory if the system supports that, because a test writes out its file system many times.
fn home() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("bbox-volume-").tempdir_in(place).unwrap()
}

impl Drop for Volume {
    fn drop(&mut self) {
        // It fails harmlessly if nothing is mounted.
        let _ = run(Command::new("umount").arg(self.path()));
    }
}

/// An overlay on a volume: files share data through it, but it does not report that.
pub struct Overlay(PathBuf);

impl Overlay {
    pub fn mount(on: &Volume) -> Self {
        let [lower, upper, work, merged] =
            ["lower", "upper", "work", "merged"].map(|name| on.path().join(name));
        [&lower, &upper, &work, &merged].into_iter().for_each(|path| fs::create_dir(path).unwrap());
        let [lower, upper, work] = [lower, upper, work].map(|path| path.display().to_string());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let mut mount = Command::new("mount");
        run(mount.args(["-t", "overlay", "bbox-test", "-o", &options]).arg(&merged)).unwrap();
        Self(merged)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        // The file system below is unmounted next, and reports any problem.
        let _ = run(Command::new("umount").arg(&self.0));
    }
}

/// Runs a program to its end. `Err` with its error output if it fails.
pub fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// Creates a btrfs subvolume at `path`.
pub fn make_subvolume(path: &Path) {
    run(Command::new("btrfs").args(["subvolume", "create"]).arg(path)).unwrap();
}

/// Creates a snapshot of the subvolume `of` at `path`.
pub fn make_snapshot(of: &Path, path: &Path) {
    run(Command::new("btrfs").args(["subvolume", "snapshot"]).arg(of).arg(path)).unwrap();
}

/// Makes btrfs compress data written to files in this directory from now on.
pub fn compress(path: &Path) {
    let set = ["property", "set"];
    run(Command::new("btrfs").args(set).arg(path).args(["compression", "zstd"])).unwrap();
}
