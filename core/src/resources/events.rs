//! Types that event contracts and event domains share.

use crate::json::Json;

open_enum! {
    /// What happens to an event that is not defined or that violates its schema.
    pub enum EventPolicy {
        /// The event passes.
        AllowEvent = "ALLOW_EVENT",
        /// The event is dropped.
        BlockEvent = "BLOCK_EVENT",
    }
}

open_enum! {
    /// What happens to an event with fields outside its schema.
    pub enum FieldPolicy {
        /// The event passes unchanged.
        AllowEvent = "ALLOW_EVENT",
        /// The event is dropped.
        BlockEvent = "BLOCK_EVENT",
        /// The event passes without the fields outside its schema.
        OmitFields = "OMIT_FIELDS",
    }
}

open_enum! {
    /// Kind of event.
    pub enum EventType {
        /// A user did something.
        Track = "track",
        /// Identifies a user.
        Identify = "identify",
        /// A user viewed a page.
        Page = "page",
        /// A user viewed a screen of an app.
        Screen = "screen",
        /// Assigns a user to a group.
        Group = "group",
    }
}

model! {
    /// The schema that events of one type and name must match.
    pub struct EventSchema (sent) {
        /// JSON Schema of the event. In an event domain, the schema may refer to the domain's components.
        needed schema = "schema": Json,
        /// How events with fields outside the schema are handled. Default: `OMIT_FIELDS`.
        optional on_undeclared_fields = "onUndeclaredFields": FieldPolicy,
        /// How events that violate the schema are handled. Default: `BLOCK_EVENT`.
        optional on_schema_violation = "onSchemaViolation": EventPolicy,
        /// Version. Default: `default`.
        optional version = "version": String,
        /// Slug. If no slug is given, the server creates one.
        optional slug = "slug": String,
        /// Name of the event. Required if the type is `track`.
        optional name = "name": String,
        /// Kind of event.
        needed type_ = "type": EventType,
    }
}

model! {
    /// An event source that an event contract or an event domain applies to.
    pub struct EventSource {
        /// The source's id.
        required id = "id": String,
        /// Display name.
        optional name = "name": String,
    }
}

choice! {
    /// The order of a list of event contracts or event domains. The API does not document whether the order is
    /// ascending or descending.
    pub enum EventOrder {
        /// By id.
        Id = "id",
        /// By name.
        Name = "name",
        /// By creation time.
        CreatedAt = "createdAt",
        /// By the time at which it was last changed.
        UpdatedAt = "updatedAt",
    }
}
