//! The types of campaigns.

use crate::json::JsonObject;

model! {
    /// A recipient of a campaign, given by either a handle or an id, never both.
    pub struct CampaignRecipient (sent) {
        /// E-mail address, or phone number in E.164 format.
        optional handle = "handle": String,
        /// Primary key of a profile in the Personalization API.
        optional id = "id": String,
        /// Values for the message's variables. They take precedence over the values in the profile and over the values
        /// for all recipients.
        optional properties = "properties": JsonObject,
    }
}

impl CampaignRecipient {
    /// Creates a recipient with this e-mail address or phone number.
    #[must_use]
    pub fn handle(handle: impl Into<String>) -> Self {
        Self { handle: Some(handle.into()), ..Self::default() }
    }

    /// Creates a recipient with this id of a profile.
    #[must_use]
    pub fn profile(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }
}

request! {
    /// Recipients of a campaign and their variables (operation `TriggerCampaign`).
    pub struct CampaignTrigger {
        /// The recipients. The results have the same order.
        body(needed) recipients = "recipients": Vec<CampaignRecipient>,
        /// Values for the message's variables, for all recipients. A recipient's own values take precedence.
        body properties = "properties": JsonObject,
        /// Whether to send the campaign even if it is not activated yet, for tests. Default: false.
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
        /// Status of the recipient. `accepted` means queued, not delivered.
        required status = "status": RecipientStatus,
        /// The recipient's e-mail address or phone number, if one was given.
        optional handle = "handle": String,
        /// The id of the recipient's profile, if one was given.
        optional id = "id": String,
        /// Id of the send. With this id, you can read the status of the send. Present only if the recipient was
        /// accepted.
        optional send_id = "sendId": String,
        /// Why the recipient was rejected. Present only if the recipient was rejected.
        optional reason = "reason": RejectReason,
        /// Names of the variables without a value. Present only if the reason is `"missing_variables"`.
        optional missing_variables = "missingVariables": Vec<String>,
    }
}

impl RecipientResult {
    /// Creates a result for a recipient without a result from the server.
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
        /// The recipient failed a check, and nothing was sent to the recipient.
        Rejected = "rejected",
        /// Set by the SDK, only in the details of errors: the request was sent, and the result for this recipient is
        /// unknown.
        Unknown = "unknown",
        /// Set by the SDK, only in the details of errors: the recipient gets no message, because a request failed. It
        /// was the request that contains this recipient, or an earlier request.
        NotSent = "not_sent",
    }
}

open_enum! {
    /// Why a recipient was rejected.
    pub enum RejectReason {
        /// The handle is not a valid e-mail address or phone number.
        InvalidHandle = "invalid_handle",
        /// Variables of the message have no value.
        MissingVariables = "missing_variables",
        /// The id is blank or is not the id of a known profile.
        InvalidId = "invalid_id",
        /// Neither a handle nor an id was given.
        MissingHandleOrId = "missing_handle_or_id",
    }
}

model! {
    /// Status of one send of a campaign.
    pub struct SendStatus {
        /// Status from the provider: `sent`, `delivered`, `bounced`, `failed`, `dropped`, or another.
        required status = "status": String,
        /// Why the message was dropped. Present only if the status is `dropped`.
        optional reason = "reason": String,
    }
}
