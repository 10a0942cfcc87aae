//! Handling of a request: the journal, the faults, then the API or an admin request.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::futures::Notified;
use tokio::time::timeout;

use crate::answer::{Answer, AnswerBody, Coding, accepts_gzip};
use crate::connection::Connection;
use crate::fault::{DropPoint, Fault};
use crate::journal::RecordedRequest;
use crate::payload::Payload;
use crate::rendered::Rendered;
use crate::request_body::{self, Kept, collect};
use crate::state::State;
use crate::surplus::Surplus;
use crate::{admin, own_origin, page, routes};

const MAX_ADMIN_BODY: usize = 256 << 20;

/// Answers a request; an error closes the connection without a response.
pub(crate) async fn handle(
    state: Arc<State>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> io::Result<Response<Payload>> {
    let (parts, body) = request.into_parts();
    let for_page = page::is_for(&parts);
    let for_admin = for_page || parts.uri.path().starts_with(admin::PREFIX);
    let max_admin_body = if admin::is_restore(&parts) { usize::MAX } else { MAX_ADMIN_BODY };
    let request_id = state.request_id();
    connection.on_request(for_admin);
    let mut response = if for_admin {
        match own_origin::check(&parts, &state.config) {
            Err(message) => Answer::error(StatusCode::FORBIDDEN, "forbidden", &message),
            Ok(()) => match collect(body, max_admin_body).await? {
                Some(body) if for_page => page::answer(&state, &parts, &body),
                Some(body) => admin::answer(&state, &parts, &body),
                None => too_large(max_admin_body),
            },
        }
        .into_response(Coding::Identity)
    } else {
        handle_api(&state, &connection, &parts, body, request_id.clone()).await?
    };
    if let Some(date) = state.clock().date_header() {
        // That of a fault is sent as it is; otherwise hyper adds the machine's.
        response.headers_mut().entry("date").or_insert(date);
    }
    set_request_id(&mut response, &request_id);
    Ok(response)
}

fn too_large(max: usize) -> Answer {
    let message = format!("the request body is longer than {max} octets");
    Answer::error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &message)
}

async fn handle_api(
    state: &State,
    connection: &Arc<Connection>,
    parts: &Parts,
    body: Incoming,
    request_id: String,
) -> io::Result<Response<Payload>> {
    let max = request_body::max_kept(parts.uri.path());
    let body = if asks_first(parts) && request_body::declares_more(&body, max) && state.faults().active() == 0 {
        // Its client has not begun to send it, and nothing else than the refusal can follow.
        Kept::default()
    } else {
        request_body::keep(body, max).await?
    };
    let mut request = RecordedRequest::new(parts, &body.octets, request_id);
    let (taken, reset) = {
        let mut faults = state.faults();
        // A reset that removes the fault ends the request, however early it comes.
        (faults.take(&request, || routes::refusal(state, parts).is_none()), state.next_reset())
    };
    let (id, fault) = taken.unwrap_or_default();
    if let Some(given) = fault.values_of("x-request-id").first() {
        request.request_id.clone_from(given);
    }
    let request_id = request.request_id.clone();
    let number = state.journal().record(request);
    if id.is_some() {
        state.journal().complete(number, id, None);
    }
    if fault.expire_tokens {
        state.tokens().expire_access();
    }
    let wait = state.config.latency + Duration::from_millis(fault.delay_ms);
    // What is never answered need not wait.
    if !wait.is_zero() && fault.drop != Some(DropPoint::Hang) {
        tokio::time::sleep(wait).await;
    }
    let refusal = if fault.signed_in { routes::refusal(state, parts) } else { None };
    let (answer, id, fault) = if let Some(refusal) = refusal {
        // Its token expired meanwhile; if the fault expired it, that was its effect.
        let id = id.filter(|id| fault.expire_tokens || !state.faults().give_back(*id));
        (refusal, id, Fault::default())
    } else {
        drop_before_answer(&fault, connection, reset).await?;
        (answer_with(state, parts, &body, &fault), id, fault)
    };
    state.journal().complete(number, id, Some(answer.status.as_u16()));
    // Neither has a body, whatever its headers say.
    let bodiless = parts.method == Method::HEAD || is_bodiless(answer.status);
    let response = answer.into_response(coding(state, parts, &fault));
    let mut response = response.map(|payload| payload_with(payload, &fault, bodiless, connection));
    set_request_id(&mut response, &request_id);
    Ok(response)
}

