//! One request to the API, to the records or the JSON of its answer: sign-in, retries, the early 401, decoding.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::answer::Answer;
use crate::auth::{SignIn, Token, iap_rejection};
use crate::config::Config;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::http::{Incoming, OnBody, Outgoing, Route, Transport, verb_name};
use crate::json::{JsonText, NotJson};
use crate::not_json;
use crate::progress::{Step, Tracking};
use crate::records::{Decoder, Table};
use crate::redact::Redaction;
use crate::retry::{Failure, Quota, Retries};
use crate::service::{Answers, Operation, Params, Request, Shape, WhenEmpty, check_length};
use crate::stats::Counters;

/// Not `Authorization`: that one belongs to an identity-aware proxy on the way.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-kal-authorization");
/// Room for those that every request has.
const HEADERS: usize = 8;
/// A longer answer is never taken for an empty one, whatever whitespace it is made of.
const MAX_BLANK: usize = 64 << 10;
/// So much of a value that cannot be read goes into the log.
const ODD_LIMIT: usize = 80;
/// Names of headers that carry no secret, whatever their value.
const PLAIN_HEADERS: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// What a client needs to ask the API.
pub(crate) struct Fetcher {
    pub(crate) config: Arc<Config>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) redaction: Arc<Redaction>,
    pub(crate) sign_in: Arc<SignIn>,
    transport: Arc<Transport>,
    quota: Arc<Quota>,
}

