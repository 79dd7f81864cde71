//! Decides why a run did not succeed, from what the API says about the run: its status, its error text, its rejected
//! rows.

mod codes;
mod reading;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// One member of [`RunProblem`] or one [`ProblemCategory`], as the catalogue lists it.
pub(crate) struct Described {
    pub name: &'static str,
    pub wire: &'static str,
    /// `required` or `optional`.
    pub presence: &'static str,
    /// The type: `string`, `int`, `bool` or the name of another type.
    pub of: &'static str,
    pub doc: &'static [&'static str],
}

macro_rules! categories {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal),* $(,)?) => {
        /// What sort of problem kept a run from succeeding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum ProblemCategory {
            $($(#[doc = $doc])* $variant,)*
        }

        impl ProblemCategory {
            /// The name of the category, the same in every language, such as `rate_limit`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            pub(crate) const DOC: &'static [&'static str] = &["What sort of problem kept a run from succeeding."];

            /// Every category with its description.
            pub(crate) const ALL: &'static [(&'static str, &'static [&'static str])] = &[$(($name, &[$($doc),*]),)*];
        }
    };
}

categories! {
    /// Credentials for the source or the destination are wrong, expired or revoked.
    Credentials = "credentials",
    /// The connected account lacks a permission.
    Permission = "permission",
    /// The source or the destination limits the rate of requests.
    RateLimit = "rate_limit",
    /// Something took too long.
    Timeout = "timeout",
    /// The source or the destination failed or could not be reached.
    Unavailable = "unavailable",
    /// The sync uses a column that does not exist.
    MissingColumn = "missing_column",
    /// The sync names a table, a list, an audience or another resource that does not exist.
    MissingResource = "missing_resource",
    /// The model's query or its primary key is wrong.
    Model = "model",
    /// The destination does not accept a value.
    InvalidData = "invalid_data",
    /// The settings of the sync or of the destination are wrong.
    Configuration = "configuration",
    /// Something else was changing the same data, or the same data exists already.
    Conflict = "conflict",
    /// There were too many rows, or a request was too large.
    TooLarge = "too_large",
    /// A predictive trait could not be trained.
    Training = "training",
    /// The destination rejected rows.
    RejectedRows = "rejected_rows",
    /// The run of a sync in the sequence did not succeed.
    SyncRun = "sync_run",
    /// The run was cancelled.
    Cancelled = "cancelled",
    /// The run was interrupted.
    Interrupted = "interrupted",
    /// Hightouch itself failed.
    Internal = "internal",
    /// The reason is not recognised.
    Unknown = "unknown",
}

macro_rules! problem {
    ($(#[doc = $doc:literal])* { $($(#[doc = $field_doc:literal])* $presence:ident $name:ident = $wire:literal :
        $type:ty as $of:literal),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct RunProblem {
            $($(#[doc = $field_doc])* pub $name: $type,)*
        }

        impl RunProblem {
            pub(crate) const DOC: &'static [&'static str] = &[$($doc),*];

            /// Every member with its description.
            pub(crate) const MEMBERS: &'static [Described] = &[$(Described {
                name: stringify!($name),
                wire: $wire,
                presence: stringify!($presence),
                of: $of,
                doc: &[$($field_doc),*],
            }),*];
        }

        impl Serialize for RunProblem {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut map = to.serialize_map(None)?;
                $(problem!(@write $presence map $wire &self.$name);)*
                map.end()
            }
        }
    };
    (@write required $map:ident $wire:literal $value:expr) => { $map.serialize_entry($wire, $value)?; };
    (@write optional $map:ident $wire:literal $value:expr) => {
        // In the JSON for Python, Node.js and Swift, a member without a value is left out and not written as null.
        if let Some(value) = $value { $map.serialize_entry($wire, value)?; }
    };
}