/// Whether the client waits for `100 Continue` before it sends the body.
fn asks_first(parts: &Parts) -> bool {
    let expects = parts.headers.get("expect").is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    expects && parts.version == Version::HTTP_11
}

fn coding(state: &State, parts: &Parts, fault: &Fault) -> Coding {
    if fault.gzip {
        return Coding::Gzip;
    }
    // What a header of a fault says about the body is about the one that it gives.
    let is_described = !fault.values_of("content-encoding").is_empty() || fault.content_length().is_some();
    if state.config.gzip && !is_described && accepts_gzip(&parts.headers) {
        Coding::GzipIfLarge
    } else {
        Coding::Identity
    }
}

fn payload_with(payload: Payload, fault: &Fault, bodiless: bool, connection: &Arc<Connection>) -> Payload {
    let declared = fault.content_length();
    let payload = match fault.drop {
        Some(DropPoint::Headers | DropPoint::Body) if bodiless || (declared.is_none() && payload.is_sent()) => {
            // hyper asks for no body, so that there is none that could end the connection.
            connection.send_surplus(Surplus::end());
            payload.cut_at_start()
        }
        Some(DropPoint::Headers) => payload.cut_at_start(),
        Some(DropPoint::Body) => payload.cut_in_half(),
        _ => payload,
    };
    let payload = match fault.dribble {
        Some(dribble) => payload.dribble(dribble),
        None => payload,
    };
    match declared {
        // Of one that is empty hyper would leave out the header.
        Some(_) if bodiless => payload.without_length().cut_at_start(),
        Some(length) => payload.declare(length, connection),
        None => payload,
    }
}

fn set_request_id(response: &mut Response<Payload>, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        // That of a fault is sent as it is.
        response.headers_mut().entry("x-request-id").or_insert(id);
    }
}

fn is_bodiless(status: StatusCode) -> bool {
    status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED
}

/// An error closes the connection; the request is not handled.
async fn drop_before_answer(fault: &Fault, connection: &Connection, reset: Notified<'_>) -> io::Result<()> {
    if fault.rst {
        connection.end_with_rst();
    }
    match fault.drop {
        Some(DropPoint::Before) => Err(io::Error::other("connection closed by a fault")),
        Some(DropPoint::Hang) => {
            // hyper drops this future when the client closes the connection, but does not notice that while it has a further
            // request; therefore the stream looks, each time that this future wakes its task.
            connection.hang();
            let mut reset = pin!(reset);
            while timeout(Duration::from_millis(100), reset.as_mut()).await.is_err() {}
            Err(io::Error::other("connection closed by a reset"))
        }
        _ => Ok(()),
    }
}

/// The answer to a request to which a fault applies, or the one without effect.
fn answer_with(state: &State, parts: &Parts, body: &Kept, fault: &Fault) -> Answer {
    let mut answer = if fault.answers() {
        answer_of(fault)
    } else if body.is_whole {
        routes::answer(state, parts, &body.octets)
    } else {
        too_large(request_body::max_kept(parts.uri.path()))
    };
    if let Some(content_type) = &fault.content_type {
        answer = answer.header("content-type", content_type);
    }
    for (name, values) in &fault.headers {
        answer = answer.headers(name, values);
    }
    answer
}

fn answer_of(fault: &Fault) -> Answer {
    let default_status = if fault.redirect.is_some() { 302 } else { 200 };
    let status = StatusCode::from_u16(fault.status.unwrap_or(default_status)).unwrap_or(StatusCode::OK);
    let mut answer = if let Some(octets) = fault.body_bytes {
        Answer::new(status, AnswerBody::PaddedList(octets.max(2)))
    } else if let Some(body) = fault.body_octets() {
        Answer::new(status, AnswerBody::Rendered(Rendered::new(body)))
    } else if is_bodiless(status) || status.is_success() || status.is_redirection() {
        Answer::new(status, AnswerBody::Empty)
    } else {
        Answer::error(status, "injected_fault", "injected fault")
    };
    if let Some(url) = &fault.redirect {
        answer = answer.header("location", url);
    }
    answer
}
