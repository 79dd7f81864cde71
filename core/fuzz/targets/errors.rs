//! Fuzzes error answers with any status, headers and body. Input: a line with the operation and the status, a line for
//! each header, an empty line, and the body.

use super::answers::operation;
use super::engine::parse;
use super::sample::arguments;
use super::{first_line, text_of};

/// The most bytes of the server's details that an error keeps.
const LARGEST_DETAILS: usize = 16 << 10;

pub fn play(input: &[u8]) {
    let text = text_of(input);
    let (line, mut rest) = first_line(&text);
    let (op, status) = line.rsplit_once(' ').unwrap_or((line, "500"));
    // After a status below 200 another answer follows, and HTTP has no status above 599.
    let status = status.trim().parse().ok().filter(|status| (200..600).contains(status)).unwrap_or(500);
    let operation = operation(op);
    let mut headers = Vec::new();
    loop {
        let (header, after) = first_line(rest);
        rest = after;
        match header.trim_end_matches('\r').split_once(':') {
            Some((name, value)) => headers.push((name, value.trim())),
            None => break,
        }
    }
    if status == 429 {
        // After a 429, the call would wait and send the request again. So the answer asks for a wait of an hour, and no
        // call waits that long.
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("retry-after"));
        headers.push(("Retry-After", "3600"));
    }
    let op = operation["op"].as_str().unwrap();
    let given = parse(op, &arguments(operation), status, &headers, rest);
    if given.ok {
        assert!((200..300).contains(&status), "the status {status} is no success");
        return;
    }
    let failure = &given.head;
    if (200..300).contains(&status) {
        assert!(failure["status"].is_null() || failure["status"] == status);
    } else {
        assert_eq!(failure["status"], status, "{failure}");
        assert_eq!(failure["operation"], operation["op"]);
    }
    assert!(
        failure["details"].to_string().len() <= LARGEST_DETAILS,
        "{} of details",
        failure["details"].to_string().len()
    );
    if failure["kind"] == "outcome_unknown" {
        let http = operation["http"].as_str().unwrap();
        assert!(!http.starts_with("GET "), "a read has no outcome that could be unknown: {http}");
    }
}
