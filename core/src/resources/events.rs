//! What event contracts and event domains have in common.

use crate::json::Json;

open_enum! {
    /// What becomes of an event that a rule speaks of.
    pub enum EventPolicy {
        /// It is let through.
        AllowEvent = "ALLOW_EVENT",
        /// It is dropped.
        BlockEvent = "BLOCK_EVENT",
    }
}

open_enum! {
    /// What becomes of an event with fields outside its schema.
    pub enum FieldPolicy {
        /// It is let through as it is.
        AllowEvent = "ALLOW_EVENT",
        /// It is dropped.
        BlockEvent = "BLOCK_EVENT",
        /// It is let through without those fields.
        OmitFields = "OMIT_FIELDS",
    }
}

open_enum! {
    /// Kind of event.
    pub enum EventType {
        /// Somebody did something.
        Track = "track",
        /// Says who somebody is.
        Identify = "identify",
        /// Somebody saw a page.
        Page = "page",
        /// Somebody saw a screen of an app.
        Screen = "screen",
        /// Says which group somebody belongs to.
        Group = "group",
    }
}

model! {
    /// The schema that events of one kind and name are checked against.
    pub struct EventSchema (sent) {
        /// JSON Schema of the event; in a domain it may refer to components.
        needed schema = "schema": Json,
        /// What becomes of events with fields outside the schema; `OMIT_FIELDS` when left out.
        optional on_undeclared_fields = "onUndeclaredFields": FieldPolicy,
        /// What becomes of events that fail the schema; `BLOCK_EVENT` when left out.
        optional on_schema_violation = "onSchemaViolation": EventPolicy,
        /// Version; `default` when left out.
        optional version = "version": String,
        /// Slug; made up by the server when left out.
        optional slug = "slug": String,
        /// Name of the event; needed where the type is `track`.
        optional name = "name": String,
        /// Kind of event.
        needed type_ = "type": EventType,
    }
}

model! {
    /// A source of events that a contract or a domain is applied to.
    pub struct EventSource {
        /// The source's id.
        required id = "id": String,
        /// Name, for people.
        optional name = "name": String,
    }
}

choice! {
    /// The order of a list of event contracts or event domains; the direction is not documented.
    pub enum EventOrder {
        /// By id.
        Id = "id",
        /// By name.
        Name = "name",
        /// By the time it was made.
        CreatedAt = "createdAt",
        /// By the time of its last change.
        UpdatedAt = "updatedAt",
    }
}
