//! The facts about an image, each on one or more lines.

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use super::profile::Profile;
use crate::cache::{Digest, Disk, ImageConfig};
use crate::cli::find_image::reference;
use crate::cli::shell::shell_word;
use crate::cli::ui::text::{cut, cut_end, pad};
use crate::cli::ui::theme::HEADING;
use crate::cli::ui::units::{ago, bytes, estimate, number, size};
use crate::cli::words::guess;
use crate::escape::Escaped;
use crate::plan::KeepReason;
use crate::usage::Usage;

/// The width of the labels, including the gap.
const LABEL_WIDTH: usize = 13;

/// The label of the only fact that is cut at the beginning: its end is more important.
const REFERENCES: &str = "references";

/// A label with any number of lines.
type Fact = (&'static str, Vec<String>);

/// The facts, with no line wider than `width` if there is a limit.
pub fn render(profile: &Profile<'_>, width: Option<usize>) -> String {
    let config = profile.config.as_ref().map(of_config).unwrap_or_default();
    let facts = of_index(profile).into_iter().chain(config).chain(of_size(profile));
    let mut text = String::new();
    for (label, lines) in facts {
        for (index, line) in lines.iter().enumerate() {
            let line = match width {
                Some(width) if label == REFERENCES => cut(line, width.saturating_sub(LABEL_WIDTH)),
                // Kept whole for copying.
                Some(_) if label == "digest" => line.clone(),
                Some(width) => cut_end(line, width.saturating_sub(LABEL_WIDTH)),
                None => line.clone(),
            };
            let label = pad(if index == 0 { label } else { "" }, LABEL_WIDTH);
            text += &format!("{HEADING}{label}{HEADING:#}{line}\n");
        }
    }
    text
}

fn of_index(profile: &Profile<'_>) -> Vec<Fact> {
    let time = |time: Timestamp| format!("{} ({time:.0})", ago(profile.now, time));
    let is_unreplaced = profile.status() == KeepReason::Unreplaced.name();
    let born = profile.born.map_or_else(|| "unknown".to_owned(), time);
    vec![
        ("digest", vec![profile.digest.to_string()]),
        (REFERENCES, profile.row.refs.iter().map(|found| reference(found)).collect()),
        (
            "most likely",
            profile
                .identity()
                .iter()
                .map(|identity| guess(identity, is_unreplaced, true))
                .collect(),
        ),
        ("status", vec![status(profile)]),
        ("part of", profile.made_of.iter().map(|image| image.short()).collect()),
        ("last used", vec![time(profile.row.entry.last_used)]),
        ("born", vec![born]),
    ]
}

/// The status, and the users.
fn status(profile: &Profile<'_>) -> String {
    let status = profile.status();
    let users: Vec<_> = profile.users.iter().flatten().map(ToString::to_string).collect();
    match (users.is_empty(), profile.is_leased) {
        (false, _) => format!("{status}, in use by {}", users.join(", ")),
        (true, true) => format!("{status}, leased"),
        (true, false) => status.to_owned(),
    }
}

fn of_config(config: &ImageConfig) -> Vec<Fact> {
    let text = |text: &String| (!text.is_empty()).then(|| Escaped::new(text).to_string());
    let words = |words: &[String]| {
        let words: Vec<_> =
            words.iter().map(|word| shell_word(&Escaped::new(word).to_string())).collect();
        (!words.is_empty()).then(|| words.join(" "))
    };
    let environment = config.environment.iter().map(|line| Escaped::new(line).to_string());
    vec![
        ("entrypoint", Vec::from_iter(words(&config.entrypoint))),
        ("command", Vec::from_iter(words(&config.command))),
        ("environment", environment.collect()),
        ("working dir", Vec::from_iter(text(&config.working_directory))),
        ("user", Vec::from_iter(text(&config.user))),
    ]
}

fn of_size(profile: &Profile<'_>) -> Vec<Fact> {
    let usage = profile.usage();
    let number = |files| number(files, usage.is_complete());
    vec![
        ("layers", layers(profile)),
        ("apparent", vec![size(usage.apparent())]),
        ("on disk", vec![size(usage.on_disk())]),
        ("unique", vec![estimate(profile.unique())]),
        ("files", vec![number(usage.files)]),
        ("directories", vec![number(usage.directories)]),
        ("disk", profile.disk.iter().map(free).collect()),
    ]
}

fn free(disk: &Disk) -> String {
    format!("{} of {} free", bytes(disk.available), bytes(disk.size))
}

fn layers(profile: &Profile<'_>) -> Vec<String> {
    let Some(layers) = &profile.layers else { return vec!["unknown".to_owned()] };
    let number = layers.len();
    let Some((each, together)) = profile.layer_usages() else { return vec![number.to_string()] };
    let width = layers.iter().map(|layer| layer.to_string().width()).max().unwrap_or_default();
    let line = |(layer, usage): (&&Digest, &Usage)| {
        format!("{}  {:>9}", pad(&layer.to_string(), width), size(usage.on_disk()))
    };
    let whole = format!("{number} ({})", size(together.on_disk()));
    std::iter::once(whole).chain(layers.iter().zip(&each).map(line)).collect()
}
