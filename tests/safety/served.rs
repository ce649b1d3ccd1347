//! A file system served by this process, with the habits of some real servers: it stops answering,
//! returns a different inode number each time, and skips names while others are removed.
//!
//! It implements the protocol of `/dev/fuse` itself (`linux/fuse.h`), so it needs no library, but
//! root.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// The contents of the file system: a path for each directory (`None`) and file.
pub type Files = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A file system that is mounted until dropped.
pub struct Served {
    point: PathBuf,
    server: Arc<Mutex<Option<Server>>>,
}

struct Server {
    device: File,
    /// Indexed by number from 1, the root first. A removed node has no parent.
    nodes: Vec<Node>,
    has_steady_inodes: bool,
    looks: u64,
    /// Creation time of all nodes in seconds since 1970: an hour ago.
    made: u64,
}

struct Node {
    name: Vec<u8>,
    /// `None` for a directory.
    content: Option<Vec<u8>>,
    children: Vec<u64>,
}

const IS_DIRECTORY: u32 = 0o40_000;
const IS_FILE: u32 = 0o100_000;

impl Served {
    /// Mounts `files` on a directory. `None`, with a reason, if that is not permitted.
    pub fn mount(point: &Path, files: &Files, has_steady_inodes: bool) -> Option<Self> {
        let served = Self::try_mount(point, files, has_steady_inodes);
        if let Err(cause) = &served {
            eprintln!("skipped: no file system can be served: {cause}");
        }
        let served = served.ok()?;
        let server = Arc::clone(&served.server);
        std::thread::spawn(move || while Server::turn(&server) {});
        Some(served)
    }

    fn try_mount(point: &Path, files: &Files, has_steady_inodes: bool) -> std::io::Result<Self> {
        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut options = File::options();
        let device = options.read(true).write(true).custom_flags(nonblocking).open("/dev/fuse")?;
        let data =
            format!("fd={},rootmode=40000,user_id=0,group_id=0,allow_other", device.as_raw_fd());
        let data = CString::new(data).unwrap();
        mount("bbox-test", point, "fuse", MountFlags::empty(), Some(data.as_c_str()))?;
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let made = hour_ago.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let (nodes, looks) = (Vec::new(), 1 << 20);
        let mut server = Server { device, nodes, has_steady_inodes, looks, made };
        server.add(b"", None);
        files.iter().for_each(|(path, content)| server.fill(path, content));
        Ok(Self { point: point.to_owned(), server: Arc::new(Mutex::new(Some(server))) })
    }

    /// From now on, nothing is answered. Requests block as long as the returned file is open.
    pub fn stop(&self) -> File {
        self.server.lock().unwrap().take().expect("stopped only once").device
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Waiting processes get an error.
        unmount(&self.point, UnmountFlags::FORCE | UnmountFlags::DETACH).unwrap();
    }
}

/// The reply to a request, or an error.
type Answer = Result<Vec<u8>, Errno>;

impl Server {
    fn add(&mut self, name: &[u8], content: Option<Vec<u8>>) -> u64 {
        self.nodes.push(Node { name: name.to_vec(), content, children: Vec::new() });
        self.nodes.len() as u64
    }

    fn fill(&mut self, path: &Path, content: &Option<Vec<u8>>) {
        let mut parent = 1;
        let (names, last) = (path.parent().into_iter().flatten(), path.file_name().unwrap());
        for name in names {
            parent = self.child(parent, name.as_bytes()).expect("the directory comes first");
        }
        let node = self.add(last.as_bytes(), content.clone());
        self.node(parent).children.push(node);
    }

    fn node(&mut self, number: u64) -> &mut Node {
        &mut self.nodes[number as usize - 1]
    }

    fn child(&mut self, parent: u64, name: &[u8]) -> Result<u64, Errno> {
        let children = self.node(parent).children.clone();
        children.into_iter().find(|&child| self.node(child).name == name).ok_or(Errno::NOENT)
    }

