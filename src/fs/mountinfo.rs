//! The mounts visible to a process, as listed in `/proc/PID/mountinfo`, one per line:
//!
//! ```text
//! 36 35 98:0 /subvolume/dir /mnt/point rw,noatime master:1 - ext3 /dev/root rw
//! ```
//!
//! The fields used here are the mount's ID, its parent's ID, the device of the file system, the
//! directory of that file system that is mounted, and the mount point. After the dash come the type
//! of the file system, its source and its options. Device and directory together identify a
//! directory in every mount namespace, whatever its path there.

/// A file system, as its major and minor number.
pub type Device = (u32, u32);

/// A location that does not depend on mounts: a file system, and a path from its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub device: Device,
    pub path: Vec<u8>,
}

/// A directory of a file system, and where it is mounted.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub id: u64,
    /// The mount that contains the mount point.
    pub parent: u64,
    pub root: Place,
    pub point: Vec<u8>,
    /// The file system's type.
    pub kind: Vec<u8>,
    /// The file system's options, as they appear in the list.
    pub options: Vec<u8>,
}

/// File systems served by the local kernel alone. Any other may wait for a server or a process.
const LOCAL: [&str; 26] = [
    "bcachefs", "btrfs", "devtmpfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs", "iso9660",
    "jfs", "msdos", "nilfs2", "ntfs3", "overlay", "proc", "ramfs", "reiserfs", "rootfs",
    "squashfs", "sysfs", "tmpfs", "udf", "vfat", "xfs", "zfs",
];

/// Overlay options that contain a directory, or several separated by colons.
const LAYERS: [&[u8]; 5] = [b"lowerdir", b"lowerdir+", b"datadir+", b"upperdir", b"workdir"];

impl Mount {
    /// Whether accessing a file on it depends on the local kernel alone.
    pub fn is_local(&self) -> bool {
        LOCAL.iter().any(|kind| kind.as_bytes() == self.kind)
    }

    /// Where a path below the mount point leads, if nothing else is mounted on the way.
    pub fn place(&self, path: &[u8]) -> Option<Place> {
        let path = join(&self.root.path, below(path, &self.point)?);
        Some(Place { device: self.root.device, path })
    }

    /// The directories that an overlay consists of, as spelled in its mount options.
    pub fn layers(&self) -> Vec<Vec<u8>> {
        if self.kind != b"overlay" {
            return Vec::new();
        }
        let options = self.options.split(|&byte| byte == b',').filter_map(|option| {
            let equals = option.iter().position(|&byte| byte == b'=')?;
            LAYERS.contains(&&option[..equals]).then(|| unescape(&option[equals + 1..]))
        });
        options.flat_map(|value| split_layers(&value)).collect()
    }
}

/// A colon inside a path is escaped with a backslash.
fn split_layers(value: &[u8]) -> Vec<Vec<u8>> {
    let (mut layers, mut bytes) = (vec![Vec::new()], value.iter());
    while let Some(&byte) = bytes.next() {
        match (byte, layers.last_mut()) {
            (b'\\', Some(layer)) => layer.extend(bytes.next()),
            (b':', _) => layers.push(Vec::new()),
            (byte, layer) => layer.into_iter().for_each(|layer| layer.push(byte)),
        }
    }
    layers.retain(|layer| !layer.is_empty());
    layers
}

/// Parses a list of mounts. Skips malformed lines.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let [id, parent] = [number(fields.next()?)?, number(fields.next()?)?];
    let (major, minor) = str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let [root, point] = [unescape(fields.next()?), unescape(fields.next()?)];
    let mut after_dash = fields.skip_while(|&field| field != b"-").skip(1);
    let kind = after_dash.next().unwrap_or_default().to_vec();
    let options = after_dash.nth(1).unwrap_or_default().to_vec();
    Some(Mount { id, parent, root: Place { device, path: root }, point, kind, options })
}

fn number(field: &[u8]) -> Option<u64> {
    str::from_utf8(field).ok()?.parse().ok()
}

/// Decodes the kernel's octal escapes: special bytes are written as `\` and three digits.
pub fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let (byte, rest) = match (first, rest) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..]) => {
                ((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'), rest)
            }
            _ => (*first, rest),
        };
        path.push(byte);
        text = rest;
    }
    path
}

/// The mount that a path leads to: the one with the longest mount point. Of several on the same
/// point, the topmost one, which is listed last.
pub fn locate<'m>(mounts: &'m [Mount], path: &[u8]) -> Option<&'m Mount> {
    let around = mounts.iter().filter(|mount| below(path, &mount.point).is_some());
    around.max_by_key(|mount| mount.point.len())
}

