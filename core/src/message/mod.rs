//! Texts for people. The names in a text are spelt as in the reader's programming language.

mod style;

use std::borrow::Cow;

pub(crate) use style::Style;

/// A text that keeps names as separate pieces, so that [`in_style`](Self::in_style) can spell them as each language
/// does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Cow<'static, str>),
    Path(Vec<Segment>),
    Method(&'static str),
    Term(Term),
}

/// The name of an argument, an option, a setting or a member, in its wire form such as `fullResync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(pub &'static str);

/// A method of the client, as `resource.method` in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method(pub &'static str);

/// Words that differ between programming languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Null,
    Boolean,
    List,
    /// A length of time. Python, Node.js and Swift pass it to the core as whole milliseconds.
    Time,
}

/// One step of the path to a value within arguments, options or settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Member(&'static str),
    /// A key that the caller chose, as in a map of headers.
    Key(String),
    Index(usize),
}

/// Joins texts, names and messages into one message.
macro_rules! message {
    [$($part:expr),+ $(,)?] => { $crate::message::Message::default()$(.and($part))+ };
}

impl Message {
    pub(crate) fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    pub(crate) fn path(segments: Vec<Segment>) -> Self {
        Self(vec![Piece::Path(segments)])
    }

    /// Joins names with commas.
    pub(crate) fn list(names: impl IntoIterator<Item = &'static str>) -> Self {
        let mut list = Self::default();
        for name in names {
            if !list.0.is_empty() {
                list = list.and(", ");
            }
            list = list.and(Name(name));
        }
        list
    }

    /// The text, with its names as the language of `style` spells them.
    pub(crate) fn in_style(&self, style: Style) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Piece::Text(part) => text.push_str(part),
                Piece::Path(segments) => {
                    text.push('`');
                    style.write_path(segments, &mut text);
                    text.push('`');
                }
                Piece::Method(method) => text.push_str(&style.method(method)),
                Piece::Term(term) => text.push_str(style.term(*term)),
            }
        }
        text
    }

    /// Applies `change` to each text in the message, and to each key that the caller chose. The names that the SDK
    /// defines stay unchanged.
    pub(crate) fn map_text(self, change: impl Fn(&str) -> String) -> Self {
        let changed = |part| match part {
            Piece::Text(text) => Piece::Text(change(&text).into()),
            Piece::Path(segments) => Piece::Path(
                segments
                    .into_iter()
                    .map(|segment| match segment {
                        Segment::Key(key) => Segment::Key(change(&key)),
                        ours => ours,
                    })
                    .collect(),
            ),
            ours => ours,
        };
        Self(self.0.into_iter().map(changed).collect())
    }
}

/// Makes a sentence of a text: a capital at the beginning, if the first word has only letters, and a full stop at the
/// end.
pub(crate) fn sentence(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let is_word = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut sentence = String::with_capacity(text.len() + 1);
    let mut chars = text.chars();
    match chars.next() {
        Some(char) if is_word => sentence.push(char.to_ascii_uppercase()),
        Some(char) => sentence.push(char),
        None => {}
    }
    sentence.push_str(chars.as_str());
    ended(sentence)
}

/// Adds a full stop, unless the text is empty or ends with another punctuation mark.
fn ended(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    if !text.is_empty() && !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

impl From<&'static str> for Message {
    fn from(text: &'static str) -> Self {
        Self(vec![Piece::Text(text.into())])
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self(vec![Piece::Text(text.into())])
    }
}

impl From<Name> for Message {
    fn from(name: Name) -> Self {
        Self::path(vec![Segment::Member(name.0)])
    }
}

impl From<Method> for Message {
    fn from(method: Method) -> Self {
        Self(vec![Piece::Method(method.0)])
    }
}

impl From<Term> for Message {
    fn from(term: Term) -> Self {
        Self(vec![Piece::Term(term)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_the_language_spells_them() {
        let message = message![
            Method("sync_sequences.trigger"),
            ": ",
            Name("fullResync"),
            " and ",
            Message::path(vec![Segment::Member("baseUrl"), Segment::Key("aB".to_owned()), Segment::Index(0)]),
            " after ",
            Name("maxWaitMs"),
            " must be ",
            Term::Time,
            ", not ",
            Term::Null
        ];
        let written = |language: &str| message.in_style(Style::of(language));
        let snake = "sync_sequences.trigger: `full_resync` and `base_url.aB[0]` after `max_wait` must be";
        assert_eq!(written("python/3.11"), format!("{snake} a number of seconds, not None"));
        assert_eq!(written("rust"), format!("{snake} a duration, not null"));
        let camel = "syncSequences.trigger: `fullResync` and `baseUrl.aB[0]` after";
        assert_eq!(
            written("node/22"),
            format!("{camel} `maxWaitMs` must be a whole number of milliseconds, not null")
        );
        let swift = camel.replace("baseUrl", "baseURL");
        assert_eq!(written("swift/6.0"), format!("{swift} `maxWait` must be a duration, not nil"));
    }

    #[test]
    fn a_list_has_the_name_that_it_has_in_the_language() {
        for (language, name) in [
            ("python/3.11", "a list"),
            ("node/22", "an array"),
            ("swift/6.0", "an array"),
            ("rust", "a list"),
        ] {
            assert_eq!(Message::from(Term::List).in_style(Style::of(language)), name);
        }
    }

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() {
        for (text, expected) in [
            ("the client is closed", "The client is closed."),
            ("it ends. ", "It ends."),
            ("did you mean `a`?", "Did you mean `a`?"),
            ("localhost:1 refuses", "localhost:1 refuses."),
            ("", ""),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
