//! One request to the API, from its parameters to its answer: sign-in, retries, a new token after a 401, decoding.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::answer::Answer;
use crate::auth::{SignIn, Token, iap_rejection};
use crate::config::Config;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::http::{Incoming, OnBody, Outgoing, Purpose, Transport, verb_name, without_query};
use crate::json::{JsonText, NotJson};
use crate::not_json;
use crate::progress::{Step, Tracking};
use crate::records::{Decoder, Table};
use crate::redact::Redaction;
use crate::retry::{Failure, Quota, Retries};
use crate::service::{Answers, Operation, Params, Request, Shape, WhenEmpty, check_length};
use crate::stats::Counters;

/// Not `Authorization`, which an identity-aware proxy in front of the API uses.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-kal-authorization");
/// Room for the headers of every request.
const HEADERS: usize = 8;
/// A longer body is not empty, even if it consists of whitespace.
const MAX_WHITESPACE: usize = 64 << 10;
/// The maximum length of an ignored value in the log.
const MAX_IGNORED: usize = 80;
/// The headers whose values are never secrets.
const PLAIN_HEADERS: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// Sends requests to the API and reads their responses.
pub(crate) struct Fetcher {
    pub(crate) config: Arc<Config>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) redaction: Arc<Redaction>,
    pub(crate) sign_in: Arc<SignIn>,
    pub(crate) transport: Arc<Transport>,
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
            Arc::clone(&quota),
        ));
        Self { config, counters, redaction, sign_in, transport, quota }
    }

    /// Sends the request of a call and returns its answer. `thread` is the generation of the I/O thread that this runs on.
    pub(crate) async fn fetch(&self, params: &Params, tracking: &Tracking, thread: u64) -> Result<Arc<Answer>> {
        let operation = params.operation();
        let request = params.request()?;
        check_length(params, &request.target, self.config.base_url.path())?;
        tracking.progress.set_request(verb_name(&request.verb), request.target.clone());
        let retries = Retries {
            max_attempts: self.config.max_attempts,
            wait: self.config.retry_wait,
            quota: &self.quota,
            tracking,
            log: &self.config.log,
        };
        let (response, decoder) =
            retries.run(request.repeat, || self.attempt(operation, &request, tracking, thread)).await?;
        self.read(operation, response, decoder).map(Arc::new).map_err(|error| {
            error.with(|details| {
                details.attempts = tracking.progress.attempts();
                details.method = Some(verb_name(&request.verb));
                details.url = Some(self.redaction.text(&request.target));
            })
        })
    }

    /// One attempt. If the API rejects the token, which may happen before it expires, the request is sent once more with a new one:
    /// with any verb, because a request whose token was rejected was not processed.
    async fn attempt(
        &self,
        operation: &'static Operation,
        request: &Request,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<(Incoming, Option<Box<Decoder>>), Failure> {
        let iap_token = self.sign_in.iap.generation();
        tracking.progress.waiting().set(Step::Token);
        // Without a token, the request itself was not sent. The details are those of the token request, also for the calls that
        // share it; the message names this request as well.
        let unsent = |error: Error| {
            let no_token = if error.kind() == ErrorKind::AuthFailed { "" } else { "no token: " };
            Failure::Final(error.with(|details| {
                details.sent = false;
                details.message = format!("{}: {no_token}{}", self.describe(request), details.message);
            }))
        };
        let token = self.sign_in.token(None, tracking, thread).await.map_err(unsent)?;
        let outcome = match self.send(operation, request, &token, tracking, thread).await {
            Err(error) if is_rejected_token(&error) => {
                self.config.log.info(format_args!("{error}; trying once with a new token"));
                tracking.progress.record_error(&error);
                let after_recovery = |error| iap_rejection::mark_after_recovery(error, iap_token);
                tracking.progress.waiting().set(Step::Token);
                let token = self.sign_in.token(Some(token.generation()), tracking, thread).await;
                let token = token.map_err(|error| unsent(after_recovery(error)))?;
                self.send(operation, request, &token, tracking, thread).await.map_err(after_recovery)?
            }
            outcome => outcome.map_err(|error| iap_rejection::mark_api_error(error, iap_token))?,
        };
        self.sign_in.iap.mark_accepted(iap_token);
        Ok(outcome)
    }

    /// Verb and path of a request.
    fn describe(&self, request: &Request) -> String {
        format!("{} {}", verb_name(&request.verb), self.redaction.text(without_query(&request.target)))
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
        // The platform's own client sends it with every request, even without a body.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            TOKEN_HEADER,
            token.header().ok_or_else(|| Error::internal("the token is not a valid header value"))?,
        );
        if let Some(iap) = self.sign_in.iap.header() {
            headers.insert(AUTHORIZATION, iap);
        }
        let cap = self.config.max_response_bytes;
        let mut decoder = operation.shape().map(|shape| {
            let (schema, root) = shape.schema();
            Box::new(Decoder::new(schema, root, cap))
        });
        // Decodes what has been received while the rest arrives.
        let mut decode =
            decoder.as_mut().map(|decoder| move |body: &mut [u8], whole: usize| decoder.advance(body, whole));
        let on_body = decode.as_mut().map(|decode| decode as &mut OnBody);
        let (method, body) = (request.verb.clone(), request.body.clone());
        let purpose = Purpose::Call;
        let request = Outgoing { purpose, method, path: &request.target, headers, body, cap, tracking, on_body };
        // Boxed: the future is large and would be moved with the futures that contain it.
        let response = Box::pin(self.transport.exchange(request, thread)).await?;
        Ok((response, decoder))
    }

    /// Reads a 2xx response.
    fn read(&self, operation: &'static Operation, response: Incoming, decoder: Option<Box<Decoder>>) -> Result<Answer> {
        match (operation.answers, decoder) {
            (Answers::Records(shape, when_empty), Some(decoder)) => {
                self.decode(operation, shape, when_empty, response, decoder)
            }
            (Answers::Json, None) => self.read_json(operation, response),
            (Answers::Nothing, None) => Ok(Answer::from_json(JsonText::null())),
            _ => Err(Error::internal("the decoder of a response does not match its operation")),
        }
    }

    fn read_json(&self, operation: &'static Operation, response: Incoming) -> Result<Answer> {
        let Incoming { status, headers, body, reuse } = response;
        JsonText::from_body(body).map(Answer::from_json).map_err(|NotJson { text, why }| {
            let response = Incoming { status, headers, body: Vec::new(), reuse };
            let why = self.describe_not_json(&text, &response, why);
            self.unusable(ErrorKind::BadResponse, operation, &why, &response, &text)
        })
    }

    fn decode(
        &self,
        operation: &'static Operation,
        shape: Shape,
        when_empty: WhenEmpty,
        response: Incoming,
        decoder: Box<Decoder>,
    ) -> Result<Answer> {
        if let Some(empty) = describe_empty(&response.body) {
            let (kind, why) = match when_empty {
                WhenEmpty::EmptyList => return Ok(Answer::new(shape, Table::empty(shape.schema().0))),
                WhenEmpty::NotFound => (ErrorKind::NotFound, format!("the response {empty}")),
                WhenEmpty::BadResponse => (ErrorKind::BadResponse, format!("it {empty}")),
            };
            return Err(self.unusable(kind, operation, &why, &response, &response.body));
        }
        let Incoming { status, headers, body, reuse } = response;
        let decoded = decoder.finish(body, reuse).inspect(|table| self.warn_of_ignored_values(operation, table));
        decoded.map(|table| Answer::new(shape, table)).map_err(|error| {
            let response = Incoming { status, headers, body: Vec::new(), reuse: None };
            let kind = if error.is_too_large { ErrorKind::ResponseTooLarge } else { ErrorKind::BadResponse };
            let mut why = error.to_string();
            if kind == ErrorKind::BadResponse {
                why = self.describe_not_json(&error.body, &response, why);
            }
            self.unusable(kind, operation, &why, &response, &error.body)
        })
    }

    /// Describes a body that is not JSON, or adds a foreign Content-Type to `why`, the decoder's reason.
    fn describe_not_json(&self, body: &[u8], response: &Incoming, why: String) -> String {
        if let Some(description) = not_json::describe(body, &response.headers, &self.redaction) {
            description
        } else if let Some(kind) = not_json::foreign_type(&response.headers, &self.redaction) {
            format!("{why}; its Content-Type is {kind}")
        } else {
            why
        }
    }

    /// Logs the values that could not be converted. Their records are returned without them.
    fn warn_of_ignored_values(&self, operation: &Operation, table: &Table) {
        // Ids and values may be as long as a record.
        let excerpt =
            |text: &[u8]| String::from_utf8_lossy(&self.redaction.excerpt(text, true, MAX_IGNORED)).into_owned();
        for (place, json) in table.ignored_values(2 * MAX_IGNORED) {
            self.config.log.warn(format_args!(
                "{}: record {} with the id {:?}: {} is {}, which is not valid; treated as absent",
                operation.name,
                place.row,
                excerpt(place.id.as_bytes()),
                place.field,
                excerpt(&json),
            ));
        }
    }

    fn unusable(&self, kind: ErrorKind, operation: &Operation, why: &str, response: &Incoming, body: &[u8]) -> Error {
        let what = if kind == ErrorKind::NotFound { "not found" } else { "unusable response" };
        let message = format!("{}: {what}: {}", operation.name, self.redaction.text(why));
        Error::new(kind, message).with(|details| {
            details.http_status = Some(response.status);
            details.request_id = response.request_id(&self.redaction);
            details.sent = true;
            details.body = Some(self.redaction.excerpt(body, true, BODY_LIMIT));
        })
    }
}

/// Describes a body without a value. None: it has one.
fn describe_empty(body: &[u8]) -> Option<&'static str> {
    match body.trim_ascii() {
        _ if body.len() > MAX_WHITESPACE => None,
        b"" => Some("has no body"),
        b"null" => Some("is null"),
        _ => None,
    }
}

/// Whether the API rejected the token. Not for a 401 of a proxy, whether for its tunnel or from an identity-aware one.
fn is_rejected_token(error: &Error) -> bool {
    error.kind() == ErrorKind::Http && error.http_status() == Some(401) && !error.details().from_iap
}
