//! Which types are generated, and which parts of them stay bits.
//!
//! A selection is a text of lines, `#` starts a comment:
//! - `module FILE`: reads the types of this file in the input folder.
//! - `root TYPE`: generates the type, and all that it refers to.
//! - `prune TYPE` or `prune TYPE.component`: keeps it as bits.
//! - `tail TYPE` or `tail TYPE.component`: as `prune`, where it is the last thing of a message: takes all that is left.
//! - `keep TYPE.component` or `keep TYPE.extN`: types an extension addition (group N), or a nonCriticalExtension, which stay bits
//!   otherwise.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The lines of a selection, by their verb.
#[derive(Debug, Default)]
pub struct Selection {
    lines: BTreeMap<String, Vec<String>>,
    prune: BTreeSet<String>,
    tail: BTreeSet<String>,
    keep: BTreeSet<String>,
    used: RefCell<BTreeSet<String>>,
}

impl Selection {
    /// Reads a selection.
    pub fn parse(text: &str) -> Self {
        let mut selection = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("");
            let mut words = line.split_whitespace().map(str::to_string);
            let Some(verb) = words.next() else { continue };
            match verb.as_str() {
                "prune" => selection.prune.extend(words),
                "tail" => selection.tail.extend(words),
                "keep" => selection.keep.extend(words),
                _ => selection.lines.entry(verb).or_default().extend(words),
            }
        }
        selection
    }

    fn is_in(&self, set: &BTreeSet<String>, path: &str) -> bool {
        let found = set.contains(path);
        if found {
            self.used.borrow_mut().insert(path.to_string());
        }
        found
    }

    /// What was selected, and met no type.
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        [&self.prune, &self.tail, &self.keep]
            .into_iter()
            .flatten()
            .filter(|path| !used.contains(*path))
            .cloned()
            .collect()
    }

    /// What stands behind a verb.
    pub fn all(&self, verb: &str) -> &[String] {
        self.lines.get(verb).map_or(&[], Vec::as_slice)
    }

    /// Whether a type or a component stays bits.
    pub fn is_pruned(&self, path: &str) -> bool {
        self.is_in(&self.prune, path)
    }

    /// Whether a type or a component, with all behind it, stays bits.
    pub fn is_tail(&self, path: &str) -> bool {
        self.is_in(&self.tail, path)
    }

    /// Whether an addition is typed.
    pub fn is_kept(&self, path: &str) -> bool {
        self.is_in(&self.keep, path)
    }
}
