//! The table in `docs/sizes.md`.

use crate::findings::Row;

const BEGIN: &str =
    "<!-- The table begins; BBOX_WRITE_TABLE=1 cargo test --test sizes writes it. -->\n";
const END: &str = "<!-- The table ends. -->\n";

pub fn render(rows: &[Row]) -> String {
    let mut text = "| | removed | size | predicted | freed | metadata at most | \
                    agrees |\n|---|---|--:|--:|--:|--:|---|\n"
        .to_owned();
    for row in rows {
        let predicted = match row.certain == row.at_most {
            true => number(row.certain.cast_signed()),
            false => format!(
                "{} – {}",
                number(row.certain.cast_signed()),
                number(row.at_most.cast_signed())
            ),
        };
        let real = match row.while_open {
            Some(open) => format!("{} (while open: {})", number(row.real), number(open)),
            None => number(row.real),
        };
        text += &format!(
            "| {} | {} | {} | {predicted} | {real} | {} | {} |\n",
            row.system.name(),
            row.case,
            number(row.sizes.cast_signed()),
            number(row.allowance()),
            if row.agrees() { "yes" } else { "**no**" },
        );
    }
    text
}

/// Writes the table to its place in the documentation.
pub fn write(table: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sizes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the place of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
}

/// A number such as `-25,165,824`.
fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{}{}", if number < 0 { "-" } else { "" }, groups.join(","))
}
