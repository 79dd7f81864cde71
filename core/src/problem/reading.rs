//! Guesses why a run failed, from the words of its error text. This is for texts that contain none of Hightouch's
//! codes. Destinations and warehouses write such texts, so a guess can be wrong. There is a guess only if the text
//! contains a known phrase.

use super::ProblemCategory;

/// How many characters of a text are read. The reason usually stands at the beginning of the text.
const READ: usize = 2000;
/// A `*` in a phrase stands for at most this many words.
const BETWEEN: usize = 6;

/// Pairs of categories. In a text with phrases of both categories, the first category wins. For example, a text about a
/// missing column usually names the table too.
const PRECEDENCE: &[(ProblemCategory, ProblemCategory)] = &[
    (ProblemCategory::MissingColumn, ProblemCategory::MissingResource),
    (ProblemCategory::Unavailable, ProblemCategory::Timeout),
];

/// Phrases with the same meaning, and what the SDK says about a text with one of these phrases.
pub(super) struct Reading {
    pub category: ProblemCategory,
    phrases: &'static [&'static str],
    pub summary: &'static str,
    pub advice: &'static str,
}

/// Finds the [`Reading`] for an error text. Returns `None` if the text has no known phrase, or if it has phrases of
/// several categories and [`PRECEDENCE`] does not say which category wins.
pub(super) fn read(text: &str) -> Option<&'static Reading> {
    let start: String = text.chars().take(READ).collect::<String>().to_lowercase();
    let words: Vec<&str> =
        start.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let found: Vec<&Reading> = READINGS
        .iter()
        .filter(|reading| reading.phrases.iter().any(|phrase| occurs(phrase, &words)))
        .collect();
    match found.as_slice() {
        [only] => Some(only),
        [one, other] => [(one, other), (other, one)]
            .into_iter()
            .find(|(winner, loser)| PRECEDENCE.contains(&(winner.category, loser.category)))
            .map(|(winner, _)| *winner),
        _ => None,
    }
}

/// Whether the words of a phrase stand next to each other somewhere in a text. A `*` stands for up to [`BETWEEN`]
/// words.
fn occurs(phrase: &str, words: &[&str]) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    (0..words.len()).any(|start| words.get(start..).is_some_and(|words| begins(&phrase, words)))
}

fn begins(phrase: &[&str], words: &[&str]) -> bool {
    match (phrase, words) {
        ([], _) => true,
        (["*", phrase @ ..], _) => {
            (0..=BETWEEN).any(|skipped| words.get(skipped..).is_some_and(|words| begins(phrase, words)))
        }
        ([first, phrase @ ..], [word, words @ ..]) => first == word && begins(phrase, words),
        (_, []) => false,
    }
}