    /// Answers one request, if there is one. Returns whether to continue.
    fn turn(server: &Mutex<Option<Self>>) -> bool {
        let mut server = server.lock().unwrap();
        let Some(own) = server.as_mut() else { return false };
        let mut request = vec![0; 1 << 18];
        match own.device.read(&mut request) {
            Ok(length) => own.answer(&request[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                drop(server);
                std::thread::sleep(Duration::from_micros(200));
            }
            // It was interrupted or unmounted.
            Err(error) => return error.raw_os_error() != Some(Errno::NODEV.raw_os_error()),
        }
        true
    }

    fn answer(&mut self, request: &[u8]) {
        let number = |at: usize| u64::from_ne_bytes(request[at..at + 8].try_into().unwrap());
        let (operation, unique, node) = (number(0) >> 32, number(8), number(16));
        let Some(answer) = self.act(operation, node, &request[40..]) else { return };
        let (error, body) = match answer {
            Ok(body) => (0, body),
            Err(cause) => (-cause.raw_os_error(), Vec::new()),
        };
        let length = 16 + body.len() as u32;
        let head = [&length.to_ne_bytes()[..], &error.to_ne_bytes(), &unique.to_ne_bytes()];
        // The requester may be gone.
        let _ = self.device.write_all(&[&head.concat(), &body[..]].concat());
    }

    /// `None` if no reply is expected.
    fn act(&mut self, operation: u64, node: u64, body: &[u8]) -> Option<Answer> {
        const FORGET: u64 = 2;
        const INTERRUPT: u64 = 36;
        const FORGET_ALL: u64 = 42;
        let name = |at: usize| body[at..].split(|&byte| byte == 0).next().unwrap_or_default();
        let number = |at: usize| u64::from_ne_bytes(body[at..at + 8].try_into().unwrap());
        Some(match operation {
            FORGET | INTERRUPT | FORGET_ALL => return None,
            1 => self.child(node, name(0)).map(|child| self.entry(child)),
            3 => Ok([vec![0; 16], self.status(node)].concat()),
            10 | 11 => self.remove(node, name(0)),
            14 | 27 => Ok(vec![0; 16]),
            15 => Ok(self.read(node, number(8) as usize, number(16) as u32 as usize)),
            17 => Ok(vec![0; 80]),
            18 | 25 | 29 => Ok(Vec::new()),
            26 => Ok(initial()),
            28 => Ok(self.list(node, number(8) as usize, number(16) as u32 as usize)),
            45 => {
                let from = name(16);
                self.rename((node, from), (number(0), name(17 + from.len())))
            }
            _ => Err(Errno::NOSYS),
        })
    }

    fn entry(&mut self, node: u64) -> Vec<u8> {
        [&node.to_ne_bytes()[..], &[0; 32], &self.status(node)].concat()
    }

    fn status(&mut self, node: u64) -> Vec<u8> {
        self.looks += 1;
        let inode = if self.has_steady_inodes { node } else { self.looks };
        let content = &self.node(node).content;
        let size = content.as_ref().map_or(0, Vec::len) as u64;
        let (mode, links) =
            if content.is_some() { (IS_FILE | 0o755, 1) } else { (IS_DIRECTORY | 0o755, 2) };
        let long = [inode, size, size.div_ceil(512), self.made, self.made, self.made]
            .map(u64::to_ne_bytes);
        let short = [0, 0, 0, mode, links, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes);
        [long.concat(), short.concat()].concat()
    }

    fn read(&mut self, node: u64, offset: usize, size: usize) -> Vec<u8> {
        let content = self.node(node).content.as_deref().unwrap_or_default();
        let rest = content.get(offset..).unwrap_or_default();
        rest[..rest.len().min(size)].to_vec()
    }

    /// Returns two names at a time. Offsets count in the current list, so removing a name shifts
    /// the rest.
    fn list(&mut self, node: u64, first: usize, size: usize) -> Vec<u8> {
        let (children, mut list) = (self.node(node).children.clone(), Vec::new());
        for (place, child) in children.into_iter().enumerate().skip(first).take(2) {
            let Node { name, content, .. } = self.node(child);
            let kind = if content.is_some() { IS_FILE } else { IS_DIRECTORY } >> 12;
            let long = [child, place as u64 + 1].map(u64::to_ne_bytes).concat();
            let short = [name.len() as u32, kind].map(u32::to_ne_bytes).concat();
            let mut entry = [&long, &short, &name[..]].concat();
            entry.resize(entry.len().next_multiple_of(8), 0);
            if list.len() + entry.len() > size {
                break;
            }
            list.extend(entry);
        }
        list
    }

    fn remove(&mut self, parent: u64, name: &[u8]) -> Answer {
        let child = self.child(parent, name)?;
        if !self.node(child).children.is_empty() {
            return Err(Errno::NOTEMPTY);
        }
        self.node(parent).children.retain(|&other| other != child);
        Ok(Vec::new())
    }

    /// Never replaces anything.
    fn rename(&mut self, from: (u64, &[u8]), to: (u64, &[u8])) -> Answer {
        let child = self.child(from.0, from.1)?;
        if self.child(to.0, to.1).is_ok() {
            return Err(Errno::EXIST);
        }
        self.node(from.0).children.retain(|&other| other != child);
        self.node(to.0).children.push(child);
        self.node(child).name = to.1.to_vec();
        Ok(Vec::new())
    }
}

/// Version 7.31 without any optional features.
fn initial() -> Vec<u8> {
    let mut answer = [7_u32, 31, 0, 0].map(u32::to_ne_bytes).concat();
    answer.extend([16_u16, 12].map(u16::to_ne_bytes).concat());
    answer.extend((1_u32 << 16).to_ne_bytes());
    answer.resize(64, 0);
    answer
}