/// Where a mount point is located, independent of the mount it is reached through.
pub fn place_of_point(mounts: &[Mount], mount: &Mount) -> Option<Place> {
    mounts.iter().find(|other| other.id == mount.parent)?.place(&mount.point)
}

/// The rest of `path` after `upper`: empty, or a slash and more. `None` if `path` is not below it.
pub fn below<'a>(path: &'a [u8], upper: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(without_slash(upper))?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

/// The inverse of [`below`]: appends its result to a directory.
pub fn join(upper: &[u8], rest: &[u8]) -> Vec<u8> {
    [without_slash(upper), rest].concat()
}

/// The root is the only directory whose path ends with a slash.
fn without_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(device: Device, path: &str) -> Place {
        Place { device, path: path.into() }
    }

    #[test]
    fn a_line_is_parsed_into_place_and_mount_point() {
        for (line, expected) in [
            ("36 35 98:0 / / rw - ext3 /dev/root rw", Some(((98, 0), "/", "/"))),
            ("36 35 0:30 /@/a /b rw shared:1 master:2 - btrfs d rw", Some(((0, 30), "/@/a", "/b"))),
            (r"1 2 3:4 /a\040b\011 /\012\134\134040 rw", Some(((3, 4), "/a b\t", "/\n\\\\040"))),
            (r"1 2 3:4 /\041\13 /\", Some(((3, 4), r"/!\13", r"/\"))),
            ("1 2 3:4 /a", None),
            ("1 2 3 /a /b rw", None),
            ("1 2 x:4 /a /b rw", None),
            ("", None),
        ] {
            let mount = parse_line(line.as_bytes()).map(|mount| (mount.root, mount.point));
            let expected = expected.map(|(device, root, point): (_, &str, &str)| {
                (place(device, root), point.as_bytes().to_vec())
            });
            assert_eq!(mount, expected, "{line}");
        }
        let raw = parse(b"nonsense\n1 2 3:4 /\xff /b rw\n1 2 3:4 / / rw\n");
        assert_eq!(raw.iter().map(|mount| mount.root.path.len()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_path_leads_to_the_nearest_and_topmost_mount() {
        let mounts = parse(
            b"1 0 8:1 / / rw\n2 1 8:2 /sub /a rw\n3 2 8:3 / /a/b rw\n4 2 8:4 /x /a/b rw\n5 1 8:5 / /ab rw\n",
        );
        for (path, expected) in [
            ("/", Some(place((8, 1), "/"))),
            ("/srv", Some(place((8, 1), "/srv"))),
            ("/a", Some(place((8, 2), "/sub"))),
            ("/a/c/d", Some(place((8, 2), "/sub/c/d"))),
            ("/a/b/c", Some(place((8, 4), "/x/c"))),
            ("/a/bc", Some(place((8, 2), "/sub/bc"))),
            ("/ab", Some(place((8, 5), ""))),
            ("socket:[1]", None),
        ] {
            let found = locate(&mounts, path.as_bytes());
            assert_eq!(found.and_then(|mount| mount.place(path.as_bytes())), expected, "{path}");
        }
        assert_eq!(locate(&mounts[1..2], b"/srv"), None);
    }

    #[test]
    fn a_mount_point_is_located_through_its_parent_mount() {
        let mounts = parse(b"1 0 8:1 / / rw\n2 1 8:2 /sub /a rw\n3 2 8:3 / /a/b rw\n");
        let points = mounts.iter().map(|mount| place_of_point(&mounts, mount));
        let expected = [None, Some(place((8, 1), "/a")), Some(place((8, 2), "/sub/b"))];
        assert_eq!(points.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_layers_of_an_overlay_are_in_its_options() {
        for (end, layers) in [
            (
                "- overlay o rw,lowerdir=/a:/b\\040c,upperdir=/u,workdir=/w",
                &["/a", "/b c", "/u", "/w"][..],
            ),
            (r"shared:1 - overlay o ro,lowerdir=/a\134:b::/c", &["/a:b", "/c"]),
            ("- overlay o rw,lowerdir+=/a,datadir+=/d,index=off", &["/a", "/d"]),
            ("- ext4 o rw,lowerdir=/a", &[]),
            ("", &[]),
        ] {
            let mount = parse_line(format!("1 2 3:4 / /m rw {end}").as_bytes()).unwrap();
            let found = mount.layers();
            assert_eq!(
                found.iter().map(|layer| str::from_utf8(layer).unwrap()).collect::<Vec<_>>(),
                layers,
                "{end}"
            );
        }
    }
}
