//! Fuzzes the settings with any text. This target sends no request, because the settings may name any server or proxy.

use hightouch_sdk::wire::{Cancel, Engine};
use serde_json::Value;
use tokio::runtime::Builder;

use super::check::{Given, failure, without_the_key};
use super::{KEY, text_of};

pub fn play(input: &[u8]) {
    let text = text_of(input);
    match Engine::new(&text) {
        Ok(engine) => {
            without_the_key(&format!("{engine:?}"));
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let stats = runtime.block_on(engine.call("client.stats", "", "", &Cancel::new()));
            let stats = Given::of(stats);
            // With the setting `diagnosing`, an engine can be created although the settings allow no client.
            let diagnosing =
                serde_json::from_str::<Value>(&text).is_ok_and(|given| given["diagnosing"] == true);
            assert!(stats.ok || diagnosing, "a client that was made has a limit");
        }
        Err(failed) => {
            let json = failed.to_json();
            let head: Value = serde_json::from_str(&json).expect("a failure is JSON");
            failure(&head, &json);
            assert_eq!(head["kind"], "config");
            // An error names the path of the certificates (`caBundle`), and this path may contain `KEY`. The SDK
            // removes `KEY` from the error only if `KEY` is the API key in the settings.
            let given: Value = serde_json::from_str(&text).unwrap_or_default();
            if given["caBundle"].is_null() || given["apiKey"] == KEY {
                without_the_key(&json);
                without_the_key(&format!("{failed} {failed:?}"));
            }
        }
    }
}
