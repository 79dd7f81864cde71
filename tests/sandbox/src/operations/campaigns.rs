//! Campaigns and their sends. A send is the message of a campaign to one recipient.

use serde_json::{Map, Value, json};

use super::Reply;
use crate::row_store::Row;
use crate::runs::in_millis;
use crate::settings::CampaignSettings;
use crate::workspace::Workspace;

/// The largest number of recipients that the document allows in a request.
const MOST_RECIPIENTS: usize = 100;

/// Refuses the whole request if it has too many recipients. The answer has the error shape of this operation.
pub(super) fn too_many(body: &Row) -> Option<Reply> {
    let count = body.get("recipients")?.as_array()?.len();
    let what = format!("A request may have at most {MOST_RECIPIENTS} recipients; this one has {count}");
    (count > MOST_RECIPIENTS).then(|| Reply::refused(400, &what))
}

pub(super) fn trigger(workspace: &mut Workspace, id: &str, body: &Row) -> Reply {
    let Some(campaign) = workspace.campaigns.get(id).cloned() else {
        return Reply::refused(404, &format!("There is no campaign {id}"));
    };
    let shared = body.get("properties").and_then(Value::as_object);
    let recipients = body.get("recipients").and_then(Value::as_array).into_iter().flatten();
    let results: Vec<Value> = recipients
        .map(|recipient| {
            let mut result = Map::new();
            for name in ["handle", "id"] {
                result.extend(recipient.get(name).map(|value| (name.to_owned(), value.clone())));
            }
            let outcome = refusal(&campaign, recipient, shared).unwrap_or_else(|| {
                let name = Workspace::name("send", workspace.sends.len());
                workspace.sends.push((id.to_owned(), workspace.clock.now()));
                json!({"status": "accepted", "sendId": name})
            });
            result.extend(outcome.as_object().cloned().unwrap_or_default());
            Value::Object(result)
        })
        .collect();
    Reply::good(json!({ "results": results }))
}

fn refusal(campaign: &CampaignSettings, recipient: &Value, shared: Option<&Row>) -> Option<Value> {
    let rejected = |reason: &str| Some(json!({"status": "rejected", "reason": reason}));
    let text = |name| recipient.get(name).and_then(Value::as_str);
    match (text("handle"), text("id")) {
        (None, None) => return rejected("missing_handle_or_id"),
        (Some(handle), _) if !is_address(handle) => return rejected("invalid_handle"),
        (None, Some(id)) if id.trim().is_empty() => return rejected("invalid_id"),
        // The recipient is a profile. The API reads the variables of a profile only when it sends the message, so the
        // API does not check the variables now.
        (None, Some(_)) => return None,
        _ => {}
    }
    let own = recipient.get("properties").and_then(Value::as_object);
    let missing: Vec<&String> = campaign
        .variables
        .iter()
        .filter(|name| ![own, shared].into_iter().flatten().any(|given| given.contains_key(*name)))
        .collect();
    (!missing.is_empty())
        .then(|| json!({"status": "rejected", "reason": "missing_variables", "missingVariables": missing}))
}

fn is_address(handle: &str) -> bool {
    let mail = handle.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let phone = handle.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    mail || phone
}

/// Returns `sent` at first, and the status of the campaign's plan once the time in the plan has passed.
pub(super) fn send_status(workspace: &Workspace, campaign: &str, id: &str) -> Reply {
    let sends = workspace.sends.iter().enumerate();
    let found = sends
        .filter(|(_, (owner, _))| owner == campaign)
        .find(|(index, _)| Workspace::name("send", *index) == id)
        .and_then(|(_, (_, at))| Some((at, workspace.campaigns.get(campaign)?)));
    let Some((at, plan)) = found else { return Reply::refused(404, &format!("There is no send {id}")) };
    let over = workspace.clock.now() >= at + in_millis(plan.seconds);
    Reply::good(match &plan.reason {
        _ if !over => json!({"status": "sent"}),
        Some(reason) => json!({"status": plan.status, "reason": reason}),
        None => json!({"status": plan.status}),
    })
}
