//! Runs the fuzz target that `HIGHTOUCH_FUZZ_TARGET` names under libFuzzer.
#![no_main]

#[allow(dead_code, unused_imports, reason = "only `core/tests/fuzz.rs` generates seeds")]
#[path = "../targets/mod.rs"]
mod targets;

use std::sync::OnceLock;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    static PLAY: OnceLock<fn(&[u8])> = OnceLock::new();
    let play = PLAY.get_or_init(|| {
        let name = std::env::var("HIGHTOUCH_FUZZ_TARGET").expect("HIGHTOUCH_FUZZ_TARGET names a target");
        let target = targets::ALL.iter().find(|(known, _)| *known == name);
        target.unwrap_or_else(|| panic!("there is no target {name}")).1
    });
    play(input);
});
