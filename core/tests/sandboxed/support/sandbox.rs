//! The one sandbox of a test binary. It runs on a runtime of its own, which outlives each test.

use std::path::PathBuf;
use std::sync::OnceLock;

use hightouch_sandbox::Options;
use hightouch_sdk::wire::with_time_scale;
use hightouch_sdk::{Client, Settings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::temporary::Folder;

/// The sandbox, and the JSON line that the program `hightouch-sandbox` would print, without the default world and the
/// path of the certificate. Each world writes the certificate to a file of its own, because a file of the sandbox would
/// stay when the process ends.
pub struct Sandbox {
    inner: hightouch_sandbox::Sandbox,
    pub line: Value,
    runtime: Runtime,
}

pub struct World {
    sandbox: &'static Sandbox,
    pub info: Value,
    folder: Folder,
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
            let line = json!({"url": inner.url, "httpUrl": inner.http_url, "closed": inner.closed});
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
        let mut info = serde_json::to_value(info).expect("JSON");
        let folder = Folder::new("world");
        let ca = folder.0.join("ca.pem");
        std::fs::write(&ca, &self.inner.ca_pem).unwrap();
        info["ca"] = json!(ca);
        World { sandbox: self, info, folder }
    }

    /// Returns the certificate of the sandbox's authority.
    pub fn ca(&self) -> &str {
        &self.inner.ca_pem
    }
}

impl World {
    fn id(&self) -> &str {
        self.info["id"].as_str().expect("a world has an id")
    }

    /// Returns settings for a client that uses this world over HTTPS. They name a file of the world, so a client cannot
    /// be created from them after the world was dropped.
    pub fn settings(&self) -> Settings {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let settings = Settings::new()
            .api_key(text(&self.info["apiKey"]))
            .base_url(text(&self.info["baseUrl"]))
            .ca_bundle(text(&self.info["ca"]))
            .environment(std::collections::BTreeMap::new());
        with_time_scale(settings, self.info["timeScale"].as_f64().expect("a number"))
    }

    /// Returns the path of a file that the world removes when it is dropped.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Like [`Self::file`]. Returns the world too.
    pub fn with_file(self, name: &str) -> (Self, PathBuf) {
        let file = self.file(name);
        (self, file)
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
