//! Campaigns: messages to many, and where each of them stands.

mod chunks;
mod types;

pub(crate) use chunks::{matched, send_campaign, single_call};
pub use types::*;

use crate::call::{Id, call_on};
use crate::operation::{Endpoint as _, NoFields, PathId, text};
use crate::resources::{Pending, raw};

const CAMPAIGN: PathId = text(
    "campaign",
    "campaign_id",
    "campaignId",
    &["The campaign's id; no operation lists campaigns, so it comes from the UI."],
);
const SEND: PathId =
    text("send", "send_id", "sendId", &["The send's id, as triggering the campaign gave it."]);

operation! {
    /// Sends a campaign to recipients. More than 100 go out in several requests, one after the other, each sent once. The
    /// results are one per recipient, in the order given; a recipient can be `rejected` though the call went well. Where a
    /// later request fails, the error's details hold `results` with what is known of each recipient.
    TriggerCampaignOp = "TriggerCampaign", trigger POST "/campaigns/{campaignId}/trigger" [CAMPAIGN]
    as "campaigns.trigger", takes CampaignTrigger, gives value CampaignResult
}

operation! {
    /// Reads where one send of a campaign stands.
    GetSendStatusOp = "GetSendStatus", read GET "/campaigns/{campaignId}/sends/{sendId}" [CAMPAIGN, SEND]
    as "campaigns.send_status", takes NoFields, gives value SendStatus
}

handle! {
    /// The operations on campaigns.
    Campaigns
}

impl Campaigns {
    /// Sends a campaign to recipients, 100 a request (operation `TriggerCampaign`). No request is sent twice unless it
    /// certainly did not happen.
    ///
    /// # Errors
    /// Kind `outcome_unknown` where it cannot be known whether a request was taken: its recipients are `unknown` in the
    /// `results` of [`Error::details`](crate::Error::details), and those after it `not_sent`.
    pub fn trigger(&self, campaign: impl Into<String>, what: &CampaignTrigger) -> Pending<CampaignResult> {
        let (campaign, what) = (campaign.into(), what.clone());
        let (campaign_raw, what_raw) = (campaign.clone(), what.clone());
        Pending::made(
            &self.sender,
            TriggerCampaignOp::OPERATION.id,
            move |sender, mut spent| {
                Box::pin(async move {
                    let result = send_campaign(&sender, &campaign, &what, &mut spent).await?;
                    Ok((result, spent))
                })
            },
            move |sender, spent| {
                Box::pin(async move { raw(&sender, &single_call(&campaign_raw, &what_raw)?, spent).await })
            },
        )
    }

    /// Reads where one send stands (operation `GetSendStatus`).
    pub fn send_status(&self, campaign: impl Into<String>, send: impl Into<String>) -> Pending<SendStatus> {
        let ids = vec![Id::Text(campaign.into()), Id::Text(send.into())];
        Pending::new(&self.sender, call_on::<GetSendStatusOp>(ids, &NoFields))
    }
}
