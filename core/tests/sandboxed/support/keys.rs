//! The key functions of scenarios.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hightouch_sdk::{Client, Error, Settings};
use serde_json::Value;

/// The key function of a client: the entries of its setting `keys`, and which entry comes next.
pub struct Keys {
    entries: Vec<Value>,
    next: AtomicUsize,
    /// How often all key functions of the scenario were called.
    asked: Arc<AtomicUsize>,
    /// The client with this function, for an entry that calls this client. [`Self::end`] removes the client, because
    /// the client and the function keep each other alive.
    client: Mutex<Option<Client>>,
}

impl Keys {
    pub fn new(entries: Vec<Value>, asked: &Arc<AtomicUsize>) -> Arc<Self> {
        Arc::new(Self {
            entries,
            next: AtomicUsize::new(0),
            asked: Arc::clone(asked),
            client: Mutex::new(None),
        })
    }

    /// Creates a client that gets its keys from this function.
    pub fn client(self: &Arc<Self>, settings: &Settings) -> Result<Client, Error> {
        let keys = Arc::clone(self);
        let client = Client::with_credentials(settings, move || Arc::clone(&keys).give())?;
        *self.client.lock().unwrap() = Some(client.clone());
        Ok(client)
    }

    pub fn end(&self) {
        self.client.lock().unwrap().take();
    }

    async fn give(self: Arc<Self>) -> Result<String, Box<dyn StdError + Send + Sync>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let nth = self.next.fetch_add(1, Ordering::SeqCst);
        let entry = &self.entries[nth.min(self.entries.len() - 1)];
        if let Some(key) = entry.as_str() {
            return Ok(key.to_owned());
        }
        if let Some(delay) = entry["delayMs"].as_u64() {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if let Some(reason) = entry["fails"].as_str() {
            return Err(reason.into());
        }
        if entry["usesClient"] == true {
            let client = self.client.lock().unwrap().clone();
            client.expect("the client was made").syncs().get(1).await?;
            return Err("the client answered its own key function".into());
        }
        Ok(entry["key"].as_str().expect("a key is text").to_owned())
    }
}
