//! Event contracts: what events may look like.

use super::{EventOrder, EventPolicy, EventSchema, EventSource};
use crate::call::{Id, call, call_on};
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, text};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// An event contract: schemas that events are checked against.
    pub struct EventContract {
        /// Id.
        required id = "id": String,
        /// Name, for people.
        required name = "name": String,
        /// Slug.
        optional slug = "slug": String,
        /// What it is for.
        optional description = "description": String,
        /// What becomes of events that the contract does not define.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines.
        defaulted events = "events": Vec<EventSchema>,
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

impl Row for EventContract {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// An event contract after a change. The vendor documents it without its id, times and sources, yet shows them in an
    /// example: the id is filled in, and the rest is there where the server gives it.
    pub struct UpdatedEventContract {
        /// Id.
        required id = "id": String,
        /// Name, for people.
        optional name = "name": String,
        /// Slug.
        optional slug = "slug": String,
        /// What it is for.
        optional description = "description": String,
        /// What becomes of events that the contract does not define.
        optional on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines; absent where the server does not repeat them.
        optional events = "events": Vec<EventSchema>,
        /// Workspace that it belongs to.
        optional workspace_id = "workspaceId": i64,
        /// When it was made.
        optional created_at = "createdAt": Timestamp,
        /// When it was last changed.
        optional updated_at = "updatedAt": Timestamp,
        /// Sources of events that it is applied to; absent where the server does not repeat them.
        optional event_sources = "eventSources": Vec<EventSource>,
    }
}

request! {
    /// Which event contracts to list (operation `ListContracts`).
    pub struct ListEventContracts {
        /// Only contracts with this name; whether a part of it is enough is not documented.
        query name = "name": String,
        /// Contracts to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Contracts a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": EventOrder,
    }
}

request! {
    /// An event contract to be made (operation `CreateContract`).
    pub struct EventContractCreate {
        /// Name, for people.
        body(needed) name = "name": String,
        /// Slug; made up by the server when left out.
        body slug = "slug": String,
        /// What it is for.
        body description = "description": String,
        /// What becomes of events that the contract does not define; `ALLOW_EVENT` when left out.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines.
        body events = "events": Vec<EventSchema>,
    }
}

request! {
    /// Changes to an event contract (operation `UpdateContract`); what is left out stays as it is.
    pub struct EventContractUpdate {
        /// Name, for people.
        body name = "name": String,
        /// Slug.
        body slug = "slug": String,
        /// What it is for.
        body description = "description": String,
        /// What becomes of events that the contract does not define.
        body on_undeclared_schema = "onUndeclaredSchema": EventPolicy,
        /// The events that it defines. Whether those that are not named stay is not documented.
        body events = "events": Vec<EventSchema>,
    }
}

const CONTRACT: PathId = text("event contract", "contract_id", "contractId", &["The contract's id."]);

operation! {
    /// Lists the workspace's event contracts, a page at a time, in the order of their ids unless asked otherwise.
    ListContractsOp = "ListContracts", read GET "/events/contracts" [] as "event_contracts.list",
    takes ListEventContracts, gives page EventContract
}

operation! {
    /// Reads one event contract.
    GetContractOp = "GetContract", read GET "/events/contracts/{contractId}" [CONTRACT] as "event_contracts.get",
    takes NoFields, gives value EventContract
}

operation! {
    /// Makes an event contract. Sent once: it is repeated only when it certainly did not happen.
    CreateContractOp = "CreateContract", write POST "/events/contracts" [] as "event_contracts.create",
    takes EventContractCreate, gives value EventContract
}

operation! {
    /// Changes an event contract; what is left out stays as it is.
    UpdateContractOp = "UpdateContract", write PATCH "/events/contracts/{contractId}" [CONTRACT]
    as "event_contracts.update", takes EventContractUpdate, gives value UpdatedEventContract,
    fill Some(("id", "contractId"))
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

    /// Makes an event contract (operation `CreateContract`).
    pub fn create(&self, contract: &EventContractCreate) -> Pending<EventContract> {
        Pending::new(&self.sender, call::<CreateContractOp>(contract))
    }

    /// Changes an event contract (operation `UpdateContract`); what is left out stays as it is.
    pub fn update(
        &self,
        contract: impl Into<String>,
        changes: &EventContractUpdate,
    ) -> Pending<UpdatedEventContract> {
        Pending::new(&self.sender, call_on::<UpdateContractOp>(vec![Id::Text(contract.into())], changes))
    }
}