impl Fetcher {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let counters = Arc::new(Counters::default());
        let redaction = Arc::new(Redaction::default());
        redaction.add(secrecy::ExposeSecret::expose_secret(&config.client_secret));
        for (name, value) in &config.headers {
            if !PLAIN_HEADERS.contains(&name.as_str()) {
                redaction.add_header_value(&String::from_utf8_lossy(value.as_bytes()));
            }
        }
        for secret in &config.proxy_secrets {
            redaction.add(secrecy::ExposeSecret::expose_secret(secret));
        }
        let quota = Arc::new(Quota::default());
        let transport = Arc::new(Transport::new(Arc::clone(&config), Arc::clone(&redaction), Arc::clone(&counters)));
        let sign_in = Arc::new(SignIn::new(
            Arc::clone(&config),
            Arc::clone(&transport),
            Arc::clone(&redaction),
            Arc::clone(&counters),
            Arc::clone(&quota),
        ));
        Self { config, counters, redaction, sign_in, transport, quota }
    }

    /// Whom requests are to.
    pub(crate) fn route(&self) -> &Route {
        self.transport.route()
    }

    /// Sends the request of a call to the API. `thread` is the generation of the I/O thread this runs on.
    pub(crate) async fn fetch(&self, params: &Params, tracking: &Tracking, thread: u64) -> Result<Arc<Answer>> {
        let operation = params.operation();
        let request = params.request()?;
        check_length(&request.target, self.config.base_url.path())?;
        tracking.progress.set_request(verb_name(&request.verb), request.target.clone());
        let retries = Retries {
            max_attempts: self.config.max_attempts,
            wait: self.config.retry_wait,
            quota: &self.quota,
            tracking,
            counters: &self.counters,
        };
        let (answer, decoder) =
            retries.run(request.repeat, || self.attempt(operation, &request, tracking, thread)).await?;
        self.read(operation, answer, decoder).map(Arc::new).map_err(|error| {
            error.with(|details| {
                details.attempts = tracking.progress.attempts();
                details.method = Some(verb_name(&request.verb));
                details.url = Some(self.redaction.text(&request.target));
            })
        })
    }

    /// A token can end before its time: then there is one new token and one replay. A request whose token was refused was not
    /// carried out, so that holds for every verb.
    async fn attempt(
        &self,
        operation: &'static Operation,
        request: &Request,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<(Incoming, Option<Box<Decoder>>), Failure> {
        let iap_token = self.sign_in.iap.generation();
        tracking.progress.waiting().set(Step::Token);
        // Without a token the request itself was not sent.
        let unsent = |error: Error| Failure::Final(error.with(|details| details.sent = false));
        let token = self.sign_in.token(tracking, thread).await.map_err(unsent)?;
        let outcome = match self.send(operation, request, &token, tracking, thread).await {
            Err(error) if is_refused_token(&error) => {
                log::info!("{error}; trying once with a new token");
                let after_recovery = |error| iap_rejection::mark_after_recovery(error, iap_token);
                tracking.progress.waiting().set(Step::Token);
                let token = self.sign_in.token_after(Some(token.generation()), tracking, thread).await;
                let token = token.map_err(|error| unsent(after_recovery(error)))?;
                tracking.progress.count_attempt();
                self.send(operation, request, &token, tracking, thread).await.map_err(after_recovery)?
            }
            outcome => outcome.map_err(|error| iap_rejection::mark_api_error(error, iap_token))?,
        };
        self.sign_in.iap.mark_accepted(iap_token);
        Ok(outcome)
    }

    async fn send(
        &self,
        operation: &'static Operation,
        request: &Request,
        token: &Token,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<(Incoming, Option<Box<Decoder>>)> {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        // The service's own client sends it with every request, so this is what the service is known to take.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TOKEN_HEADER, token.header().ok_or_else(|| Error::internal("the token is no header value"))?);
        if let Some(iap) = self.sign_in.iap.header() {
            headers.insert(AUTHORIZATION, iap);
        }
        let cap = self.config.max_response_bytes;
        let mut decoder = operation.shape().map(|shape| {
            let (schema, root) = shape.schema();
            Box::new(Decoder::new(schema, root, cap))
        });
        // While the rest of the answer is on its way, what is there is decoded.
        let mut decode =
            decoder.as_mut().map(|decoder| move |body: &mut [u8], whole: usize| decoder.advance(body, whole));
        let on_body = decode.as_mut().map(|decode| decode as &mut OnBody);
        let (method, body) = (request.verb.clone(), request.body.clone());
        let request = Outgoing { method, path: &request.target, headers, body, cap, tracking, on_body };
        // On its own: what holds it would be moved with it, more than once.
        let answer = Box::pin(self.transport.exchange(request, thread)).await?;
        Ok((answer, decoder))
    }

    /// What a 2xx answer holds.
    fn read(&self, operation: &'static Operation, answer: Incoming, decoder: Option<Box<Decoder>>) -> Result<Answer> {
        match (operation.answers, decoder) {
            (Answers::Records(shape, when_empty), Some(decoder)) => {
                self.decode(operation, shape, when_empty, answer, decoder)
            }
            (Answers::Json, None) => self.keep_json(operation, answer),
            (Answers::Nothing, None) => Ok(Answer::of_json(JsonText::null())),
            _ => Err(Error::internal("an answer is read as something else than what it was decoded as")),
        }
    }

    fn keep_json(&self, operation: &'static Operation, answer: Incoming) -> Result<Answer> {
        let Incoming { status, headers, body, reuse } = answer;
        JsonText::of_body(body).map(Answer::of_json).map_err(|NotJson { text, why }| {
            let answer = Incoming { status, headers, body: Vec::new(), reuse };
            let why = self.why_not_json(&text, &answer, why);
            self.unusable(ErrorKind::BadResponse, operation, &why, &answer, &text)
        })
    }

    fn decode(
        &self,
        operation: &'static Operation,
        shape: Shape,
        when_empty: WhenEmpty,
        answer: Incoming,
        decoder: Box<Decoder>,
    ) -> Result<Answer> {
        if let Some(nothing) = nothing_in(&answer.body) {
            return match when_empty {
                WhenEmpty::EmptyList => Ok(Answer::new(shape, Table::empty(shape.schema().0))),
                WhenEmpty::NotFound => Err((ErrorKind::NotFound, format!("there is none: {nothing}"))),
                WhenEmpty::BadResponse => Err((ErrorKind::BadResponse, nothing.to_owned())),
            }
            .map_err(|(kind, why)| self.unusable(kind, operation, &why, &answer, &answer.body));
        }
        let Incoming { status, headers, body, reuse } = answer;
        let decoded = decoder.finish(body, reuse).inspect(|table| self.warn_of_odd_values(operation, table));
        decoded.map(|table| Answer::new(shape, table)).map_err(|error| {
            let answer = Incoming { status, headers, body: Vec::new(), reuse: None };
            let kind = if error.is_too_large { ErrorKind::ResponseTooLarge } else { ErrorKind::BadResponse };
            let mut why = error.to_string();
            if kind == ErrorKind::BadResponse {
                why = self.why_not_json(&error.body, &answer, why);
            }
            self.unusable(kind, operation, &why, &answer, &error.body)
        })
    }

    /// More than where reading stopped, where the body is something else than JSON.
    fn why_not_json(&self, body: &[u8], answer: &Incoming, why: String) -> String {
        if let Some(other) = not_json::describe(body, &answer.headers, &self.redaction) {
            other
        } else if let Some(other) = not_json::foreign_type(&answer.headers, &self.redaction) {
            format!("{why}; its Content-Type is {other}")
        } else {
            why
        }
    }

    /// A record with a value that cannot be read is given all the same; the log says which.
    fn warn_of_odd_values(&self, operation: &Operation, table: &Table) {
        // Either may be as long as a record.
        let shown = |text: &[u8]| String::from_utf8_lossy(&self.redaction.excerpt(text, true, ODD_LIMIT)).into_owned();
        for (place, json) in table.ignored_values(2 * ODD_LIMIT) {
            log::warn!(
                "{}: record {} with the id {:?}: {} is {}, which cannot be read, and counts as absent",
                operation.name,
                place.row,
                shown(place.id.as_bytes()),
                place.field,
                shown(&json),
            );
        }
    }

    fn unusable(&self, kind: ErrorKind, operation: &Operation, why: &str, answer: &Incoming, body: &[u8]) -> Error {
        let message = format!("{}: the answer cannot be used: {}", operation.name, self.redaction.text(why));
        Error::new(kind, message).with(|details| {
            details.http_status = Some(answer.status);
            details.request_id = answer.request_id(&self.redaction);
            details.sent = true;
            details.body = Some(self.redaction.excerpt(body, true, BODY_LIMIT));
        })
    }
}

/// What an answer says that has nothing in it.
fn nothing_in(body: &[u8]) -> Option<&'static str> {
    match body.trim_ascii() {
        _ if body.len() > MAX_BLANK => None,
        b"" => Some("the answer has no body"),
        b"null" => Some("the answer is null"),
        _ => None,
    }
}

/// Whether the API refused the token. A 401 of a proxy for its tunnel, or of an identity-aware one, is another matter.
fn is_refused_token(error: &Error) -> bool {
    error.kind() == ErrorKind::Http && error.http_status() == Some(401) && !error.details().from_iap
}
