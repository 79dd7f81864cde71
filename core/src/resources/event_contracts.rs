//! Event contracts: schemas that events must match.

use super::{EventOrder, EventPolicy, EventSchema, EventSource};
use crate::call::{Id, call, call_on};
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, text};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// An event contract: schemas that events must match.
    pub struct EventContract {
        /// Id.
        required id = "id": String,
        /// Display name.
        required name = "name": String,
        /// Slug of the contract.
        optional slug = "slug": String,
        /// Description of the contract.
        optional description = "description": String,
        /// How events that the contract does not define are handled.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the contract defines.
        defaulted events = "events": Vec<EventSchema>,
        /// Id of the workspace that the contract belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Event sources that the contract applies to.
        defaulted event_sources = "eventSources": Vec<EventSource>,
    }
}

impl Row for EventContract {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// An event contract after a change. The SDK fills in the id. The other fields are absent if the server does not
    /// return them.
    pub struct UpdatedEventContract {
        /// Id.
        required id = "id": String,
        /// Display name.
        optional name = "name": String,
        /// Slug of the contract.
        optional slug = "slug": String,
        /// Description of the contract.
        optional description = "description": String,
        /// How events that the contract does not define are handled.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the contract defines. Absent if the server does not return them.
        optional events = "events": Vec<EventSchema>,
        /// Id of the workspace that the contract belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Event sources that the contract applies to. Absent if the server does not return them.
        optional event_sources = "eventSources": Vec<EventSource>,
    }
}

request! {
    /// Filters, paging and order of a list of event contracts (operation `ListContracts`).
    pub struct ListEventContracts {
        /// Only contracts with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Number of contracts to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Contracts per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": EventOrder,
    }
}

request! {
    /// An event contract to create (operation `CreateContract`).
    pub struct EventContractCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Slug. If no slug is given, the server creates one.
        body slug = "slug": String,
        /// Description of the contract.
        body description = "description": String,
        /// How events that the contract does not define are handled. Default: `ALLOW_EVENT`.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the contract defines.
        body events = "events": Vec<EventSchema>,
    }
}

request! {
    /// Changes to an event contract (operation `UpdateContract`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct EventContractUpdate {
        /// Display name.
        body name = "name": String,
        /// Slug of the contract.
        body slug = "slug": String,
        /// Description of the contract.
        body description = "description": String,
        /// How events that the contract does not define are handled.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that the contract defines. The API does not document what happens to events that are left out.
        body events = "events": Vec<EventSchema>,
    }
}

const CONTRACT: PathId = text("event contract", "contract_id", "contractId", &["The contract's id."]);

operations! {
    /// Lists the event contracts of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListContractsOp = "ListContracts", read GET "/events/contracts" [] as "event_contracts.list",
    takes ListEventContracts, gives page EventContract;

    /// Reads one event contract.
    GetContractOp = "GetContract", read GET "/events/contracts/{contractId}" [CONTRACT] as "event_contracts.get",
    takes NoFields, gives value EventContract;

    /// Creates an event contract. A request that failed is sent again only if it certainly had no effect.
    CreateContractOp = "CreateContract", write POST "/events/contracts" [] as "event_contracts.create",
    takes EventContractCreate, gives value EventContract;

    /// Changes an event contract. Fields that are left out keep their values; at least one field must be given.
    UpdateContractOp = "UpdateContract", write PATCH "/events/contracts/{contractId}" [CONTRACT]
    as "event_contracts.update", takes EventContractUpdate, gives value UpdatedEventContract,
    fill Some(("id", "contractId"));
}

handle! {
    /// The operations on event contracts.
    EventContracts
}

impl EventContracts {
    /// Lists event contracts lazily, in pages (operation `ListContracts`).
    #[must_use]
    pub fn list(&self, which: &ListEventContracts) -> Pages<EventContract> {
        Pages::new(&self.sender, call::<ListContractsOp>(which))
    }

    /// Reads one event contract (operation `GetContract`).
    pub fn get(&self, contract: impl Into<String>) -> Pending<EventContract> {
        Pending::new(&self.sender, call_on::<GetContractOp>(vec![Id::Text(contract.into())], &NoFields))
    }

    /// Creates an event contract (operation `CreateContract`).
    pub fn create(&self, contract: &EventContractCreate) -> Pending<EventContract> {
        Pending::new(&self.sender, call::<CreateContractOp>(contract))
    }

    /// Changes an event contract (operation `UpdateContract`). Fields that are left out keep their values.
    pub fn update(
        &self,
        contract: impl Into<String>,
        changes: &EventContractUpdate,
    ) -> Pending<UpdatedEventContract> {
        Pending::new(&self.sender, call_on::<UpdateContractOp>(vec![Id::Text(contract.into())], changes))
    }
}
