//! What was wrong, where it came from, and a way out.

use core::fmt;

use gnb_du::config::ConfigError;

/// A value involved in an error.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// Its path, as `--set` takes it.
    pub path: String,
    /// Its value.
    pub value: String,
    /// Where it came from: "run.toml line 18", "--set", "--snr"; empty for a default.
    pub origin: String,
}

/// A scenario that cannot be run: whose fault it is, is the user's.
#[derive(Clone, PartialEq, Debug)]
pub struct ScenarioError {
    /// What was expected and what was found, with the clause.
    pub what: String,
    /// The values involved.
    pub fields: Vec<Field>,
    /// What to try.
    pub hint: String,
}

impl ScenarioError {
    /// An error about `fields` (path, value).
    pub fn new(what: impl Into<String>, fields: &[(&str, String)], hint: impl Into<String>) -> Self {
        let fields = fields
            .iter()
            .map(|(path, value)| Field { path: (*path).to_owned(), value: value.clone(), origin: String::new() })
            .collect();
        Self { what: what.into(), fields, hint: hint.into() }
    }
}

impl From<ConfigError> for ScenarioError {
    fn from(e: ConfigError) -> Self {
        let fields = e.fields.into_iter().map(|(path, value)| Field {
            path: format!("cell.{path}"),
            value,
            origin: String::new(),
        });
        Self { what: e.what, fields: fields.collect(), hint: e.hint }
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        for field in &self.fields {
            write!(f, "\n  {} = {}", field.path, field.value)?;
            if !field.origin.is_empty() {
                write!(f, "      ({})", field.origin)?;
            }
        }
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  try: {}", self.hint) }
    }
}

impl std::error::Error for ScenarioError {}
