//! The decision engine: flows, and the messages that they choose from.

use std::collections::BTreeMap;

use crate::call::{Id, call, call_on};
use crate::json::{Json, JsonObject};
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, text};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// A flow. It decides which message a user gets.
    pub struct DecisionEngineFlow {
        /// Id, a UUID.
        required id = "id": String,
        /// Display name.
        required name = "name": String,
        /// Id of the workspace that the flow belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Id of the decision engine that the flow belongs to.
        optional decision_engine_id = "decisionEngineId": String,
        /// Id of the audience that the flow decides for.
        optional audience_id = "audienceId": i64,
        /// Status of the flow. Hightouch documents only `active`.
        optional status = "status": String,
        /// Settings. The API does not define their structure.
        optional config = "config": Json,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
    }
}

impl Row for DecisionEngineFlow {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// A message that a flow can choose.
    pub struct DecisionEngineMessage {
        /// Id, a UUID.
        required id = "id": String,
        /// Display name.
        required name = "name": String,
        /// Id of the channel that the message is sent on.
        optional channel_id = "channelId": String,
        /// Content and settings. Their structure depends on the channel.
        optional config = "config": Json,
        /// Tags. The API does not define their structure.
        optional tags = "tags": Json,
        /// Limits on how often and when the message can be chosen.
        optional guardrails = "guardrails": MessageGuardrails,
        /// Variables of the message.
        defaulted variables = "variables": Vec<MessageVariable>,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
    }
}

impl Row for DecisionEngineMessage {
    fn id(&self) -> String {
        self.id.clone()
    }
}

model! {
    /// Limits on how often and when a message can be chosen.
    pub struct MessageGuardrails (sent) {
        /// Maximum number of sends to one user within `max_sends_per_user_window_days`.
        optional max_sends_per_user = "maxSendsPerUser": i64,
        /// Length of the window for `max_sends_per_user`, in days.
        optional max_sends_per_user_window_days = "maxSendsPerUserWindowDays": i64,
        /// Minimum number of other messages between two sends of this message.
        optional min_other_messages_in_between = "minOtherMessagesInBetween": i64,
        /// First day on which the message can be sent. The format is not documented.
        optional first_eligible_send_date = "firstEligibleSendDate": String,
        /// Last day on which the message can be sent. The format is not documented.
        optional last_eligible_send_date = "lastEligibleSendDate": String,
    }
}

model! {
    /// A variable of a message.
    pub struct MessageVariable (sent) {
        /// Name, unique within the message.
        needed name = "name": String,
        /// How the variants are chosen.
        optional config = "config": MessageVariableConfig,
        /// Variants of the variable.
        defaulted variants = "variants": Vec<MessageVariant>,
    }
}

model! {
    /// How the variants of a variable are chosen.
    pub struct MessageVariableConfig (sent) {
        /// Whether a variant's values by locale are used. If false or absent, only the variant's `value` is used.
        optional localization_enabled = "localizationEnabled": bool,
        /// Length of the rolling window for `max_sends_per_user`, in days.
        optional max_sends_per_user_window_days = "maxSendsPerUserWindowDays": i64,
        /// Maximum number of sends of this variable's variants to one user within `max_sends_per_user_window_days`.
        optional max_sends_per_user = "maxSendsPerUser": i64,
    }
}

model! {
    /// A variant of a variable.
    pub struct MessageVariant (sent) {
        /// Value that is used if no value for a locale applies.
        needed value = "value": String,
        /// Tags, as a map from name to value.
        optional tags = "tags": BTreeMap<String, String>,
        /// First day on which the variant can be sent, in ISO 8601 format.
        optional first_eligible_send_date = "firstEligibleSendDate": String,
        /// Last day on which the variant can be sent, in ISO 8601 format.
        optional last_eligible_send_date = "lastEligibleSendDate": String,
        /// Filter for the users who can get the variant. The API does not define its structure.
        optional user_audience_filter = "userAudienceFilter": Json,
        /// Values by locale (`en-US`). Used only if the variable's configuration enables localization.
        optional locale_values = "localeValues": BTreeMap<String, String>,
    }
}

model! {
    /// The result of queueing a run of a flow.
    pub struct DecisionEngineRun {
        /// Number of flows that were queued.
        defaulted flows_enqueued = "flowsEnqueued": i64,
    }
}

choice! {
    /// The order of a list of flows. The API does not document whether the order is ascending or descending.
    pub enum FlowOrder {
        /// By id.
        Id = "id",
        /// By name.
        Name = "name",
    }
}

request! {
    /// Filters, paging and order of a list of flows (operation `ListFlows`).
    pub struct ListDecisionEngineFlows {
        /// Only flows with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Number of flows to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Flows per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": FlowOrder,
    }
}

request! {
    /// Paging of a list of a flow's messages (operation `ListMessages`). The order of the messages is not
    /// documented.
    pub struct ListDecisionEngineMessages {
        /// Number of messages to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Messages per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
    }
}

request! {
    /// A message to create (operation `CreateMessage`).
    pub struct DecisionEngineMessageCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Id of the channel that the message is sent on.
        body(needed) channel_id = "channelId": String,
        /// Content and settings. Their structure depends on the channel.
        body(needed) config = "config": JsonObject,
        /// Tags. The API does not define their structure.
        body tags = "tags": JsonObject,
        /// Limits on how often and when the message can be chosen.
        body guardrails = "guardrails": MessageGuardrails,
        /// Variables of the message.
        body variables = "variables": Vec<MessageVariable>,
    }
}

