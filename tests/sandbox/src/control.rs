//! The control API: creates, changes, reads, judges and removes worlds over HTTP.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::Error;
use crate::answer::AnswerBody;
use crate::sandbox::Shared;
use crate::server::plain;

pub(crate) async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<AnswerBody> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let Ok(body) = request.into_body().collect().await else {
        return plain(StatusCode::BAD_REQUEST, "{}");
    };
    match perform(shared, &method, &path, &body.to_bytes()).await {
        Ok(value) => plain(StatusCode::OK, value.to_string()),
        Err(error) => {
            let status = match error {
                Error::NoSuchWorld(_) | Error::NoSuchRoute(_) => StatusCode::NOT_FOUND,
                Error::Settings(_) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            };
            plain(status, json!({"message": error.to_string()}).to_string())
        }
    }
}

async fn perform(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Result<Value, Error> {
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    match (method, segments.as_slice()) {
        (&Method::POST, []) => {
            let settings = if body.is_empty() { json!({}) } else { serde_json::from_slice(body)? };
            Ok(serde_json::to_value(shared.create_world(settings)?)?)
        }
        (&Method::GET, [world, "log"]) => shared.log(world),
        (&Method::POST, [world, "arm", what]) => {
            shared.world(world)?.arm(what, serde_json::from_slice(body)?)
        }
        (&Method::POST, [world, "judge"]) => {
            Ok(serde_json::to_value(shared.judge(world, serde_json::from_slice(body)?).await?)?)
        }
        (&Method::DELETE, [world]) => shared.remove_world(world).map(|()| Value::Null),
        _ => Err(Error::NoSuchRoute(format!("{method} {path}"))),
    }
}
