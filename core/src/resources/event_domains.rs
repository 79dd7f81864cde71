//! Event domains: schemas that events must match, and components that the schemas share.

use super::{EventOrder, EventPolicy, EventSchema, EventSource};
use crate::call::{Id, call, call_on};
use crate::json::Json;
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, text};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// An event domain: schemas that events must match, and components that the schemas share.
    pub struct EventDomain {
        /// Id.
        required id = "id": String,
        /// Display name.
        required name = "name": String,
        /// Slug of the domain.
        optional slug = "slug": String,
        /// Description of the domain.
        optional description = "description": String,
        /// How events that the domain does not define are handled.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the domain defines.
        defaulted events = "events": Vec<EventSchema>,
        /// Components that the schemas of the events share.
        defaulted components = "components": Vec<EventDomainComponent>,
        /// Id of the workspace that the domain belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Event sources that the domain applies to.
        defaulted event_sources = "eventSources": Vec<EventSource>,
    }
}

impl Row for EventDomain {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// A component of an event domain: a part of a JSON Schema that the schemas of the domain's events can share.
    pub struct EventDomainComponent (sent) {
        /// Id. Leave the id out for a new component. An update finds an existing component by its id, or by name and
        /// version if the id is left out. To rename a component, give its id.
        optional id = "id": String,
        /// Slug. If no slug is given, the server derives one from the name. A slug cannot be changed later.
        optional slug = "slug": String,
        /// Name of the component.
        needed name = "name": String,
        /// Version. Default: `default`. In an update with an id, a version that is left out stays the same.
        optional version = "version": String,
        /// Description. In an update, a description that is left out stays the same, and an empty text clears it.
        optional description = "description": String,
        /// A part of a JSON Schema.
        needed schema = "schema": Json,
        /// Slugs of the components that this component refers to. The server sets this field.
        shown imports = "imports": Vec<String>,
    }
}

request! {
    /// Filters, paging and order of a list of event domains (operation `ListDomains`).
    pub struct ListEventDomains {
        /// Only domains with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Number of domains to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Domains per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": EventOrder,
    }
}

request! {
    /// An event domain to create (operation `CreateDomain`).
    pub struct EventDomainCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Slug. If no slug is given, the server creates one.
        body slug = "slug": String,
        /// Description of the domain.
        body description = "description": String,
        /// How events that the domain does not define are handled. Default: `ALLOW_EVENT`.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the domain defines.
        body events = "events": Vec<EventSchema>,
        /// Components that the schemas of the events share.
        body components = "components": Vec<EventDomainComponent>,
    }
}

request! {
    /// Changes to an event domain (operation `UpdateDomain`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct EventDomainUpdate {
        /// Display name.
        body name = "name": String,
        /// Slug of the domain.
        body slug = "slug": String,
        /// Description of the domain.
        body description = "description": String,
        /// How events that the domain does not define are handled.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The complete list of events, which replaces the existing list.
        body events = "events": Vec<EventSchema>,
        /// The complete list of components, which replaces the existing list.
        body components = "components": Vec<EventDomainComponent>,
    }
}

const DOMAIN: PathId = text("event domain", "domain_id", "domainId", &["The domain's id."]);

operations! {
    /// Lists the event domains of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListDomainsOp = "ListDomains", read GET "/events/domains" [] as "event_domains.list",
    takes ListEventDomains, gives page EventDomain;

    /// Reads one event domain with its events and components.
    GetDomainOp = "GetDomain", read GET "/events/domains/{domainId}" [DOMAIN] as "event_domains.get",
    takes NoFields, gives value EventDomain;

    /// Creates an event domain. A request that failed is sent again only if it certainly had no effect.
    CreateDomainOp = "CreateDomain", write POST "/events/domains" [] as "event_domains.create",
    takes EventDomainCreate, gives value EventDomain;

    /// Changes an event domain. Fields that are left out keep their values; at least one field must be given. A list
    /// of events or components replaces the existing list.
    UpdateDomainOp = "UpdateDomain", write PATCH "/events/domains/{domainId}" [DOMAIN] as "event_domains.update",
    takes EventDomainUpdate, gives value EventDomain;
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

    /// Creates an event domain (operation `CreateDomain`).
    pub fn create(&self, domain: &EventDomainCreate) -> Pending<EventDomain> {
        Pending::new(&self.sender, call::<CreateDomainOp>(domain))
    }

    /// Changes an event domain (operation `UpdateDomain`). Fields that are left out keep their values. A list of events
    /// or components replaces the existing list.
    pub fn update(&self, domain: impl Into<String>, changes: &EventDomainUpdate) -> Pending<EventDomain> {
        Pending::new(&self.sender, call_on::<UpdateDomainOp>(vec![Id::Text(domain.into())], changes))
    }
}