request! {
    /// Changes to a message (operation `UpdateMessage`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct DecisionEngineMessageUpdate {
        /// Display name.
        body name = "name": String,
        /// Content and settings. Their structure depends on the channel.
        body config = "config": JsonObject,
        /// Tags. The API does not define their structure.
        body tags = "tags": JsonObject,
        /// Limits on how often and when the message can be chosen.
        body guardrails = "guardrails": MessageGuardrails,
        /// Variables of the message.
        body variables = "variables": Vec<MessageVariable>,
    }
}

const FLOW: PathId = text("flow", "flow_id", "flowId", &["The flow's id, a UUID."]);
const MESSAGE: PathId = text("message", "message_id", "messageId", &["The message's id, a UUID."]);

operations! {
    /// Lists the flows of the workspace, a page at a time, ordered by id unless `order_by` says otherwise.
    ListFlowsOp = "ListFlows", read GET "/decision-engine/flows" [] as "decision_engine.list_flows",
    takes ListDecisionEngineFlows, gives page DecisionEngineFlow;

    /// Reads one flow.
    GetFlowOp = "GetFlow", read GET "/decision-engine/flow/{flowId}" [FLOW] as "decision_engine.get_flow",
    takes NoFields, gives value DecisionEngineFlow;

    /// Queues a run of a flow. No operation reads the progress of the run. The API does not document what happens if
    /// a run of the flow is already in progress. A request that failed is sent again only if it certainly had no
    /// effect.
    RunFlowOp = "RunFlow", trigger POST "/decision-engine/flow/{flowId}/run" [FLOW] as "decision_engine.run_flow",
    takes NoFields, gives value DecisionEngineRun;

    /// Lists the messages of a flow, a page at a time. The order of the messages is not documented.
    ListMessagesOp = "ListMessages", read GET "/decision-engine/flow/{flowId}/messages" [FLOW]
    as "decision_engine.list_messages", takes ListDecisionEngineMessages, gives page DecisionEngineMessage;

    /// Reads one message of a flow.
    GetMessageOp = "GetMessage", read GET "/decision-engine/flow/{flowId}/messages/{messageId}" [FLOW, MESSAGE]
    as "decision_engine.get_message", takes NoFields, gives value DecisionEngineMessage;

    /// Adds a message to a flow. A request that failed is sent again only if it certainly had no effect.
    CreateMessageOp = "CreateMessage", write POST "/decision-engine/flow/{flowId}/messages" [FLOW]
    as "decision_engine.create_message", takes DecisionEngineMessageCreate, gives value DecisionEngineMessage;

    /// Changes a message. Fields that are left out keep their values; at least one field must be given.
    UpdateMessageOp = "UpdateMessage", write PATCH "/decision-engine/flow/{flowId}/messages/{messageId}" [FLOW, MESSAGE]
    as "decision_engine.update_message", takes DecisionEngineMessageUpdate, gives value DecisionEngineMessage;
}

handle! {
    /// The operations of the decision engine.
    DecisionEngine
}

impl DecisionEngine {
    /// Lists flows lazily, in pages (operation `ListFlows`).
    #[must_use]
    pub fn list_flows(&self, which: &ListDecisionEngineFlows) -> Pages<DecisionEngineFlow> {
        Pages::new(&self.sender, call::<ListFlowsOp>(which))
    }

    /// Reads one flow (operation `GetFlow`).
    pub fn get_flow(&self, flow: impl Into<String>) -> Pending<DecisionEngineFlow> {
        Pending::new(&self.sender, call_on::<GetFlowOp>(vec![Id::Text(flow.into())], &NoFields))
    }

    /// Queues a run of a flow (operation `RunFlow`).
    pub fn run_flow(&self, flow: impl Into<String>) -> Pending<DecisionEngineRun> {
        Pending::new(&self.sender, call_on::<RunFlowOp>(vec![Id::Text(flow.into())], &NoFields))
    }

    /// Lists the messages of a flow lazily, in pages (operation `ListMessages`).
    #[must_use]
    pub fn list_messages(
        &self,
        flow: impl Into<String>,
        which: &ListDecisionEngineMessages,
    ) -> Pages<DecisionEngineMessage> {
        Pages::new(&self.sender, call_on::<ListMessagesOp>(vec![Id::Text(flow.into())], which))
    }

    /// Reads one message (operation `GetMessage`).
    pub fn get_message(
        &self,
        flow: impl Into<String>,
        message: impl Into<String>,
    ) -> Pending<DecisionEngineMessage> {
        let ids = vec![Id::Text(flow.into()), Id::Text(message.into())];
        Pending::new(&self.sender, call_on::<GetMessageOp>(ids, &NoFields))
    }

    /// Adds a message to a flow (operation `CreateMessage`).
    pub fn create_message(
        &self,
        flow: impl Into<String>,
        message: &DecisionEngineMessageCreate,
    ) -> Pending<DecisionEngineMessage> {
        Pending::new(&self.sender, call_on::<CreateMessageOp>(vec![Id::Text(flow.into())], message))
    }

    /// Changes a message (operation `UpdateMessage`). Fields that are left out keep their values.
    pub fn update_message(
        &self,
        flow: impl Into<String>,
        message: impl Into<String>,
        changes: &DecisionEngineMessageUpdate,
    ) -> Pending<DecisionEngineMessage> {
        let ids = vec![Id::Text(flow.into()), Id::Text(message.into())];
        Pending::new(&self.sender, call_on::<UpdateMessageOp>(ids, changes))
    }
}
