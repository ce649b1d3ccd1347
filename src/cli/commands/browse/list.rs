//! A list with a cursor: sorted, filtered, scrolled.
//!
//! The cursor follows a row, not a line: when sizes arrive and rows are sorted again, it moves
//! along.

use jiff::Timestamp;

/// The sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Size,
    Name,
    Used,
}

/// A row of a list.
pub trait Row {
    /// Rows are sorted within their groups; groups stay in order.
    fn group(&self) -> usize;
    /// The bytes seen so far; `None` if nothing is known.
    fn bytes(&self) -> Option<u64>;
    /// The name to sort by.
    fn name(&self) -> &str;
    fn used(&self) -> Option<Timestamp>;
    /// Whether it matches a filter in lower case.
    fn matches(&self, filter: &str) -> bool;
}

#[derive(Debug)]
pub struct List<T> {
    rows: Vec<T>,
    /// All rows, sorted by name: makes sorting a million rows by another key fast.
    by_name: Vec<usize>,
    /// The bytes of all rows.
    bytes: u64,
    /// The rows that match the filter, sorted.
    shown: Vec<usize>,
    /// The row with the cursor; `None` if no rows are shown.
    current: Option<usize>,
    /// The index, among the shown rows, of the first one on the screen.
    offset: usize,
    key: Key,
    reversed: bool,
    filter: String,
}

impl<T: Row> List<T> {
    /// Largest first.
    pub fn new(rows: Vec<T>) -> Self {
        let mut list = Self {
            rows,
            by_name: Vec::new(),
            bytes: 0,
            shown: Vec::new(),
            current: None,
            offset: 0,
            key: Key::Size,
            reversed: false,
            filter: String::new(),
        };
        list.take_in();
        list
    }

    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// The bytes seen so far in all rows, including those hidden by the filter.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The rows on the screen and below it, with their indices.
    pub fn visible(&self) -> impl Iterator<Item = (usize, &T)> {
        let behind = self.shown.iter().enumerate().skip(self.offset);
        behind.map(|(place, &row)| (place, &self.rows[row]))
    }

    pub fn current(&self) -> Option<&T> {
        Some(&self.rows[self.current?])
    }

    /// The index of the cursor among the shown rows.
    pub fn place(&self) -> usize {
        let is_current = |row: &usize| Some(*row) == self.current;
        self.shown.iter().position(is_current).unwrap_or(0)
    }

    pub fn order(&self) -> (Key, bool) {
        (self.key, self.reversed)
    }

    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Updates or adds rows. Rows are never removed.
    pub fn update(&mut self, change: impl FnOnce(&mut Vec<T>)) {
        change(&mut self.rows);
        self.take_in();
    }

    fn take_in(&mut self) {
        let rows = &self.rows;
        self.bytes = rows.iter().filter_map(Row::bytes).sum();
        self.by_name = (0..rows.len()).collect();
        self.by_name.sort_by(|&one, &other| rows[one].name().cmp(rows[other].name()));
        self.arrange();
    }

    /// Sorts by a key, or reverses the order if already sorted by it.
    pub fn sort_by(&mut self, key: Key) {
        self.reversed = self.key == key && !self.reversed;
        self.key = key;
        self.arrange();
    }

    pub fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.arrange();
    }

    /// Moves the cursor by a number of rows, at most to either end.
    pub fn step(&mut self, rows: isize) {
        self.go_to(self.place().saturating_add_signed(rows));
    }

    /// Moves the cursor to an index, at most to the last row.
    pub fn go_to(&mut self, place: usize) {
        let place = place.min(self.shown.len().saturating_sub(1));
        self.current = self.shown.get(place).copied();
    }

    /// Scrolls so that the cursor is within `lines` lines. Each group takes a line for its heading.
    pub fn scroll(&mut self, lines: usize) {
        let place = self.place();
        self.offset = self.offset.min(place).max((place + 1).saturating_sub(lines));
        while self.offset < place && self.lines_to(place) > lines {
            self.offset += 1;
        }
        // Show rows from above if there is room for them.
        while self.offset > 0 && self.offset + lines > self.shown.len() + self.groups() {
            self.offset -= 1;
        }
    }

    /// The number of lines from the first on the screen to the row at `place`.
    fn lines_to(&self, place: usize) -> usize {
        let groups = self.shown[self.offset..=place].iter().map(|&row| self.rows[row].group());
        let mut last = None;
        let headings = groups.filter(|group| last.replace(*group) != Some(*group)).count();
        place + 1 - self.offset + headings
    }

    fn groups(&self) -> usize {
        let mut last = None;
        let groups = self.shown.iter().map(|&row| self.rows[row].group());
        groups.filter(|group| last.replace(*group) != Some(*group)).count()
    }

    fn arrange(&mut self) {
        let before = self.place();
        let filter = self.filter.to_lowercase();
        // In the order of the rows, in which they lie in memory.
        let is_shown = |row: &T| filter.is_empty() || row.matches(&filter);
        let is_shown: Vec<_> = self.rows.iter().map(is_shown).collect();
        let mut shown: Vec<_> = self.by_name.iter().copied().filter(|&row| is_shown[row]).collect();
        let (rows, key, is_reversed) = (&self.rows, self.key, self.reversed);
        if key == Key::Name && is_reversed {
            shown.reverse();
        }
        shown.sort_by_cached_key(|&row| rank(&rows[row], key, is_reversed));
        self.shown = shown;
        if self.current.is_none_or(|row| !is_shown[row]) {
            self.go_to(before);
        }
    }
}

