//! Breaks prose into lines.

use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

/// Returns the last sentence of the doc of a deprecated operation, without its full stop. If the sentence has a
/// semicolon, returns only the text after the semicolon. The result says what to use instead.
pub(crate) fn instead(text: &str) -> String {
    let last = text.trim_end_matches('.').rsplit(['.', ';']).next().unwrap_or_default();
    last.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Breaks a paragraph between words into lines of at most `width` characters, including the indent. A longer word has a
/// line of its own.
pub(crate) fn wrap(paragraph: &str, width: usize, first_indent: &str, indent: &str) -> String {
    let options = Options::new(width)
        .initial_indent(first_indent)
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    textwrap::fill(&words.join(" "), options)
}