/// The known phrases, in lower case and without punctuation.
const READINGS: &[Reading] = &[
    Reading {
        category: ProblemCategory::Credentials,
        phrases: &[
            "invalid grant",
            "token * expired",
            "expired token",
            "token * revoked",
            "token invalid",
            "invalid token",
            "token is invalid",
            "invalid access token",
            "invalid refresh token",
            "invalid api key",
            "invalid credentials",
            "credentials * invalid",
            "credentials * expired",
            "authentication failed",
            "failed authentication",
            "unauthenticated",
            "unauthorized",
            "incorrect username or password",
            "status 401",
            "status code 401",
            "http 401",
        ],
        summary: "The error text reads as if credentials were wrong, expired or revoked.",
        advice: "Check the connection of the source or the destination that the text names, and reconnect it.",
    },
    Reading {
        category: ProblemCategory::Permission,
        phrases: &[
            "permission denied",
            "permissions denied",
            "insufficient permission",
            "insufficient permissions",
            "insufficient privileges",
            "not have permission",
            "not have permissions",
            "missing permission",
            "missing permissions",
            "access denied",
            "accessdenied",
            "not authorized to",
            "forbidden",
            "status 403",
            "status code 403",
            "http 403",
        ],
        summary: "The error text reads as if a permission were missing.",
        advice: "Check what the connected account may do at the source or the destination that the text names.",
    },
    Reading {
        category: ProblemCategory::RateLimit,
        phrases: &[
            "rate limit",
            "rate limits",
            "rate limited",
            "ratelimit",
            "too many requests",
            "quota * exceeded",
            "exceeded * quota",
            "request limit exceeded",
            "requests limit exceeded",
            "throttled",
            "throttling",
            "status 429",
            "status code 429",
            "http 429",
        ],
        summary: "The error text reads as if the source or the destination limited the rate of requests.",
        advice: "Run the sync again later, or let it run less often or send less at once.",
    },
    Reading {
        category: ProblemCategory::Timeout,
        phrases: &[
            "timed out",
            "time out",
            "timeout",
            "deadline exceeded",
            "etimedout",
            "status 504",
            "status code 504",
            "http 504",
        ],
        summary: "The error text reads as if something took too long.",
        advice: "Run the sync again. If it fails again, make its query faster or send less at once.",
    },
    Reading {
        category: ProblemCategory::Unavailable,
        phrases: &[
            "connection refused",
            "connection reset",
            "could not connect",
            "failed to connect",
            "unable to connect",
            "econnrefused",
            "econnreset",
            "enotfound",
            "host unreachable",
            "service unavailable",
            "temporarily unavailable",
            "bad gateway",
            "status 502",
            "status code 502",
            "status 503",
            "status code 503",
            "http 503",
        ],
        summary: "The error text reads as if the source or the destination could not be reached.",
        advice: "Check that it is running and lets Hightouch in, then run the sync again.",
    },
    Reading {
        category: ProblemCategory::MissingColumn,
        phrases: &[
            "unknown column",
            "no such column",
            "invalid column name",
            "missing column",
            "missing columns",
            "column * does not exist",
            "column * doesn t exist",
            "column * not found",
            "column * is missing",
        ],
        summary: "The error text reads as if a column were missing.",
        advice: "Compare the columns of the model's query with the sync's mappings.",
    },
    Reading {
        category: ProblemCategory::MissingResource,
        phrases: &[
            "relation * does not exist",
            "table * does not exist",
            "table * doesn t exist",
            "table * not found",
            "table or view not found",
            "no such table",
            "schema * does not exist",
            "database * does not exist",
        ],
        summary: "The error text reads as if a table, schema or database were missing.",
        advice: "Check the names in the model's query, and that the source's user may see them.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_by_whole_phrases() {
        for (text, category) in [
            ("invalid_grant: Token has been expired or revoked.", Some(ProblemCategory::Credentials)),
            ("Request failed with status code 401", Some(ProblemCategory::Credentials)),
            ("ERROR: permission denied for table orders", Some(ProblemCategory::Permission)),
            ("429: Too Many Requests", Some(ProblemCategory::RateLimit)),
            ("Query timed out after 3600 s", Some(ProblemCategory::Timeout)),
            ("connect ECONNREFUSED 10.0.0.1:5432", Some(ProblemCategory::Unavailable)),
            ("column \"plan\" of relation \"orders\" does not exist", Some(ProblemCategory::MissingColumn)),
            ("Table 'crm.orders' doesn't exist", Some(ProblemCategory::MissingResource)),
            // Hightouch writes these texts. They contain no known phrase, so their reason is not guessed.
            ("Cannot generate sync plan due to unmet dependencies.", None),
            ("Failed to write identifiers to data warehouse", None),
            // A phrase is found only if the text contains the whole phrase, as whole words.
            ("timeouts_total is 401", None),
            ("the column is fine, and one two three four five six the list does not exist", None),
            ("", None),
        ] {
            assert_eq!(read(text).map(|reading| reading.category), category, "{text}");
        }
    }

    #[test]
    fn a_text_with_phrases_of_two_categories_is_not_read_unless_one_explains_the_other() {
        assert!(read("Access denied: the token has expired").is_none());
        let found = read("could not connect to server: Connection timed out");
        assert_eq!(found.map(|reading| reading.category), Some(ProblemCategory::Unavailable));
    }

    #[test]
    fn only_the_beginning_of_a_text_is_read() {
        assert!(read(&format!("{} timed out", "x ".repeat(READ))).is_none());
    }
}
