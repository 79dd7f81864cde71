//! Accepts connections, and answers each request from the world that its path names.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::answer::{AnswerBody, Broken, End, EndRecorder};
use crate::connection::{Connection, ConnectionHandle, Fate, Socket};
use crate::control;
use crate::log;
use crate::sandbox::Shared;
use crate::script::Reset;
use crate::world::{NO_CONTENT, Outgoing, World};

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

/// How often a request that the script holds back (`until`) checks whether it may go on.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// How many bytes of an answer the client receives if the script resets the connection `in-headers`.
const PART_OF_A_HEAD: usize = 20;

pub(crate) async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, shared: Arc<Shared>) {
    let acceptor = TlsAcceptor::from(tls);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Most likely the process has no file descriptors left. Trying again at once would spin, so wait for other
            // connections to end.
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        // The error is dropped: the client notices the broken connection, and the judge reads only the log.
        tokio::spawn(async move { connection(stream, acceptor, shared).await.ok() });
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) -> Result<(), Broken> {
    stream.set_nodelay(true).map_err(|_| Broken)?;
    let mut first = [0];
    let seen = stream.peek(&mut first).await.map_err(|_| Broken)?;
    let control = Arc::new(ConnectionHandle::default());
    let mut fate = control.fate();
    let socket = Socket::new(stream, Arc::clone(&control));
    let connection = if seen == 1 && first == [HANDSHAKE] {
        Connection::tls(acceptor.accept(socket).await.map_err(|_| Broken)?)
    } else {
        Connection::plain(socket)
    };
    let service = service_fn(|request| handle(Arc::clone(&shared), Arc::clone(&control), request));
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut serving = pin!(builder.serve_connection(TokioIo::new(connection), service));
    loop {
        tokio::select! {
            ended = serving.as_mut() => return ended.map_err(|_| Broken),
            changed = fate.changed() => {
                changed.map_err(|_| Broken)?;
                match *fate.borrow_and_update() {
                    Fate::Open => {}
                    Fate::Closing => serving.as_mut().graceful_shutdown(),
                    Fate::Reset => return Err(Broken),
                }
            }
        }
    }
}

async fn handle(
    shared: Arc<Shared>,
    control: Arc<ConnectionHandle>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Broken> {
    if request.method() == Method::CONNECT {
        // A client that uses this server as a proxy gets the answer of a proxy that requires a password.
        return Ok(plain(
            StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            "{\"message\":\"This server is not a proxy.\"}",
        ));
    }
    let path = request.uri().path();
    if path.starts_with("/_worlds") {
        return Ok(control::answer(&shared, request).await);
    }
    let world = path
        .strip_prefix("/w/")
        .and_then(|rest| rest.split_once('/'))
        .and_then(|(id, rest)| Some((shared.world(id).ok()?, below_base_url(rest))));
    match world {
        Some((world, path)) => answer(world, &control, request, path).await,
        None => Ok(plain(StatusCode::NOT_FOUND, "{\"message\":\"There is no such world.\"}")),
    }
}

/// Returns `path` relative to the base URL. If `path` is outside of the base URL, the result begins with `/../..`, so
/// that it matches no operation.
fn below_base_url(path: &str) -> String {
    match path.strip_prefix("api/v1") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.to_owned(),
        _ => format!("/../../{path}"),
    }
}

async fn answer(
    world: Arc<World>,
    control: &Arc<ConnectionHandle>,
    request: Request<Incoming>,
    path: String,
) -> Result<Response<AnswerBody>, Broken> {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let index = world.arrive(log::Request {
        method: parts.method.as_str().to_owned(),
        path,
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: pairs(&parts.headers),
        ..log::Request::default()
    });
    let mut recorder = EndRecorder::new(Arc::clone(&world), index);
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let scripted = world.scripted(index, &body);
    if let Some(until) = scripted.as_ref().and_then(|answer| answer.until.as_ref()) {
        while !world.has_answered(until) {
            sleep(BETWEEN_LOOKS).await;
        }
    }
    let outcome = world.decide(index, scripted);
    let manner = &outcome.manner;
    if manner.delay_ms > 0 {
        sleep(Duration::from_millis(manner.delay_ms)).await;
    }
    if manner.hang {
        pending::<Infallible>().await;
    }
    // On HTTP/2 a broken answer resets only its own stream. The connection stays open for other requests.
    let own_connection = parts.version < Version::HTTP_2;
    match manner.reset {
        Some(Reset::InHeaders) if own_connection => control.reset_after(PART_OF_A_HEAD),
        Some(reset @ (Reset::BeforeHeaders | Reset::InHeaders | Reset::Connection)) => {
            recorder.settle();
            if own_connection || reset == Reset::Connection {
                control.reset();
            }
            return Err(Broken);
        }
        Some(Reset::InBody) | None => {}
    }
    if manner.close {
        control.close();
    }
    world.note_head(index, &outcome);
    let zipped = manner.gzip || wants_gzip(&parts.headers, &outcome);
    let closing = manner.close_after_ms.map(|ms| (Duration::from_millis(ms), Arc::clone(control)));
    let response = respond(&world, outcome, zipped, own_connection.then(|| Arc::clone(control)), recorder)?;
    Ok(match closing {
        Some((pause, connection)) => response.map(|body| body.then_close(pause, connection)),
        None => response,
    })
}

/// Whether to compress an answer: like the API, the sandbox compresses large answers if the client accepts gzip. An
/// answer to which the script gives `cutBodyAt` stays uncompressed.
fn wants_gzip(headers: &HeaderMap, outcome: &Outgoing) -> bool {
    const LARGE: usize = 4096;
    outcome.body.len() >= LARGE
        && outcome.manner.cut_body_at.is_none()
        && headers
            .get(hyper::header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.split(',').any(|coding| coding.trim().starts_with("gzip")))
}

fn respond(
    world: &World,
    outcome: Outgoing,
    zipped: bool,
    control: Option<Arc<ConnectionHandle>>,
    recorder: EndRecorder,
) -> Result<Response<AnswerBody>, Broken> {
    let manner = outcome.manner;
    let mut response = Response::builder().status(outcome.status);
    for (name, value) in outcome.headers {
        response = response.header(name, value);
    }
    let mut bytes = outcome.body;
    if zipped {
        bytes = gzip(&bytes)?;
        response = response.header(CONTENT_ENCODING, "gzip");
    }
    if outcome.status != NO_CONTENT {
        // Sends the full length even if the body is truncated, so that the client can tell that bytes are missing.
        response = response.header(CONTENT_LENGTH, bytes.len());
    }
    response =
        response.header("x-powered-by", "Express").header(DATE, world.clock.http_date(world.clock.now()));
    let end = match (manner.reset, manner.cut_body_at) {
        (Some(Reset::InBody), _) => {
            bytes.truncate(manner.cut_body_at.unwrap_or(bytes.len() / 2));
            control.map_or(End::Cut, End::Reset)
        }
        (_, Some(length)) => {
            bytes.truncate(length);
            End::Cut
        }
        _ => End::Whole,
    };
    let body = AnswerBody::new(Bytes::from(bytes), manner.trickle, end, Some(recorder));
    response.body(body).map_err(|_| Broken)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Broken> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(|_| Broken)
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// Creates an answer that belongs to no world, such as an answer of the control API. `body` is JSON.
pub(crate) fn plain(status: StatusCode, body: impl Into<String>) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::whole(body.into().into_bytes()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}
