//! Sending a campaign to any number of recipients: a hundred a request, none of them twice.

use serde::Serialize;

use super::{
    CampaignRecipient, CampaignResult, CampaignTrigger, RecipientResult, RecipientStatus, TriggerCampaignOp,
};
use crate::attempt::Outcome;
use crate::call::{Call, Id, Spent, call_on};
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::sender::Sender;

/// Recipients a request.
const CHUNK: usize = 100;

/// Sends a campaign, chunk by chunk; the first failure ends it.
pub(crate) async fn send_campaign(
    sender: &Sender,
    campaign: &str,
    what: &CampaignTrigger,
    spent: &mut Spent,
) -> Result<CampaignResult, Error> {
    check(&what.recipients)?;
    if what.recipients.len() <= CHUNK {
        return one(sender, campaign, what, spent).await;
    }
    let mut results: Vec<RecipientResult> = Vec::with_capacity(what.recipients.len());
    for chunk in what.recipients.chunks(CHUNK) {
        let part = CampaignTrigger {
            recipients: chunk.to_vec(),
            properties: what.properties.clone(),
            draft: what.draft,
        };
        match one(sender, campaign, &part, spent).await {
            Ok(given) => results.extend(given.results),
            Err(error) => return Err(partial(error, &what.recipients, results, chunk.len())),
        }
    }
    Ok(CampaignResult { results })
}

/// One request. An answer that does not say what came of each recipient says it of none: it cannot be told which.
async fn one(
    sender: &Sender,
    campaign: &str,
    what: &CampaignTrigger,
    spent: &mut Spent,
) -> Result<CampaignResult, Error> {
    let call = call_on::<TriggerCampaignOp>(vec![Id::Text(campaign.to_owned())], what)?;
    match sender.value::<CampaignResult>(&call, spent).await {
        Ok(given) => matched(given, &what.recipients).map_err(|error| {
            let error = error.with_meta(spent.meta(call.operation_id()));
            sender.error_at(&call, error)
        }),
        Err(error) if error.kind() == Kind::OutcomeUnknown => {
            let said = error.details().cloned();
            Err(error.with_details(Some(details(&unknown(&what.recipients), said))))
        }
        Err(error) => Err(error),
    }
}

/// The answer, where it has one result for each recipient.
pub(crate) fn matched(
    given: CampaignResult,
    recipients: &[CampaignRecipient],
) -> Result<CampaignResult, Error> {
    if given.results.len() == recipients.len() {
        return Ok(given);
    }
    let what = format!(
        "it was sent, and the answer has {} results for {} recipients: which is whose cannot be known",
        given.results.len(),
        recipients.len()
    );
    Err(Error::new(Kind::OutcomeUnknown, what)
        .with_details(Some(details(&unknown(recipients), None)))
        .with_hint("Look at what the campaign shows before you send it again; it may have happened."))
}

/// The call of a campaign that goes out in one request, for raw answers: those of several cannot be one.
pub(crate) fn single_call(campaign: &str, what: &CampaignTrigger) -> Result<Call, Error> {
    check(&what.recipients)?;
    if what.recipients.len() > CHUNK {
        let what = format!("the raw answer of more than {CHUNK} recipients is several; nothing was sent");
        return Err(Error::new(Kind::InvalidRequest, what));
    }
    call_on::<TriggerCampaignOp>(vec![Id::Text(campaign.to_owned())], what)
}

/// Exactly one of the two names a recipient; the document says so where its schema does not.
fn check(recipients: &[CampaignRecipient]) -> Result<(), Error> {
    match recipients.iter().position(|recipient| recipient.handle.is_some() == recipient.id.is_some()) {
        None => Ok(()),
        Some(index) => {
            let what = format!(
                "arguments.recipients[{index}] must have exactly one of handle and id; nothing was sent"
            );
            Err(Error::new(Kind::InvalidRequest, what))
        }
    }
}

fn unknown(recipients: &[CampaignRecipient]) -> Vec<RecipientResult> {
    recipients.iter().map(|recipient| RecipientResult::of(recipient, RecipientStatus::Unknown)).collect()
}

/// What is known of each recipient, beside what the server said.
fn details(results: &[RecipientResult], said: Option<Json>) -> Json {
    #[derive(Serialize)]
    struct Details<'a> {
        results: &'a [RecipientResult],
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Json>,
    }
    Json::of(&Details { results, details: said })
}

/// The error of a chunk, with what is known of all recipients.
fn partial(
    error: Error,
    recipients: &[CampaignRecipient],
    mut results: Vec<RecipientResult>,
    failed: usize,
) -> Error {
    if results.is_empty() && error.kind() != Kind::OutcomeUnknown {
        return error;
    }
    let known = results.len();
    let left = error.outcome().and_then(Outcome::since).is_some();
    let lost = error.kind() == Kind::OutcomeUnknown || error.kind() == Kind::Cancelled && left;
    let rest = recipients.get(known..).unwrap_or_default();
    let (chunk, later) = rest.split_at(failed.min(rest.len()));
    let status = if lost { RecipientStatus::Unknown } else { RecipientStatus::NotSent };
    results.extend(chunk.iter().map(|recipient| RecipientResult::of(recipient, status.clone())));
    results.extend(later.iter().map(|recipient| RecipientResult::of(recipient, RecipientStatus::NotSent)));
    // What the server said stays beside the results, without the results of the chunk alone.
    let said = error.details().filter(|_| !lost).cloned();
    let what = format!(
        "{} (of {} recipients, {known} were sent before it, {} are unknown, {} were not sent)",
        error.what(),
        recipients.len(),
        if lost { chunk.len() } else { 0 },
        if lost { later.len() } else { rest.len() },
    );
    error.with_what(what).with_details(Some(details(&results, said)))
}
