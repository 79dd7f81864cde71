//! The one sandbox of a test binary. It runs on a runtime of its own, which outlives each test.

use std::path::PathBuf;
use std::sync::OnceLock;

use hightouch_sandbox::Options;
use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// The sandbox, and the JSON line that the program `hightouch-sandbox` would print, without the default world.
pub struct Sandbox {
    inner: hightouch_sandbox::Sandbox,
    pub line: Value,
    runtime: Runtime,
}

pub struct World {
    sandbox: &'static Sandbox,
    pub info: Value,
}

pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        // Starts the sandbox on another thread, because `block_on` panics inside the runtime of the test.
        std::thread::spawn(|| {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let coverage = std::env::var_os("HIGHTOUCH_COVERAGE").map(PathBuf::from);
            let options = Options { coverage, ..Options::default() };
            let inner = runtime.block_on(hightouch_sandbox::Sandbox::start(options)).unwrap();
            let folder = std::env::temp_dir().join(format!("hightouch-rust-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let ca = folder.join("ca.pem");
            std::fs::write(&ca, &inner.ca_pem).unwrap();
            let line = json!({
                "url": inner.url, "httpUrl": inner.http_url, "ca": ca.to_str(), "closed": inner.closed,
            });
            Sandbox { inner, line, runtime }
        })
        .join()
        .unwrap()
    })
}

impl Sandbox {
    pub fn world(&'static self, settings: &Value) -> World {
        let settings = if settings.is_null() { json!({}) } else { settings.clone() };
        let _inside = self.runtime.enter();
        let info = self.inner.create_world(settings).expect("a world");
        World { sandbox: self, info: serde_json::to_value(info).expect("JSON") }
    }
}

impl World {
    fn id(&self) -> &str {
        self.info["id"].as_str().expect("a world has an id")
    }

    /// Returns settings for a client that uses this world over HTTPS.
    pub fn settings(&self) -> Settings {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let settings = Settings::new()
            .api_key(text(&self.info["apiKey"]))
            .base_url(text(&self.info["baseUrl"]))
            .ca_bundle(text(&self.sandbox.line["ca"]))
            .environment(std::collections::BTreeMap::new());
        with_time_scale(settings, self.info["timeScale"].as_f64().expect("a number"))
    }

    pub fn client(&self) -> Client {
        Client::new(&self.settings()).expect("the settings are good")
    }

    pub fn log(&self) -> Value {
        self.sandbox.inner.log(self.id()).expect("a log")
    }

    pub async fn judge(&self, player: &str, scenario: &str, wire: &Value) -> Vec<String> {
        let wire = if wire.is_null() { json!({}) } else { wire.clone() };
        let asked = json!({"player": player, "scenario": scenario, "wire": wire});
        self.sandbox.inner.judge(self.id(), asked).await.expect("a verdict").complaints
    }

    pub fn delete(&self) {
        let _ = self.sandbox.inner.remove_world(self.id());
    }
}
