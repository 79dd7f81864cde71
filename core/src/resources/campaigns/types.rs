//! The types of campaigns.

use crate::json::JsonObject;

model! {
    /// A recipient of a campaign, named by exactly one of `handle` and `id`.
    pub struct CampaignRecipient (sent) {
        /// E-mail address, or phone number in E.164 format.
        optional handle = "handle": String,
        /// Primary key of a profile that the Personalization API knows.
        optional id = "id": String,
        /// Values for the message's variables. They take precedence over those of the profile and those for all
        /// recipients.
        optional properties = "properties": JsonObject,
    }
}

impl CampaignRecipient {
    /// A recipient by e-mail address or phone number.
    #[must_use]
    pub fn handle(handle: impl Into<String>) -> Self {
        Self { handle: Some(handle.into()), ..Self::default() }
    }

    /// A recipient by the id of their profile.
    #[must_use]
    pub fn profile(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }
}

request! {
    /// Recipients of a campaign and their variables (operation `TriggerCampaign`).
    pub struct CampaignTrigger {
        /// The recipients. Their results come in the same order.
        body(needed) recipients = "recipients": Vec<CampaignRecipient>,
        /// Values for the message's variables for all recipients. A recipient's own values take precedence.
        body properties = "properties": JsonObject,
        /// Also send a campaign that is not activated yet, for tests. Default: false.
        body(off) draft = "draft": bool,
    }
}

model! {
    /// The result of sending a campaign.
    pub struct CampaignResult {
        /// One result for each recipient, in the order given.
        defaulted results = "results": Vec<RecipientResult>,
    }
}

model! {
    /// The result for one recipient.
    pub struct RecipientResult {
        /// Status. Accepted means queued, not delivered.
        required status = "status": RecipientStatus,
        /// The recipient's address, if one was given.
        optional handle = "handle": String,
        /// The id of the recipient's profile, if one was given.
        optional id = "id": String,
        /// Id of the send, for `send_status`. Absent if it was not accepted.
        optional send_id = "sendId": String,
        /// Why the recipient was rejected.
        optional reason = "reason": RejectReason,
        /// Variables without a value, if the reason is `missing_variables`.
        optional missing_variables = "missingVariables": Vec<String>,
    }
}

impl RecipientResult {
    /// The status that the SDK gives a recipient without an answer from the server.
    pub(super) fn of(recipient: &CampaignRecipient, status: RecipientStatus) -> Self {
        Self {
            status,
            handle: recipient.handle.clone(),
            id: recipient.id.clone(),
            send_id: None,
            reason: None,
            missing_variables: None,
        }
    }
}

open_enum! {
    /// Status of a recipient.
    pub enum RecipientStatus {
        /// The message is queued.
        Accepted = "accepted",
        /// The recipient failed a check; nothing was sent.
        Rejected = "rejected",
        /// Only in errors, set by the SDK: the request was sent, and its result is unknown.
        Unknown = "unknown",
        /// Only in errors, set by the SDK: nothing was sent to it, because this request or an earlier one failed.
        NotSent = "not_sent",
    }
}

open_enum! {
    /// Why a recipient was rejected.
    pub enum RejectReason {
        /// It is no e-mail address or phone number.
        InvalidHandle = "invalid_handle",
        /// Variables of the message have no value.
        MissingVariables = "missing_variables",
        /// The id of the profile is blank or unknown.
        InvalidId = "invalid_id",
        /// Neither an address nor an id was given.
        MissingHandleOrId = "missing_handle_or_id",
    }
}

model! {
    /// Status of one send of a campaign.
    pub struct SendStatus {
        /// Status from the provider: `sent`, `delivered`, `bounced`, `failed`, `dropped`, or another.
        required status = "status": String,
        /// Why the message was dropped.
        optional reason = "reason": String,
    }
}
