//! Generates a workspace from a seed: the same seed gives the same workspace. A row depends only on the seed and
//! the row's key, so it can be generated whenever it is shown.

mod history;
mod rows;
mod sync;

use std::sync::Arc;

use fastrand::Rng;
use serde_json::json;

use crate::clock::{Clock, Millis};
use crate::row_store::{Key, Row};
use crate::settings::WorldSettings;
pub(crate) use history::{first_run, last_activity, past_runs};
pub(crate) use rows::dbt;

#[cfg(test)]
std::thread_local! {
    /// How many rows this thread has generated.
    pub(crate) static ROWS_MADE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

const DAY: Millis = 86_400_000;
const THINGS: [&str; 8] =
    ["orders", "users", "accounts", "leads", "invoices", "events", "carts", "subscriptions"];
const PLACES: [&str; 6] = ["salesforce", "hubspot", "braze", "google-ads", "slack", "zendesk"];
const STORES: [&str; 5] = ["snowflake", "postgres", "bigquery", "redshift", "airtable"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Source,
    Destination,
    Model,
    Sync,
    Contract,
    Domain,
    Flow,
    Message,
}

/// How many low bits of a message's key hold the number of the message within its flow. The higher bits hold the
/// number of the flow.
const MESSAGE_BITS: u32 = 24;

impl Kind {
    /// Whether the document declares ids of this kind as numbers.
    fn is_numbered(self) -> bool {
        matches!(self, Self::Source | Self::Destination | Self::Model | Self::Sync)
    }

    /// Returns the id of a row in the API.
    pub(crate) fn id(self, key: Key) -> serde_json::Value {
        if self.is_numbered() { json!(key) } else { json!(self.text(key)) }
    }

    fn text(self, key: Key) -> String {
        match self {
            Self::Contract => format!("contract-{key:06}"),
            Self::Domain => format!("domain-{key:06}"),
            Self::Flow => format!("00000000-0000-4000-8000-{key:012x}"),
            Self::Message => {
                let (flow, number) = (key >> MESSAGE_BITS, key & ((1 << MESSAGE_BITS) - 1));
                format!("{flow:08x}-0000-4000-8000-{number:012x}")
            }
            _ => key.to_string(),
        }
    }

    /// Parses an id from a path or a query. The OpenAPI document declares numeric ids as `number`, so `5.0` means 5.
    pub(crate) fn key(self, id: &str) -> Option<Key> {
        let key = match self {
            Self::Contract => id.strip_prefix("contract-")?.parse().ok()?,
            Self::Domain => id.strip_prefix("domain-")?.parse().ok()?,
            Self::Flow => Key::from_str_radix(id.rsplit('-').next()?, 16).ok()?,
            Self::Message => {
                let flow = Key::from_str_radix(id.split('-').next()?, 16).ok()?;
                message_base(flow).checked_add(Key::from_str_radix(id.rsplit('-').next()?, 16).ok()?)?
            }
            _ => return id.strip_suffix(".0").unwrap_or(id).parse().ok(),
        };
        (self.text(key) == id).then_some(key)
    }
}

/// Returns the base of the keys of a flow's messages. The key of the first message is the base plus 1.
pub(crate) fn message_base(flow: Key) -> Key {
    flow << MESSAGE_BITS
}

/// The columns by which rows are sorted and filtered. These columns are cheaper to generate than the whole row.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

/// Everything that rows are generated from.
#[derive(Debug, Clone)]
pub(crate) struct Seeds {
    seed: u64,
    workspace_id: u64,
    pub(crate) sources: u64,
    pub(crate) destinations: u64,
    pub(crate) models: u64,
    past_runs: Option<u64>,
    slugs: Vec<String>,
    clock: Arc<Clock>,
}

impl Seeds {
    pub(crate) fn new(settings: &WorldSettings, workspace_id: u64, clock: Arc<Clock>) -> Self {
        Self {
            seed: settings.seed,
            workspace_id,
            sources: settings.sources() as u64,
            destinations: settings.destinations() as u64,
            models: settings.models() as u64,
            past_runs: settings.past_runs,
            slugs: settings.slugs.clone(),
            clock,
        }
    }

    /// Generates a row as it is before any change.
    pub(crate) fn row(&self, kind: Kind, key: Key) -> Row {
        #[cfg(test)]
        ROWS_MADE.set(ROWS_MADE.get() + 1);
        let mut rng = self.rng(kind, key);
        let head = self.head_from(&mut rng, kind, key);
        let mut row = match kind {
            Kind::Source => rows::source(&mut rng, key),
            Kind::Destination => rows::destination(&mut rng, &head, key),
            Kind::Model => rows::model(self, &mut rng, key),
            Kind::Sync => sync::sync(self, &mut rng, key),
            Kind::Contract => rows::contract(&head),
            Kind::Domain => rows::domain(&head, key),
            Kind::Flow => rows::flow(&mut rng, key),
            Kind::Message => rows::message(&mut rng, key),
        };
        row.insert("id".to_owned(), kind.id(key));
        let named = !matches!(kind, Kind::Sync);
        let sluggish = !matches!(kind, Kind::Flow | Kind::Message);
        for (name, value, wanted) in [
            ("name", json!(head.name), named),
            ("slug", json!(head.slug), sluggish),
            ("workspaceId", json!(self.workspace_id), kind != Kind::Message),
            ("createdAt", json!(self.clock.timestamp(head.created)), true),
            ("updatedAt", json!(self.clock.timestamp(head.updated)), true),
        ] {
            if wanted {
                row.insert(name.to_owned(), value);
            }
        }
        row
    }

    pub(crate) fn head(&self, kind: Kind, key: Key) -> Head {
        self.head_from(&mut self.rng(kind, key), kind, key)
    }

    /// Returns the model that a generated sync reads.
    pub(crate) fn model_of(&self, sync: Key) -> Key {
        1 + sync % self.models.max(1)
    }

    /// Returns the destination that a generated sync writes to.
    pub(crate) fn destination_of(&self, sync: Key) -> Key {
        1 + sync % self.destinations.max(1)
    }

    fn rng(&self, kind: Kind, key: Key) -> Rng {
        // Spreads the keys, so that rows with neighbouring keys do not resemble each other.
        let spread = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Rng::with_seed(self.seed.wrapping_add(spread).rotate_left(kind as u32 * 7))
    }

    fn head_from(&self, rng: &mut Rng, kind: Kind, key: Key) -> Head {
        let created = -rng.i64(30 * DAY..300 * DAY);
        let updated = created + rng.i64(0..29 * DAY);
        let thing = pick(rng, &THINGS);
        let place = pick(rng, &PLACES);
        let number = key & ((1 << MESSAGE_BITS) - 1);
        let (name, slug) = match kind {
            Kind::Source => (format!("{} {key}", title(store(key))), format!("{}-{key}", store(key))),
            Kind::Destination => (format!("{} {key}", title(place)), format!("{place}-{key}")),
            Kind::Model => (format!("{} {key}", title(thing)), format!("{thing}-{key}")),
            Kind::Sync => {
                let given = usize::try_from(key - 1).ok().and_then(|index| self.slugs.get(index));
                (String::new(), given.cloned().unwrap_or_else(|| format!("{thing}-to-{place}-{key}")))
            }
            Kind::Contract => (format!("{} contract {key}", title(thing)), format!("{thing}-contract-{key}")),
            Kind::Domain => (format!("{} domain {key}", title(thing)), format!("{thing}-domain-{key}")),
            Kind::Flow => (format!("{} flow {key}", title(thing)), String::new()),
            Kind::Message => (format!("{} message {number}", title(thing)), String::new()),
        };
        Head { name, slug, created, updated }
    }
}

/// Returns the type of a source. The type depends only on the row's key, so tests can rely on it with any seed.
fn store(key: Key) -> &'static str {
    usize::try_from(key)
        .ok()
        .and_then(|key| STORES.get((key + 4) % STORES.len()))
        .copied()
        .unwrap_or("postgres")
}