problem! {
    /// Why a run failed, was cancelled or was interrupted, or why it ended with warnings.
    {
        /// The sort of problem.
        required category = "category": ProblemCategory as "ProblemCategory",
        /// Hightouch's own code of the problem, such as `DESTINATION_RATE_LIMIT`, if the error text contains one.
        /// Hightouch's documentation lists the codes.
        optional code = "code": Option<&'static str> as "string",
        /// What happened, in one sentence.
        required summary = "summary": &'static str as "string",
        /// What to do, in one line.
        required advice = "advice": &'static str as "string",
        /// Whether `category`, `summary` and `advice` are only a guess. A guess is based on the words of the error
        /// text, or on the rejected rows of a run that failed. The three are certain if they follow from a code, from
        /// the status, or from the rejected rows of a run that ended with warnings.
        required guessed = "guessed": bool as "bool",
        /// The error text of the run, as Hightouch or the destination wrote it. For a run of a sequence, the text names
        /// the sync runs that did not succeed. Absent if the run has no error text.
        optional error = "error": Option<String> as "string",
        /// The number of rows that the destination rejected. Absent for a run of a sequence or of an identity graph.
        optional rejected_rows = "rejectedRows": Option<i64> as "int",
    }
}

/// How a run ended, if it did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadEnd {
    Failed,
    Warned,
    Cancelled,
    Interrupted,
}

/// What the SDK says about a problem, without the error text and the counts of the run.
#[derive(Clone, Copy)]
struct Explanation {
    category: ProblemCategory,
    code: Option<&'static str>,
    summary: &'static str,
    advice: &'static str,
    guessed: bool,
}

impl Explanation {
    const fn certain(category: ProblemCategory, summary: &'static str, advice: &'static str) -> Self {
        Self { category, code: None, summary, advice, guessed: false }
    }
}

const DEBUGGER: &str = "Open the run in Hightouch: it shows the error, the requests and the rows.";

impl RunProblem {
    /// The problem of a run of a sync or of an identity graph.
    pub(crate) fn of(end: BadEnd, error: Option<&str>, rejected_rows: Option<i64>) -> Self {
        Self::new(
            explain(end, error.unwrap_or_default(), rejected_rows),
            error.map(ToOwned::to_owned),
            rejected_rows,
        )
    }

    /// The problem of a run of a sequence. `error` names the sync runs that did not succeed.
    pub(crate) fn of_sequence(end: BadEnd, error: Option<String>) -> Self {
        let explanation = match (end, &error) {
            (BadEnd::Failed | BadEnd::Warned, Some(_)) => Explanation::certain(
                ProblemCategory::SyncRun,
                "The run of a sync in the sequence did not succeed.",
                "Look at the runs that the error text names: each has its own reason.",
            ),
            _ => explain(end, "", None),
        };
        Self::new(explanation, error, None)
    }

    fn new(explanation: Explanation, error: Option<String>, rejected_rows: Option<i64>) -> Self {
        let Explanation { category, code, summary, advice, guessed } = explanation;
        Self { category, code, summary, advice, guessed, error, rejected_rows }
    }

    /// Returns the hint for an error: the summary and the advice, or only the advice if the reason is unknown.
    pub(crate) fn hint(&self) -> String {
        match self.category {
            ProblemCategory::Unknown if self.code.is_none() => self.advice.to_owned(),
            _ => format!("{} {}", self.summary, self.advice),
        }
    }
}

