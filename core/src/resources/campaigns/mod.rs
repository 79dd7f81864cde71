//! Campaigns: messages to many recipients, and the state of each send.

mod chunks;
mod types;

pub(crate) use chunks::{campaign_call, send_campaign};
pub use types::*;

use crate::attempt::Subject;
use crate::call::{Id, call_on};
use crate::operation::{Endpoint as _, NoFields, PathId, text};
use crate::resources::Pending;

const CAMPAIGN: PathId = text(
    "campaign",
    "campaign_id",
    "campaignId",
    &["The campaign's id. No operation lists campaigns: take the id from Hightouch's web app."],
);
const SEND: PathId = text("send", "send_id", "sendId", &["The send's id, from the result of `trigger`."]);

operations! {
    /// Sends a campaign to recipients. More than 100 recipients take several requests, one after the other. The result
    /// has one entry per recipient, in the order given. Check the status of each entry: a recipient can be `rejected`
    /// although the call succeeds. If a later request fails, or if the outcome of a request is unknown, the `results`
    /// in the details of the error say what is known about each recipient. A request that failed is sent again only if
    /// it certainly had no effect.
    TriggerCampaignOp = "TriggerCampaign", trigger POST "/campaigns/{campaignId}/trigger" [CAMPAIGN]
    as "campaigns.trigger", takes CampaignTrigger, gives value CampaignResult;

    /// Reads the status of one send of a campaign.
    GetSendStatusOp = "GetSendStatus", read GET "/campaigns/{campaignId}/sends/{sendId}" [CAMPAIGN, SEND]
    as "campaigns.send_status", takes NoFields, gives value SendStatus;
}

handle! {
    /// The operations on campaigns.
    Campaigns
}

impl Campaigns {
    /// Sends a campaign to recipients, up to 100 per request (operation `TriggerCampaign`). A request that failed is
    /// sent again only if it certainly had no effect.
    ///
    /// # Errors
    /// Kind `outcome_unknown` if it is unknown whether the server accepted a request. In the `results` of
    /// [`Error::details`](crate::Error::details), the recipients of that request are `unknown`, unless the answer had a
    /// result for them. The recipients of later requests are `not_sent`.
    pub fn trigger(&self, campaign: impl Into<String>, what: &CampaignTrigger) -> Pending<CampaignResult> {
        let (campaign, what) = (campaign.into(), what.clone());
        let call = campaign_call(&campaign, &what);
        let subject =
            call.map_or(Subject::method(TriggerCampaignOp::OPERATION.op), |call| call.subject().clone());
        Pending::made(&self.sender, subject, move |sender, spent| {
            Box::pin(async move { send_campaign(sender, &campaign, &what, spent).await })
        })
    }

    /// Reads the status of one send (operation `GetSendStatus`).
    pub fn send_status(&self, campaign: impl Into<String>, send: impl Into<String>) -> Pending<SendStatus> {
        let ids = vec![Id::Text(campaign.into()), Id::Text(send.into())];
        Pending::new(&self.sender, call_on::<GetSendStatusOp>(ids, &NoFields))
    }
}
