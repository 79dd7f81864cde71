//! How each programming language spells names.

use std::fmt::Write as _;

use super::{Segment, Term};

/// The programming language of the reader, which decides how a message spells names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Rust,
    Python,
    Node,
    Swift,
}

impl Style {
    /// The style for a value of the setting `language`, such as `python/3.11`.
    pub(crate) fn of(language: &str) -> Self {
        match language.split('/').next() {
            Some("python") => Self::Python,
            Some("node") => Self::Node,
            Some("swift") => Self::Swift,
            _ => Self::Rust,
        }
    }

    /// Spells a wire name as the language does. Only Node.js keeps the suffix `Ms`, because only Node.js takes times as
    /// numbers of milliseconds.
    pub(crate) fn name(self, wire: &str) -> String {
        let timeless = wire.strip_suffix("Ms").unwrap_or(wire);
        match self {
            Self::Rust | Self::Python => snake(timeless),
            Self::Node => wire.to_owned(),
            Self::Swift => timeless.replace("Url", "URL"),
        }
    }

    /// Spells a method as the language does. `method` is `resource.method` in snake case.
    pub(crate) fn method(self, method: &str) -> String {
        match self {
            Self::Rust | Self::Python => method.to_owned(),
            Self::Node | Self::Swift => camel(method),
        }
    }

    pub(super) fn term(self, term: Term) -> &'static str {
        match (term, self) {
            (Term::Null, Self::Python) => "None",
            (Term::Null, Self::Swift) => "nil",
            (Term::Null, _) => "null",
            (Term::Boolean, Self::Python) => "True or False",
            (Term::Boolean, _) => "true or false",
            (Term::List, Self::Rust | Self::Python) => "a list",
            (Term::List, Self::Node | Self::Swift) => "an array",
            (Term::Time, Self::Python) => "a number of seconds",
            (Term::Time, Self::Node) => "a whole number of milliseconds",
            (Term::Time, Self::Rust | Self::Swift) => "a duration",
        }
    }

    pub(super) fn write_path(self, segments: &[Segment], to: &mut String) {
        for (index, segment) in segments.iter().enumerate() {
            if index > 0 && !matches!(segment, Segment::Index(_)) {
                to.push('.');
            }
            match segment {
                Segment::Member(wire) => to.push_str(&self.name(wire)),
                Segment::Key(key) => to.push_str(key),
                Segment::Index(index) => {
                    let _ = write!(to, "[{index}]");
                }
            }
        }
    }
}

/// Converts camel case to snake case: `fullResync` → `full_resync`, `resetCDC` → `reset_cdc`, `compiledSQLQuery` →
/// `compiled_sql_query`.
pub(crate) fn snake(camel: &str) -> String {
    let bytes = camel.as_bytes();
    let lower = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_lowercase);
    let mut snake = String::with_capacity(camel.len() + 4);
    for (at, char) in camel.char_indices() {
        if char.is_ascii_uppercase() && at > 0 {
            // A capital begins a word if it follows a character that is not a capital, or precedes a small letter.
            let after_small =
                at.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| !byte.is_ascii_uppercase());
            if (after_small || lower(Some(at + 1))) && !snake.ends_with('_') {
                snake.push('_');
            }
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

/// Converts snake case to camel case: `sync_sequences.trigger` → `syncSequences.trigger`.
fn camel(snake: &str) -> String {
    let mut camel = String::with_capacity(snake.len());
    let mut raised = false;
    for char in snake.chars() {
        match char {
            '_' => raised = true,
            _ if raised => {
                camel.push(char.to_ascii_uppercase());
                raised = false;
            }
            _ => camel.push(char),
        }
    }
    camel
}
