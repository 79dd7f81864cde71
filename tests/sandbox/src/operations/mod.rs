//! Performs the operations of the API on the data of a world (one workspace).

mod campaigns;
mod events;
mod flows;
mod graphs;
mod list;
mod models;
mod rows;
mod sequences;
mod syncs;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::Operation;
use crate::log::Request;
use crate::seed::Kind;
use crate::workspace::Workspace;
use crate::world::NO_CONTENT;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn good(body: Value) -> Self {
        Self { status: 200, body }
    }

    pub(crate) fn error(status: u16, message: &str, details: impl Into<Value>) -> Self {
        Self { status, body: json!({"message": message, "details": details.into()}) }
    }

    fn nothing() -> Self {
        Self { status: NO_CONTENT, body: Value::Null }
    }

    /// Creates a validation error in the documented shape. Each fault is a place in the request and a reason.
    fn invalid(faults: impl IntoIterator<Item = (String, String)>) -> Self {
        let details: BTreeMap<_, _> =
            faults.into_iter().map(|(at, what)| (at, json!({"message": what}))).collect();
        Self::error(422, "Validation failed", json!(details))
    }

    fn invalid_member(name: &str, what: &str) -> Self {
        Self::invalid([(name.to_owned(), what.to_owned())])
    }

    fn conflict(name: &str, what: &str) -> Self {
        Self { status: 409, ..Self::invalid_member(name, what) }
    }

    fn not_found(what: &str) -> Self {
        Self::error(404, "Not found", what)
    }

    /// Creates an error in the shape that the operations on campaigns have.
    fn refused(status: u16, what: &str) -> Self {
        Self { status, body: json!({ "error": what }) }
    }
}

/// Performs the operation of a request. Returns 422 for a request that the document forbids, and 400 for a campaign
/// with too many recipients.
pub(crate) fn perform(workspace: &mut Workspace, operation: &Operation, request: &Request) -> Reply {
    let id = operation.id.as_str();
    let body = || operation.body(request);
    if id == "TriggerCampaign"
        && let Some(refused) = campaigns::too_many(&body())
    {
        return refused;
    }
    let faults = operation.faults(request);
    if !faults.is_empty() {
        return Reply::invalid(faults);
    }
    let path = |name| operation.path_value(&request.path, name).unwrap_or_default();
    match id {
        "ListSource" => rows::list(workspace, request, Kind::Source),
        "GetSource" => rows::get(workspace, Kind::Source, &path("sourceId")),
        "CreateSource" => rows::create(workspace, Kind::Source, body()),
        "UpdateSource" => rows::update(workspace, Kind::Source, &path("sourceId"), body()),
        "ListDestination" => rows::list(workspace, request, Kind::Destination),
        "GetDestination" => rows::get(workspace, Kind::Destination, &path("destinationId")),
        "CreateDestination" => rows::create(workspace, Kind::Destination, body()),
        "UpdateDestination" => rows::update(workspace, Kind::Destination, &path("destinationId"), body()),
        "ListModel" => models::list(workspace, request),
        "GetModel" => rows::get(workspace, Kind::Model, &path("modelId")),
        "CreateModel" => models::create(workspace, body()),
        "UpdateModel" => models::update(workspace, &path("modelId"), body()),
        "DeleteModel" => rows::delete(workspace, Kind::Model, &path("modelId")),
        "ListSync" => syncs::list(workspace, request),
        "GetSync" => rows::get(workspace, Kind::Sync, &path("syncId")),
        "CreateSync" => syncs::create(workspace, body()),
        "UpdateSync" => syncs::update(workspace, &path("syncId"), body()),
        "DeleteSync" => rows::delete(workspace, Kind::Sync, &path("syncId")),
        "ListSyncRuns" => syncs::list_runs(workspace, &path("syncId"), request),
        "TriggerRun" => syncs::trigger(workspace, &path("syncId")),
        "TriggerRunCustom" => syncs::trigger_by_body(workspace, &body()),
        "TriggerSequenceRun" => sequences::trigger(workspace, &path("syncSequenceId")),
        "GetSyncSequenceRun" => sequences::get(workspace, &path("syncSequenceRunId")),
        "TriggerIdrRun" | "TriggerRunIdGraph" => graphs::trigger(workspace, &path("graphId"), &body()),
        "ListIdrRuns" => graphs::list_runs(workspace, &path("graphId"), request),
        "QueueForReprocessing" => graphs::reprocess(workspace, &path("graphId")),
        "ReprocessStatus" => graphs::reprocess_status(workspace, &path("graphId"), &path("requestId")),
        "TriggerCampaign" => campaigns::trigger(workspace, &path("campaignId"), &body()),
        "GetSendStatus" => campaigns::send_status(workspace, &path("campaignId"), &path("sendId")),
        "ListFlows" => rows::list(workspace, request, Kind::Flow),
        "GetFlow" => rows::get(workspace, Kind::Flow, &path("flowId")),
        "RunFlow" => flows::run(workspace, &path("flowId")),
        "ListMessages" => flows::list_messages(workspace, &path("flowId"), request),
        "GetMessage" => flows::get_message(workspace, &path("flowId"), &path("messageId")),
        "CreateMessage" => flows::create_message(workspace, &path("flowId"), body()),
        "UpdateMessage" => flows::update_message(workspace, &path("flowId"), &path("messageId"), body()),
        "ListContracts" => rows::list(workspace, request, Kind::Contract),
        "GetContract" => rows::get(workspace, Kind::Contract, &path("contractId")),
        "CreateContract" => events::create(workspace, Kind::Contract, body()),
        "UpdateContract" => events::update_contract(workspace, &path("contractId"), body()),
        "ListDomains" => rows::list(workspace, request, Kind::Domain),
        "GetDomain" => rows::get(workspace, Kind::Domain, &path("domainId")),
        "CreateDomain" => events::create(workspace, Kind::Domain, body()),
        "UpdateDomain" => events::update_domain(workspace, &path("domainId"), body()),
        name => Reply {
            status: 501,
            body: json!({"message": format!("The sandbox does not implement the operation {name}")}),
        },
    }
}

#[cfg(test)]
mod declared;
#[cfg(test)]
mod resources;
#[cfg(test)]
mod runners;
#[cfg(test)]
mod scenario_table;
#[cfg(test)]
mod tests;
