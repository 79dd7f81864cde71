//! Reads from the headers of an answer how its body is compressed (RFC 9110 §8.4).

use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};

/// The `Accept-Encoding` of every request.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip");

/// Whether a body is compressed with gzip. If the body is compressed in another way, the error names the codings of the
/// body.
pub(super) fn is_packed(headers: &HeaderMap) -> Result<bool, String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let codings: Vec<&str> =
        codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).collect();
    match codings.as_slice() {
        [] => Ok(false),
        // `x-gzip` is another name of `gzip` (RFC 9110 §8.4.1.3).
        [one] if ["gzip", "x-gzip"].iter().any(|gzip| one.eq_ignore_ascii_case(gzip)) => Ok(true),
        // Two codings are refused even if both are gzip: a body compressed twice could unpack to a million times its
        // size before its size is checked.
        codings => Err(codings.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&'static str]) -> Result<bool, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        is_packed(&headers)
    }

    #[test]
    fn codings_are_read_in_any_case_under_both_names_and_as_a_list() {
        for values in [&[][..], &[""], &["identity"], &["Identity, "], &[",", "identity"]] {
            assert_eq!(read(values), Ok(false), "{values:?}");
        }
        for values in
            [&["gzip"][..], &["GZIP"], &["x-gzip"], &["X-GZip"], &["identity", "gzip"], &[" gzip ,"]]
        {
            assert_eq!(read(values), Ok(true), "{values:?}");
        }
        for (values, named) in [
            (&["br"][..], "br"),
            (&["deflate"], "deflate"),
            (&["gzip, br"], "gzip, br"),
            (&["zstd", "identity", "gzip"], "zstd, gzip"),
            (&["gzip, gzip"], "gzip, gzip"),
            (&["gzip;q=1"], "gzip;q=1"),
        ] {
            assert_eq!(read(values), Err(named.to_owned()), "{values:?}");
        }
    }
}
