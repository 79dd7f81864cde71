//! Sends a campaign to any number of recipients, with at most 100 recipients per request.

use serde::Serialize;

use super::{
    CampaignRecipient, CampaignResult, CampaignTrigger, RecipientResult, RecipientStatus, TriggerCampaignOp,
};
use crate::attempt::Outcome;
use crate::call::{Call, Id, Spent, call_on};
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::message::{Message, Name, Segment};
use crate::sender::Sender;

/// The maximum number of recipients per request.
const CHUNK: usize = 100;

/// Sends a campaign in chunks, one request after the other. Stops at the first request that fails.
pub(crate) async fn send_campaign(
    sender: &Sender,
    campaign: &str,
    what: &CampaignTrigger,
    spent: &mut Spent,
) -> Result<CampaignResult, Error> {
    check(&what.recipients)?;
    if what.recipients.len() <= CHUNK {
        return one(sender, campaign, what, spent).await.map_err(FailedChunk::alone);
    }
    if spent.raw {
        let why = format!(
            "a raw answer is available for at most {CHUNK} recipients, because more recipients need several requests. \
             Nothing was sent"
        );
        return Err(sender.error_at(&campaign_call(campaign, what)?, Error::new(Kind::InvalidRequest, why)));
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
            Err(failed) => return Err(partial(failed, &what.recipients, results, chunk.len())),
        }
    }
    Ok(CampaignResult { results })
}

/// A request that failed, and the results that are known for its recipients.
struct FailedChunk {
    error: Error,
    results: Vec<RecipientResult>,
}

impl FailedChunk {
    /// Returns the error of a campaign that was sent with a single request.
    fn alone(self) -> Error {
        if !is_in_doubt(&self.error) {
            return self.error;
        }
        let said = self.error.details().cloned();
        self.error.with_details(Some(details(&self.results, said)))
    }
}

/// Whether the failed request may have taken effect: its outcome is unknown, or it was cancelled after it was sent.
fn is_in_doubt(error: &Error) -> bool {
    let left = error.outcome().and_then(Outcome::since).is_some();
    error.kind() == Kind::OutcomeUnknown || error.kind() == Kind::Cancelled && left
}

async fn one(
    sender: &Sender,
    campaign: &str,
    what: &CampaignTrigger,
    spent: &mut Spent,
) -> Result<CampaignResult, FailedChunk> {
    let failed = |error| FailedChunk { error, results: unknown(&what.recipients) };
    let call = campaign_call(campaign, what).map_err(failed)?;
    let given = sender.value::<CampaignResult>(&call, spent).await.map_err(failed)?;
    matching(given, &what.recipients).map_err(|FailedChunk { error, results }| {
        let error = error.with_meta(spent.meta());
        FailedChunk { error: sender.error_at(&call, error), results }
    })
}

/// Returns the answer if it has as many results as there are recipients.
fn matching(given: CampaignResult, recipients: &[CampaignRecipient]) -> Result<CampaignResult, FailedChunk> {
    if given.results.len() == recipients.len() {
        return Ok(given);
    }
    let what = format!(
        "the request was sent, but the answer has {} results for {} recipients",
        given.results.len(),
        recipients.len()
    );
    // The error keeps all results, because a result that fits no recipient may still hold the id of a send.
    let answer = Json::of(&given.results);
    let error = Error::new(Kind::OutcomeUnknown, what)
        .with_details(Some(answer))
        .with_hint("The campaign may have been sent: look at it in Hightouch before you send it again.");
    Err(FailedChunk { error, results: assigned(given.results, recipients) })
}

/// Assigns each result to the recipient that the result names. Drops results that name no recipient or several
/// recipients. A recipient without a result is `unknown`.
fn assigned(given: Vec<RecipientResult>, recipients: &[CampaignRecipient]) -> Vec<RecipientResult> {
    let mut results = unknown(recipients);
    for result in given {
        let is_named = |known: &RecipientResult| {
            (known.handle.is_some() && known.handle == result.handle)
                || (known.id.is_some() && known.id == result.id)
        };
        let mut named = results.iter_mut().filter(|known| is_named(known));
        if let (Some(place), None) = (named.next(), named.next()) {
            *place = result;
        }
    }
    results
}

pub(crate) fn campaign_call(campaign: &str, what: &CampaignTrigger) -> Result<Call, Error> {
    call_on::<TriggerCampaignOp>(vec![Id::Text(campaign.to_owned())], what)
}

/// Checks that each recipient has either a handle or an id. Hightouch's OpenAPI document requires this only in a
/// description, not in a schema.
fn check(recipients: &[CampaignRecipient]) -> Result<(), Error> {
    match recipients.iter().position(|recipient| recipient.handle.is_some() == recipient.id.is_some()) {
        None => Ok(()),
        Some(index) => {
            let what = message![
                Message::path(vec![Segment::Member("recipients"), Segment::Index(index)]),
                " must have exactly one of ",
                Name("handle"),
                " and ",
                Name("id"),
                ". Nothing was sent"
            ];
            Err(Error::new(Kind::InvalidRequest, what))
        }
    }
}

fn unknown(recipients: &[CampaignRecipient]) -> Vec<RecipientResult> {
    recipients.iter().map(|recipient| RecipientResult::of(recipient, RecipientStatus::Unknown)).collect()
}

/// The details of an error: the results of the recipients, and the details that the server sent.
fn details(results: &[RecipientResult], said: Option<Json>) -> Json {
    #[derive(Serialize)]
    struct Details<'a> {
        results: &'a [RecipientResult],
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Json>,
    }
    Json::of(&Details { results, details: said })
}

/// Returns the error of a campaign if one of its requests failed. The details of the error say what is known about each
/// recipient.
fn partial(
    FailedChunk { error, results: of_chunk }: FailedChunk,
    recipients: &[CampaignRecipient],
    mut results: Vec<RecipientResult>,
    failed: usize,
) -> Error {
    let lost = is_in_doubt(&error);
    if results.is_empty() && !lost {
        return error;
    }
    let known = results.len();
    let in_doubt = of_chunk.iter().filter(|result| result.status == RecipientStatus::Unknown).count();
    let rest = recipients.get(known..).unwrap_or_default();
    let (chunk, later) = rest.split_at(failed.min(rest.len()));
    if lost {
        results.extend(of_chunk);
    } else {
        results
            .extend(chunk.iter().map(|recipient| RecipientResult::of(recipient, RecipientStatus::NotSent)));
    }
    results.extend(later.iter().map(|recipient| RecipientResult::of(recipient, RecipientStatus::NotSent)));
    let said = error.details().cloned();
    let counts = format!(
        " (of {} recipients, {known} were sent before, {} are unknown, {} were not sent)",
        recipients.len(),
        if lost { in_doubt } else { 0 },
        if lost { later.len() } else { rest.len() },
    );
    let what = message![error.what(), counts];
    error.with_what(what).with_details(Some(details(&results, said)))
}