fn explain(end: BadEnd, error: &str, rejected_rows: Option<i64>) -> Explanation {
    if let Some(code) = codes::find(error) {
        return Explanation {
            code: Some(code.name),
            ..Explanation::certain(code.category, code.summary, code.advice)
        };
    }
    match end {
        BadEnd::Cancelled => {
            return Explanation::certain(
                ProblemCategory::Cancelled,
                "Somebody or something cancelled the run.",
                "Start another run if its rows are still wanted.",
            );
        }
        BadEnd::Interrupted => {
            return Explanation::certain(
                ProblemCategory::Interrupted,
                "The run was interrupted.",
                "A later run continues its work; start one if none is scheduled.",
            );
        }
        BadEnd::Failed | BadEnd::Warned => {}
    }
    if let Some(reading) = reading::read(error) {
        let certain = Explanation::certain(reading.category, reading.summary, reading.advice);
        return Explanation { guessed: true, ..certain };
    }
    if rejected_rows.is_some_and(|rows| rows > 0) {
        let certain = Explanation::certain(
            ProblemCategory::RejectedRows,
            "The destination rejected rows.",
            "Open the run in Hightouch: it shows why each row was rejected. Later runs try these rows again.",
        );
        // If rejected rows are the only problem, the run ends with warnings. If the run failed, rejected rows are only
        // a likely reason.
        return Explanation { guessed: end == BadEnd::Failed, ..certain };
    }
    Explanation::certain(ProblemCategory::Unknown, "The reason is not one that the SDK recognises.", DEBUGGER)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_101_codes_and_each_says_what_happened_and_what_to_do() {
        let names: BTreeSet<&str> = codes::CODES.iter().map(|code| code.name).collect();
        assert_eq!((codes::CODES.len(), names.len()), (101, 101));
        for code in codes::CODES {
            for text in [code.summary, code.advice] {
                assert!(text.ends_with('.') && text.len() <= 110, "{}: {text}", code.name);
            }
        }
    }

    #[test]
    fn a_code_is_found_as_a_whole_word() {
        let found = |text: &str| codes::find(text).map(|code| code.name);
        assert_eq!(found("DESTINATION_RATE_LIMIT"), Some("DESTINATION_RATE_LIMIT"));
        assert_eq!(found("[HUBSPOT_RATE_LIMIT_DAILY] try later"), Some("HUBSPOT_RATE_LIMIT_DAILY"));
        assert_eq!(found("failed: NO_KEY_EVENTS, TRAINING_ERROR"), Some("NO_KEY_EVENTS"));
        assert_eq!(found("UNSPECIFIED: see logs"), Some("UNSPECIFIED"));
        assert_eq!(found("UNSPECIFIED"), Some("UNSPECIFIED"));
        for none in [
            "",
            "UNABLE_TO_LOCK_ROW",
            "MY_SLACK_NO_TEXT",
            "SLACK_NO_TEXT_2",
            "slack_no_text",
            "error code: UNSPECIFIED",
            "UNSPECIFIED failure",
        ] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn a_code_goes_before_the_status_and_the_status_before_a_reading() {
        let of = |end, error, rows| {
            let problem = RunProblem::of(end, Some(error), Some(rows));
            (problem.category, problem.code, problem.guessed)
        };
        let code = Some("BRAZE_ACCESS_DENIED");
        assert_eq!(
            of(BadEnd::Cancelled, "BRAZE_ACCESS_DENIED", 3),
            (ProblemCategory::Permission, code, false)
        );
        assert_eq!(of(BadEnd::Cancelled, "timed out", 3), (ProblemCategory::Cancelled, None, false));
        assert_eq!(of(BadEnd::Interrupted, "timed out", 3), (ProblemCategory::Interrupted, None, false));
        assert_eq!(of(BadEnd::Failed, "timed out", 3), (ProblemCategory::Timeout, None, true));
        assert_eq!(of(BadEnd::Failed, "no", 3), (ProblemCategory::RejectedRows, None, true));
        assert_eq!(of(BadEnd::Warned, "no", 3), (ProblemCategory::RejectedRows, None, false));
        assert_eq!(of(BadEnd::Failed, "no", 0), (ProblemCategory::Unknown, None, false));
    }

    #[test]
    fn the_hint_of_a_reading_says_that_it_is_one() {
        let hint = |error| RunProblem::of(BadEnd::Failed, Some(error), Some(0)).hint();
        assert!(hint("timed out").starts_with("The error text reads as if "));
        assert_eq!(hint("no"), DEBUGGER);
    }

    #[test]
    fn the_names_of_members_and_categories_are_those_of_the_json_in_which_nothing_is_null() {
        let members = |problem: RunProblem| {
            let json = serde_json::to_value(problem).unwrap();
            assert!(json.as_object().unwrap().values().all(|value| !value.is_null()), "{json}");
            json.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>()
        };
        let named = |presence: &str| {
            let of = RunProblem::MEMBERS.iter().filter(|member| presence.contains(member.presence));
            of.map(|member| member.wire.to_owned()).collect::<BTreeSet<String>>()
        };
        let whole = RunProblem::of(BadEnd::Failed, Some("SLACK_NO_TEXT"), Some(1));
        assert_eq!(members(whole), named("required or optional"));
        assert_eq!(members(RunProblem::of(BadEnd::Failed, None, None)), named("required"));
        for category in
            [ProblemCategory::RateLimit, ProblemCategory::MissingResource, ProblemCategory::TooLarge]
        {
            assert_eq!(serde_json::to_value(category).unwrap(), category.as_str());
        }
    }
}