fn title(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from.get(rng.usize(..from.len().max(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(seed: u64, slugs: &[&str]) -> Seeds {
        let slugs = slugs.iter().map(|&slug| slug.to_owned()).collect();
        let settings = WorldSettings { seed, slugs, ..WorldSettings::default() };
        Seeds::new(&settings, 7, Arc::new(Clock::starting_now(1.0)))
    }

    fn configurations(seed: u64) -> Vec<serde_json::Value> {
        let seeds = seeds(seed, &[]);
        (1..20).map(|key| seeds.row(Kind::Sync, key).remove("configuration").unwrap()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_workspace_and_another_a_different_one() {
        assert_eq!(configurations(1), configurations(1));
        assert_ne!(configurations(1), configurations(2));
    }

    #[test]
    fn the_first_syncs_have_the_slugs_of_the_settings() {
        let seeds = seeds(1, &["orders", "users"]);
        let slugs: Vec<_> = (1..=3).map(|key| seeds.head(Kind::Sync, key).slug).collect();
        assert_eq!(slugs.get(..2).unwrap(), ["orders", "users"]);
        assert!(slugs[2].ends_with("-3"));
    }

    #[test]
    fn the_head_of_a_row_equals_the_row() {
        let seeds = seeds(3, &[]);
        for kind in [Kind::Source, Kind::Destination, Kind::Model, Kind::Contract, Kind::Domain] {
            let (row, head) = (seeds.row(kind, 5), seeds.head(kind, 5));
            assert_eq!((&row["name"], &row["slug"]), (&json!(head.name), &json!(head.slug)));
            assert_eq!(row["createdAt"], json!(seeds.clock.timestamp(head.created)));
        }
    }

    #[test]
    fn ids_parse_to_their_keys_and_other_texts_to_none() {
        for kind in [Kind::Source, Kind::Contract, Kind::Domain, Kind::Flow, Kind::Message] {
            let key = if kind == Kind::Message { message_base(3) + 5 } else { 5 };
            assert_eq!(kind.key(&kind.text(key)), Some(key), "{kind:?}");
            assert_eq!(kind.key("none"), None, "{kind:?}");
            assert_eq!(kind.key("ffffffffffffffff-0000-4000-8000-ffffffffffffffff"), None, "{kind:?}");
        }
        assert_eq!(Kind::Contract.key("contract-5"), None);
        assert_eq!(Kind::Sync.key("5.0"), Some(5));
    }
}
