//! Everything to show about one image, independent of the format.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cache::{
    Cache, Digest, Disk, Entry, EntryKind, ImageConfig, Inventory, Location, UsingProcess,
};
use crate::cli::args::Show;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, refuse};
use crate::cli::find_image::gone;
use crate::cli::image_row::{Row, row};
use crate::cli::measure::Measuring;
use crate::cli::warnings::Notes;
use crate::cli::words::layers_of;
use crate::escape::Escaped;
use crate::gc;
use crate::plan::{Decision, Identity, Timeline};
use crate::usage::{Breakdown, Estimate, Measurement, NoDirectory, Usage};

pub struct Profile<'a> {
    pub cache_dir: &'a Path,
    pub digest: &'a Digest,
    /// The image with its refs.
    pub row: Row<'a>,
    /// What a gc would do with it, and a guess at what it was.
    decision: Option<Decision>,
    /// `None` if it has no readable config.
    pub config: Option<ImageConfig>,
    pub born: Option<Timestamp>,
    /// The processes that use it; `None` if unknown.
    pub users: Option<Vec<UsingProcess>>,
    pub is_leased: bool,
    /// Whether a microVM has run in the image itself; `None` if unknown.
    pub is_used_in_place: Option<bool>,
    /// The layers that it likely consists of; `None` if its times prove nothing.
    pub layers: Option<Vec<&'a Digest>>,
    /// The images that a layer is likely part of.
    pub made_of: Vec<Digest>,
    /// The usage of its file system.
    pub disk: Option<Disk>,
    pub now: Timestamp,
    pub notes: Notes,
    /// The locations of the layers, if they were measured, too.
    layer_trees: Option<Vec<&'a Location>>,
    measured: Measurement,
    usage: Usage,
    /// The directory to show, if not the whole image.
    part: Option<(PathBuf, Breakdown)>,
}

impl<'a> Profile<'a> {
    /// Collects the facts about an image and measures it. With `--verbose`, also measures its
    /// layers, which may take as long again.
    ///
    /// # Errors
    /// Fails if it is gone, or cannot be measured. Unreadable parts of it are in the notes.
    pub fn new(
        context: &'a Context<'_>,
        args: &Show,
        path: Option<&Path>,
        cache: &Cache,
        inventory: &'a Inventory,
        entry: &'a Entry,
    ) -> Result<Self, Failure> {
        let row = row(inventory, entry);
        let digest = row.digest().expect("images and layers have digests");
        let is_image = matches!(entry.kind, EntryKind::Image(_));
        let mut notes = Notes::of_index(context, inventory, row.is_orphan());
        let read_config = || cache.config(&row.entry.location);
        let config = if is_image { notes.keep(read_config()) } else { Some(None) };
        let (plan, evidence) = gc::plan_listed(cache, inventory, None);
        let (mounts, lifetimes) = (&evidence.mounts, &evidence.lifetimes);
        let problems = evidence.problems.iter().chain(&lifetimes.problems);
        notes.faults(problems.map(ToString::to_string));
        // A mounted file system may not respond.
        let may_look =
            mounts.as_ref().is_some_and(|mounts| mounts.get(&row.entry.location).is_none());
        let may_look = may_look && is_image;
        let is_used_in_place = may_look.then(|| cache.is_used_in_place(&row.entry.location));
        let is_used_in_place = is_used_in_place.and_then(|found| notes.keep(found));
        let timeline = Timeline::new(inventory, lifetimes);
        let layers = layers_of(&timeline, inventory, row.entry).filter(|_| is_image);
        let made_of: Vec<_> = timeline.made_of(&entry.location).into_iter().cloned().collect();
        let (layer_trees, layers) = layers.map(|layers| layers.into_iter().unzip()).unzip();
        let layer_trees: Option<Vec<_>> = layer_trees.filter(|_| context.console.verbose);
        let image = &row.entry.location;
        let trees = layer_trees.as_deref().unwrap_or_default();
        let measured = measure(context, args, path, cache, inventory, image, trees)?;
        notes.of_trees(&measured);
        let usage = measured.usage(image).filter(|usage| *usage != Usage::default());
        let usage = usage.ok_or_else(|| gone(context, digest))?;
        let part = path.map(|path| part(args, &measured, image, path)).transpose()?;
        if is_image && config == Some(None) {
            notes.hint(format!(
                "{digest} has no .oci-config.json: the pull may have been interrupted"
            ));
        }
        if is_used_in_place == Some(true) {
            notes.hint(format!(
                "a microVM ran in this image itself, so it contains data of that session, maybe credentials, which \
                 later microVMs inherit; to clean it, run `{}` and pull it again",
                context.command(&format!("rm {}", digest.short()))
            ));
        }
        Ok(Self {
            is_used_in_place,
            cache_dir: &context.cache_dir,
            digest,
            born: lifetimes.born(&row.entry.location),
            users: evidence.in_use.as_ref().map(|users| users.get(image).to_vec()),
            is_leased: evidence.leases.contains(row.name()),
            decision: plan.get(image).cloned(),
            row,
            config: config.flatten(),
            layers,
            made_of: made_of.iter().filter_map(|image| Digest::of_entry(&image.name)).collect(),
            disk: evidence.disk,
            now: Timestamp::now(),
            notes,
            layer_trees,
            measured,
            usage,
            part,
        })
    }

