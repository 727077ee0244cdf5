//! Rows of the tables in `data/`: fields between tabs, comments behind `#`.

use core::str::FromStr;

/// The rows of a table.
pub(crate) struct Rows {
    lines: core::str::Lines<'static>,
}

impl Rows {
    pub(crate) fn new(text: &'static str) -> Rows {
        Rows { lines: text.lines() }
    }
}

impl Iterator for Rows {
    type Item = Row;
    fn next(&mut self) -> Option<Row> {
        let line = self.lines.find(|l| !l.starts_with('#') && !l.is_empty())?;
        Some(Row { fields: line.split('\t') })
    }
}

/// One row, read from left to right.
pub(crate) struct Row {
    fields: core::str::Split<'static, char>,
}

impl Row {
    pub(crate) fn text(&mut self) -> Option<&'static str> {
        self.fields.next()
    }
    pub(crate) fn number<T: FromStr>(&mut self) -> Option<T> {
        self.fields.next()?.parse().ok()
    }
}
