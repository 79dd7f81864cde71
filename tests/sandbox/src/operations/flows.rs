//! Flows of the decision engine and their messages.

use serde_json::{Value, json};

use super::Reply;
use super::list::{LIMIT, page};
use super::rows::{constants, find, merge, missing};
use crate::log::Request;
use crate::row_store::{Key, Row};
use crate::seed::Kind;
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace, flow: &str) -> Reply {
    match find(workspace, Kind::Flow, flow) {
        Some(_) => Reply::good(json!({"flowsEnqueued": 1})),
        None => missing(Kind::Flow, flow),
    }
}

pub(super) fn list_messages(workspace: &mut Workspace, flow: &str, request: &Request) -> Reply {
    let Some(flow) = find(workspace, Kind::Flow, flow) else { return missing(Kind::Flow, flow) };
    let keys = workspace.rows(Kind::Message, flow).keys().to_vec();
    page(workspace, request, (LIMIT, true), &keys, |keys| {
        keys.iter().map(|&key| Value::Object(workspace.row(Kind::Message, flow, key))).collect()
    })
}

fn locate(workspace: &mut Workspace, flow: &str, id: &str) -> Result<(Key, Key), Reply> {
    let flow = find(workspace, Kind::Flow, flow).ok_or_else(|| missing(Kind::Flow, flow))?;
    let key = Kind::Message.key(id).filter(|&key| workspace.rows(Kind::Message, flow).has(key));
    Ok((flow, key.ok_or_else(|| missing(Kind::Message, id))?))
}

pub(super) fn get_message(workspace: &mut Workspace, flow: &str, id: &str) -> Reply {
    match locate(workspace, flow, id) {
        Ok((flow, key)) => Reply::good(Value::Object(workspace.row(Kind::Message, flow, key))),
        Err(reply) => reply,
    }
}

pub(super) fn create_message(workspace: &mut Workspace, flow: &str, mut row: Row) -> Reply {
    let Some(flow) = find(workspace, Kind::Flow, flow) else { return missing(Kind::Flow, flow) };
    let key = workspace.rows(Kind::Message, flow).next_key();
    row.extend(constants(workspace, Kind::Message, key));
    workspace.rows(Kind::Message, flow).add(row.clone());
    Reply::good(Value::Object(row))
}

pub(super) fn update_message(workspace: &mut Workspace, flow: &str, id: &str, changes: Row) -> Reply {
    let (flow, key) = match locate(workspace, flow, id) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let mut row = workspace.row(Kind::Message, flow, key);
    merge(&mut row, changes);
    row.insert("updatedAt".to_owned(), workspace.stamp());
    workspace.rows(Kind::Message, flow).store(key, row.clone());
    Reply::good(Value::Object(row))
}
