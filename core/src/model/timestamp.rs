//! Points in time.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::Pieces;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::scalar::scalar;
use super::{Copier, Mended, Readable, Reader, Scalar, Types, Unusual};

/// 0001-01-01T00:00:00.000Z in milliseconds since 1970.
const FIRST: i64 = -62_135_596_800_000;

/// A point in time, to the millisecond. It is read from RFC 3339 with any offset, and written in UTC as
/// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// Creates a timestamp from milliseconds since 1970-01-01T00:00:00Z. Returns `None` for a time that not every
    /// language of the SDK can hold: before 0001-01-01T00:00:00Z, or after 9999-12-30T22:00:00.999Z.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Self> {
        if millis < FIRST {
            return None;
        }
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let read = text.parse::<jiff::Timestamp>().ok().and_then(|at| Self::from_millis(at.as_millisecond()));
        read.ok_or_else(|| {
            // `Pieces` also parses times outside the range of a timestamp.
            let is_time =
                Pieces::parse(text).is_ok_and(|pieces| pieces.time().is_some() && pieces.offset().is_some());
            if is_time {
                "outside the range from 0001-01-01T00:00:00Z to 9999-12-30T22:00:00Z".to_owned()
            } else {
                "not a time in the form of RFC 3339, such as 2026-01-31T08:00:00Z".to_owned()
            }
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:.3}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

scalar!(Timestamp, "timestamp", "a point in time", copy, Scalar::Text(text) => text.parse().ok());

/// Copies a point in time if it is spelt as this module writes times.
fn copy(copier: &mut Copier<'_>) -> Result<(), Unusual> {
    if is_canonical(copier.string()?) { Ok(()) } else { Err(Unusual) }
}

/// Whether a text is a valid time, spelt as this module writes times. Returns false for February 29 and for the year
/// 9999, because only some of these times are valid; the parser checks them.
fn is_canonical(text: &str) -> bool {
    const SHAPE: &[u8; 24] = b"0000-00-00T00:00:00.000Z";
    let text = text.as_bytes();
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    if text.len() != SHAPE.len() || !text.iter().zip(SHAPE).all(fits) {
        return false;
    }
    // Texts with the same number of digits compare like the numbers that they spell.
    let within = |range: std::ops::Range<usize>, least: &[u8], most: &[u8]| {
        text.get(range).is_some_and(|part| (least..=most).contains(&part))
    };
    within(0..4, b"0001", b"9998")
        && within(5..7, b"01", b"12")
        && (within(8..10, b"01", b"28")
            || within(8..10, b"29", b"30") && !within(5..7, b"02", b"02")
            || within(8..10, b"31", b"31") && is_long(text.get(5..7).unwrap_or_default()))
        && within(11..13, b"00", b"23")
        && within(14..16, b"00", b"59")
        && within(17..19, b"00", b"59")
}

/// Whether a month has 31 days.
fn is_long(month: &[u8]) -> bool {
    matches!(month, b"01" | b"03" | b"05" | b"07" | b"08" | b"10" | b"12")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_time_and_a_time_outside_the_range_are_told_apart() {
        for text in ["", "yesterday", "2026-01-31", "2026-01-31T08:00:00", "2026-02-30T08:00:00Z"] {
            let why = text.parse::<Timestamp>().unwrap_err();
            assert!(why.starts_with("not a time in the form of RFC 3339"), "{text}: {why}");
        }
        for text in [
            "0000-12-31T23:59:59Z",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T00:00:00Z",
            "9999-12-31T23:59:59-05:00",
        ] {
            let why = text.parse::<Timestamp>().unwrap_err();
            assert!(why.starts_with("outside the range from "), "{text}: {why}");
        }
    }

    /// A canonical text is copied without being parsed, so parsing and writing it must give the same text.
    #[test]
    fn what_counts_as_canonical_is_written_as_it_was_read() {
        let mut texts = Vec::new();
        for date in [
            "0000-01-01",
            "0001-01-01",
            "1969-12-31",
            "2024-02-29",
            "2025-02-29",
            "2025-02-30",
            "2025-04-30",
            "2025-04-31",
            "2025-00-10",
            "2025-13-10",
            "2025-01-00",
            "2025-12-31",
            "9998-12-30",
            "9999-12-30",
            "9999-12-31",
            "2025/01/01",
            "+025-01-01",
        ] {
            for time in [
                "T00:00:00.000Z",
                "T23:59:59.999Z",
                "T24:00:00.000Z",
                "T12:60:00.000Z",
                "T12:00:60.000Z",
                "T12:00:00.00Z",
                "T12:00:00.0000Z",
                "T12:00:00.000z",
                "t12:00:00.000Z",
                " 12:00:00.000Z",
                "T12:00:00.000+00:00",
                "T12:00:00,000Z",
            ] {
                texts.push(format!("{date}{time}"));
            }
        }
        for text in &texts {
            if is_canonical(text) {
                assert_eq!(text.parse::<Timestamp>().map(|at| at.to_string()).as_ref(), Ok(text));
            }
        }
        assert_eq!(texts.iter().filter(|text| is_canonical(text)).count(), 10);
    }
}
