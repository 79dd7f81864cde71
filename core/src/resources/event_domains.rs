//! Event domains: contracts with components that their schemas share.

use super::{EventOrder, EventPolicy, EventSchema, EventSource};
use crate::call::{Id, call, call_on};
use crate::json::Json;
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, text};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// An event domain: schemas that events are checked against, and components that the schemas share.
    pub struct EventDomain {
        /// Id.
        required id = "id": String,
        /// Name, for people.
        required name = "name": String,
        /// Slug.
        optional slug = "slug": String,
        /// What it is for.
        optional description = "description": String,
        /// What becomes of events that the domain does not define.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines.
        defaulted events = "events": Vec<EventSchema>,
        /// Parts that the events' schemas share.
        defaulted components = "components": Vec<EventDomainComponent>,
        /// Workspace that it belongs to.
        optional workspace_id = "workspaceId": i64,
        /// When it was made.
        optional created_at = "createdAt": Timestamp,
        /// When it was last changed.
        optional updated_at = "updatedAt": Timestamp,
        /// Sources of events that it is applied to.
        defaulted event_sources = "eventSources": Vec<EventSource>,
    }
}

impl Row for EventDomain {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// A part of a schema that the events of a domain can share.
    pub struct EventDomainComponent (sent) {
        /// Id; left out for a new one. An update finds a component by its id, else by name and version; a new name needs the
        /// id.
        optional id = "id": String,
        /// Slug; made from the name when left out, and fixed from then on.
        optional slug = "slug": String,
        /// Name.
        needed name = "name": String,
        /// Version; `default` when left out. In an update with an id, the version stays when left out.
        optional version = "version": String,
        /// What it is for; in an update, left out keeps it and an empty text clears it.
        optional description = "description": String,
        /// A part of a JSON Schema.
        needed schema = "schema": Json,
        /// Slugs of the components that it refers to; the server's to set.
        optional imports = "imports": Vec<String>,
    }
}

request! {
    /// Which event domains to list (operation `ListDomains`).
    pub struct ListEventDomains {
        /// Only domains with this name; whether a part of it is enough is not documented.
        query name = "name": String,
        /// Domains to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Domains a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": EventOrder,
    }
}

request! {
    /// An event domain to be made (operation `CreateDomain`).
    pub struct EventDomainCreate {
        /// Name, for people.
        body(needed) name = "name": String,
        /// Slug; made up by the server when left out.
        body slug = "slug": String,
        /// What it is for.
        body description = "description": String,
        /// What becomes of events that the domain does not define; `ALLOW_EVENT` when left out.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines.
        body events = "events": Vec<EventSchema>,
        /// Parts that the events' schemas share.
        body components = "components": Vec<EventDomainComponent>,
    }
}

request! {
    /// Changes to an event domain (operation `UpdateDomain`); what is left out stays as it is.
    pub struct EventDomainUpdate {
        /// Name, for people.
        body name = "name": String,
        /// Slug.
        body slug = "slug": String,
        /// What it is for.
        body description = "description": String,
        /// What becomes of events that the domain does not define.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines: all of them, since they take the place of those that are there.
        body events = "events": Vec<EventSchema>,
        /// Parts that the events' schemas share: all of them, since they take the place of those that are there.
        body components = "components": Vec<EventDomainComponent>,
    }
}

const DOMAIN: PathId = text("event domain", "domain_id", "domainId", &["The domain's id."]);

operation! {
    /// Lists the workspace's event domains, a page at a time, in the order of their ids unless asked otherwise.
    ListDomainsOp = "ListDomains", read GET "/events/domains" [] as "event_domains.list",
    takes ListEventDomains, gives page EventDomain
}

operation! {
    /// Reads one event domain with its events and components.
    GetDomainOp = "GetDomain", read GET "/events/domains/{domainId}" [DOMAIN] as "event_domains.get",
    takes NoFields, gives value EventDomain
}

operation! {
    /// Makes an event domain. Sent once: it is repeated only when it certainly did not happen.
    CreateDomainOp = "CreateDomain", write POST "/events/domains" [] as "event_domains.create",
    takes EventDomainCreate, gives value EventDomain
}

operation! {
    /// Changes an event domain; what is left out stays as it is, events and components that are given take the place of
    /// all that are there.
    UpdateDomainOp = "UpdateDomain", write PATCH "/events/domains/{domainId}" [DOMAIN] as "event_domains.update",
    takes EventDomainUpdate, gives value EventDomain
}

handle! {
    /// The operations on event domains.
    EventDomains
}

impl EventDomains {
    /// Lists event domains lazily, in pages (operation `ListDomains`).
    #[must_use]
    pub fn list(&self, which: &ListEventDomains) -> Pages<EventDomain> {
        Pages::new(&self.sender, call::<ListDomainsOp>(which))
    }

    /// Reads one event domain (operation `GetDomain`).
    pub fn get(&self, domain: impl Into<String>) -> Pending<EventDomain> {
        Pending::new(&self.sender, call_on::<GetDomainOp>(vec![Id::Text(domain.into())], &NoFields))
    }

    /// Makes an event domain (operation `CreateDomain`).
    pub fn create(&self, domain: &EventDomainCreate) -> Pending<EventDomain> {
        Pending::new(&self.sender, call::<CreateDomainOp>(domain))
    }

    /// Changes an event domain (operation `UpdateDomain`); events and components that are given take the place of all
    /// that are there.
    pub fn update(&self, domain: impl Into<String>, changes: &EventDomainUpdate) -> Pending<EventDomain> {
        Pending::new(&self.sender, call_on::<UpdateDomainOp>(vec![Id::Text(domain.into())], changes))
    }
}
