//! The mounts that a process sees, as `/proc/PID/mountinfo` lists them, one on each line:
//!
//! ```text
//! 36 35 98:0 /subvolume/dir /mnt/point rw,noatime master:1 - ext3 /dev/root rw
//! ```
//!
//! That is the mount, the one that it lies on, the file system, which directory of that file
//! system is mounted, and where. The same directory of the same file system is the same directory
//! in every namespace, whatever its path is there.

/// A file system, as its major and minor number.
pub type Device = (u32, u32);

/// Where something lies, whatever is mounted where: a file system, and a path from its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub device: Device,
    pub path: Vec<u8>,
}

/// A directory of a file system, and where it is mounted.
#[derive(Debug, PartialEq, Eq)]
pub struct Mount {
    pub root: Place,
    pub point: Vec<u8>,
}

/// The mounts of a list. A line of some other kind says nothing, and is left out.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|&byte| byte == b'\n').filter_map(parse_line).collect()
}

fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ').skip(2);
    let (major, minor) = str::from_utf8(fields.next()?).ok()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let [root, point] = [unescape(fields.next()?), unescape(fields.next()?)];
    Some(Mount { root: Place { device, path: root }, point })
}

/// The kernel writes blanks, tabs, newlines and backslashes as three octal digits.
fn unescape(mut text: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(text.len());
    while let [first, rest @ ..] = text {
        let (byte, rest) = match (first, rest) {
            (b'\\', [b'0', b'4', b'0', rest @ ..]) => (b' ', rest),
            (b'\\', [b'0', b'1', b'1', rest @ ..]) => (b'\t', rest),
            (b'\\', [b'0', b'1', b'2', rest @ ..]) => (b'\n', rest),
            (b'\\', [b'1', b'3', b'4', rest @ ..]) => (b'\\', rest),
            _ => (*first, rest),
        };
        path.push(byte);
        text = rest;
    }
    path
}

/// Where a path leads if these are the mounts: to that with the longest mount point, and of those
/// that lie on one another to the one on top, which is listed last.
pub fn locate(mounts: &[Mount], path: &[u8]) -> Option<Place> {
    let around = mounts.iter().filter_map(|mount| Some((mount, below(path, &mount.point)?)));
    let (mount, rest) = around.max_by_key(|(mount, _)| mount.point.len())?;
    Some(Place { device: mount.root.device, path: join(&mount.root.path, rest) })
}

/// What follows `upper` in a path that is it or lies below it: nothing, or a slash and more.
pub fn below<'a>(path: &'a [u8], upper: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(without_slash(upper))?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

/// The path that [`below`] has taken apart, or the same one below another directory.
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
    fn a_line_tells_what_is_mounted_where() {
        for (line, expected) in [
            ("36 35 98:0 / / rw - ext3 /dev/root rw", Some(((98, 0), "/", "/"))),
            ("36 35 0:30 /@/a /b rw shared:1 master:2 - btrfs d rw", Some(((0, 30), "/@/a", "/b"))),
            (r"1 2 3:4 /a\040b\011 /\012\134\134040 rw", Some(((3, 4), "/a b\t", "/\n\\\\040"))),
            (r"1 2 3:4 /\041\13 /\", Some(((3, 4), r"/\041\13", r"/\"))),
            ("1 2 3:4 /a", None),
            ("1 2 3 /a /b rw", None),
            ("1 2 x:4 /a /b rw", None),
            ("", None),
        ] {
            let mount = expected.map(|(device, root, point): (_, &str, &str)| Mount {
                root: place(device, root),
                point: point.into(),
            });
            assert_eq!(parse_line(line.as_bytes()), mount, "{line}");
        }
        let raw = parse(b"nonsense\n1 2 3:4 /\xff /b rw\n1 2 3:4 / / rw\n");
        assert_eq!(raw.iter().map(|mount| mount.root.path.len()).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_path_leads_to_the_nearest_mount_and_the_one_on_top() {
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
            assert_eq!(locate(&mounts, path.as_bytes()), expected, "{path}");
        }
        assert_eq!(locate(&mounts[1..2], b"/srv"), None);
    }
}