/// The sort key of a row. Rows with equal keys stay sorted by name. Unknown values come last in
/// either order.
fn rank<T: Row>(row: &T, key: Key, is_reversed: bool) -> (usize, bool, u64) {
    let number = match key {
        Key::Size => row.bytes(),
        Key::Name => Some(0),
        Key::Used => row.used().map(|used| used.as_second().cast_unsigned()),
    };
    let number = number.map(|number| if is_reversed { number } else { u64::MAX - number });
    (row.group(), number.is_none(), number.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    impl Row for (usize, Option<u64>, String) {
        fn group(&self) -> usize {
            self.0
        }

        fn bytes(&self) -> Option<u64> {
            self.1
        }

        fn name(&self) -> &str {
            &self.2
        }

        fn used(&self) -> Option<Timestamp> {
            None
        }

        fn matches(&self, filter: &str) -> bool {
            self.2.contains(filter)
        }
    }

    fn list(rows: &[(usize, Option<u64>, &str)]) -> List<(usize, Option<u64>, String)> {
        List::new(
            rows.iter().map(|(group, bytes, name)| (*group, *bytes, (*name).into())).collect(),
        )
    }

    fn names(list: &List<(usize, Option<u64>, String)>) -> String {
        list.visible().map(|(_, row)| row.2.as_str()).collect::<Vec<_>>().concat()
    }

    #[test]
    fn the_cursor_goes_with_its_row_while_sizes_arrive() {
        let mut list = list(&[(0, None, "a"), (0, None, "b"), (0, None, "c")]);
        list.step(1);
        assert_eq!((names(&list).as_str(), list.current().unwrap().name()), ("abc", "b"));
        list.update(|rows| rows[2].1 = Some(5));
        list.update(|rows| rows[1].1 = Some(7));
        assert_eq!((names(&list).as_str(), list.current().unwrap().name()), ("bca", "b"));
        list.sort_by(Key::Size);
        assert_eq!((names(&list).as_str(), list.place()), ("cba", 1), "what is unknown stays last");
    }

    #[test]
    fn groups_stay_apart_and_the_other_way_round_is_within_them() {
        let mut list = list(&[(1, Some(9), "x"), (0, Some(1), "b"), (0, Some(2), "a")]);
        assert_eq!(names(&list), "abx");
        list.sort_by(Key::Name);
        assert_eq!(names(&list), "abx");
        list.sort_by(Key::Name);
        assert_eq!(names(&list), "bax");
    }

    #[test]
    fn a_row_that_is_filtered_out_leaves_the_cursor_to_its_neighbour() {
        let mut list = list(&[(0, Some(3), "ax"), (0, Some(2), "b"), (0, Some(1), "cx")]);
        list.go_to(9);
        list.step(-1);
        list.set_filter("X".into());
        assert_eq!((names(&list).as_str(), list.current().unwrap().name()), ("axcx", "cx"));
        list.set_filter("nothing".into());
        assert!(list.current().is_none() && list.visible().next().is_none());
        list.set_filter(String::new());
        assert_eq!(list.current().unwrap().name(), "ax");
    }

    proptest! {
        #[test]
        fn the_cursor_is_on_the_screen_wherever_it_goes(
            groups in vec(0..3usize, 1..40),
            steps in vec(-20..20isize, 1..20),
            lines in 4..12usize,
        ) {
            let rows = groups.iter().map(|group| (*group, None, String::new())).collect();
            let mut list: List<(usize, Option<u64>, String)> = List::new(rows);
            for step in steps {
                list.step(step);
                list.scroll(lines);
                let place = list.place();
                prop_assert!(list.offset <= place && list.lines_to(place) <= lines);
            }
        }
    }
}
