//! What the API says of campaigns.

use crate::json::JsonObject;

model! {
    /// Who a campaign is sent to: exactly one of `handle` and `id`.
    pub struct CampaignRecipient (sent) {
        /// E-mail address, or phone number in E.164 form.
        optional handle = "handle": String,
        /// Primary key of a profile that the Personalization API knows.
        optional id = "id": String,
        /// Values for the message's variables, before those of the profile and those for everybody.
        optional properties = "properties": JsonObject,
    }
}

impl CampaignRecipient {
    /// A recipient by e-mail address or phone number.
    #[must_use]
    pub fn handle(handle: impl Into<String>) -> Self {
        Self { handle: Some(handle.into()), id: None, properties: None }
    }

    /// A recipient by the id of their profile.
    #[must_use]
    pub fn profile(id: impl Into<String>) -> Self {
        Self { handle: None, id: Some(id.into()), properties: None }
    }
}

request! {
    /// Whom to send a campaign to, and with what (operation `TriggerCampaign`).
    pub struct CampaignTrigger {
        /// The recipients, in the order in which their results come.
        body(needed) recipients = "recipients": Vec<CampaignRecipient>,
        /// Values for the message's variables, for everybody; a recipient's own come first.
        body properties = "properties": JsonObject,
        /// Also send a campaign that is not activated yet, for tests; false when left out.
        body(off) draft = "draft": bool,
    }
}

model! {
    /// What sending a campaign gave.
    pub struct CampaignResult {
        /// One for each recipient, in the order given.
        defaulted results = "results": Vec<RecipientResult>,
    }
}

model! {
    /// What came of one recipient.
    pub struct RecipientResult {
        /// What became of it; accepted means queued, not delivered.
        required status = "status": RecipientStatus,
        /// The recipient's address, where one was given.
        optional handle = "handle": String,
        /// The recipient's profile, where one was given.
        optional id = "id": String,
        /// Id of the send, for `send_status`, where it was accepted.
        optional send_id = "sendId": String,
        /// Why it was rejected.
        optional reason = "reason": RejectReason,
        /// Variables without a value, where the reason is `missing_variables`.
        optional missing_variables = "missingVariables": Vec<String>,
    }
}

impl RecipientResult {
    /// What this SDK says of a recipient that the server said nothing of.
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
    /// What became of a recipient.
    pub enum RecipientStatus {
        /// Its message is queued.
        Accepted = "accepted",
        /// It failed a check, and nothing was sent.
        Rejected = "rejected",
        /// Ours, in errors alone: its request was sent, and what came of it cannot be known.
        Unknown = "unknown",
        /// Ours, in errors alone: its request was not taken, or an earlier one failed before it.
        NotSent = "not_sent",
    }
}

open_enum! {
    /// Why a recipient was rejected.
    pub enum RejectReason {
        /// No e-mail address or phone number.
        InvalidHandle = "invalid_handle",
        /// Variables of the message have no value.
        MissingVariables = "missing_variables",
        /// The profile's id is blank or not known.
        InvalidId = "invalid_id",
        /// Neither an address nor an id.
        MissingHandleOrId = "missing_handle_or_id",
    }
}

model! {
    /// Where one send of a campaign stands.
    pub struct SendStatus {
        /// The provider's word: `sent`, `delivered`, `bounced`, `failed` or `dropped`; others may come.
        required status = "status": String,
        /// Why it was dropped.
        optional reason = "reason": String,
    }
}