    /// The status of the image, in a word.
    pub fn status(&self) -> &'static str {
        let layer_status = self.decision.as_ref().and_then(|found| found.layer_status.as_ref());
        if let Some(status) = layer_status {
            return status.name();
        }
        self.row.status_word(self.decision.as_ref().map(|found| found.verdict))
    }

    /// A guess at what it was, if it is an orphan and there is a clue.
    pub fn identity(&self) -> Option<&Identity> {
        self.decision.as_ref()?.identity.as_ref()
    }

    /// Whether a process uses it or holds a lease on it; `None` if unknown.
    pub fn in_use(&self) -> Option<bool> {
        self.users.as_ref().map(|users| self.is_leased || !users.is_empty())
    }

    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// How much space removing just this image would free.
    pub fn unique(&self) -> Estimate {
        self.measured.unique(&self.row.entry.location).expect("it was measured")
    }

    /// The sizes of its layers, individually and together, if measured.
    pub fn layer_usages(&self) -> Option<(Vec<Usage>, Usage)> {
        let layers = self.layer_trees.as_ref()?.iter().copied();
        let each = layers.clone().filter_map(|layer| self.measured.usage(layer)).collect();
        Some((each, self.measured.total(layers)))
    }

    /// What fills the image, or the directory to show.
    pub fn breakdown(&self) -> &Breakdown {
        match &self.part {
            Some((_, part)) => part,
            None => breakdown(&self.measured, &self.row.entry.location),
        }
    }

    /// Whether only one directory is to be shown.
    pub fn is_part(&self) -> bool {
        self.part.is_some()
    }

    /// The path of that directory below the top; empty for the whole image.
    pub fn part_path(&self) -> &Path {
        self.part.as_ref().map_or(Path::new(""), |(path, _)| path)
    }
}

fn breakdown<'m>(measured: &'m Measurement, image: &Location) -> &'m Breakdown {
    measured.breakdown(image).expect("it was measured with its parts")
}

/// The directory at `path` in the image.
fn part(
    args: &Show,
    measured: &Measurement,
    image: &Location,
    path: &Path,
) -> Result<(PathBuf, Breakdown), Failure> {
    let shown = |path: &Path| format!("/{}", Escaped::new(path));
    match breakdown(measured, image).below(path, args.top) {
        Ok(part) => Ok((path.to_owned(), part)),
        Err(NoDirectory::Missing(at)) => {
            Err(Failure::NoImage(format!("the image has no {}", shown(&at))))
        }
        Err(NoDirectory::Symlink(at)) => refuse(format!(
            "{} is a symlink, and symlinks in images are not followed; use the directory that it points to",
            shown(&at)
        )),
        Err(NoDirectory::Other(at)) => {
            refuse(format!("{} is not a directory; use the directory that contains it", shown(&at)))
        }
    }
}

/// Measures an image and some of its layers, and finds other owners of their data.
pub fn measure(
    context: &Context<'_>,
    args: &Show,
    path: Option<&Path>,
    cache: &Cache,
    inventory: &Inventory,
    image: &Location,
    layers: &[&Location],
) -> Result<Measurement, Failure> {
    let trees: Vec<_> = std::iter::once(image).chain(layers.iter().copied()).cloned().collect();
    let chosen: HashSet<_> = trees.iter().collect();
    let others = inventory.entries.iter().map(|entry| &entry.location);
    let others: Vec<_> = others.filter(|other| !chosen.contains(other)).cloned().collect();
    let meter = context.meter().with_extents().with_breakdown(args.top);
    let meter = if path.is_some() { meter.with_names() } else { meter };
    Ok(gc::measure(cache, meter, &trees, &others, &mut Measuring::new(context))?)
}
