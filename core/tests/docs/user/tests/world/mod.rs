// tests/world/mod.rs
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use hightouch_sdk::{Client, LimitScope, Options, Settings};
use serde_json::{Map, Value, json};

/// The server that all tests of this process share, and the first line that it prints.
static SERVER: LazyLock<(Child, Value)> = LazyLock::new(|| {
    let program = std::env::var("HIGHTOUCH_SANDBOX").unwrap_or_else(|_| "hightouch-sandbox".to_owned());
    let mut server = Command::new(&program)
        // The standard input closes when this process ends, even if it is killed.
        .arg("--exit-with-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, serde_json::from_str(&line).unwrap())
});

/// A workspace of the sandbox.
pub struct World {
    control: Client,
    info: Value,
}

fn settings(base_url: &Value, api_key: &Value) -> Settings {
    Settings::new()
        .base_url(base_url.as_str().unwrap())
        .api_key(api_key.as_str().unwrap())
        .limit_scope(LimitScope::Process)
        .environment(BTreeMap::new()) // reads no other settings from the variables of this process
}

impl World {
    pub async fn new() -> Self {
        // The server ignores the key of a request that creates or changes a world.
        let control = Client::new(&settings(&SERVER.1["httpUrl"], &json!("none"))).unwrap();
        let mut world = Self { control, info: Value::Null };
        let asked = json!({"slugs": ["orders-to-salesforce"], "timeScale": 1, "runs": {"seconds": 1}});
        world.info = world.control("POST", "", Some(asked)).await;
        world
    }

    /// Settings for a client of this world, over HTTPS.
    pub fn settings(&self) -> Settings {
        settings(&self.info["baseUrl"], &self.info["apiKey"]).ca_bundle(SERVER.1["ca"].as_str().unwrap())
    }

    pub fn client(&self) -> Client {
        Client::new(&self.settings()).unwrap()
    }

    /// Prepares the answer to the next request of an operation.
    pub async fn arm(&self, operation: &str, answer: Value) {
        let entry = json!({"when": {"operation": operation}, "answer": answer});
        self.control("POST", "/arm/script", Some(json!([entry]))).await;
    }

    /// Prepares the end of the next run.
    pub async fn plan_run(&self, plan: Value) {
        self.control("POST", "/arm/runs", Some(json!({"times": 1, "plan": plan}))).await;
    }

    /// Returns the requests of an operation. Fails if a request of this world broke a rule of the API.
    pub async fn requests(&self, operation: &str) -> Vec<Value> {
        let log = self.control("GET", "/log", None).await;
        assert_eq!(log["violations"], json!([]));
        let all = log["requests"].as_array().unwrap().iter();
        all.filter(|request| request["operation"] == operation).cloned().collect()
    }

    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let id = self.info["id"].as_str().map(|id| format!("/{id}")).unwrap_or_default();
        let path = format!("/_worlds{id}{path}");
        self.control.request(method, &path, &Map::new(), body, &Options::default()).await.unwrap().value()
    }
}
