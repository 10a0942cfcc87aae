//! One GET of the API, from the request to the records: sign-in, retries, the early 401, decoding.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::answer::Answer;
use crate::config::Config;
use crate::error::{BODY_LIMIT, Error, ErrorKind, Result};
use crate::records::{Decoder, Table};
use crate::retry::{Failure, Quota, Repeat, Retries, Tracking};
use crate::service::{Method, Params, WhenEmpty, check_length, path_and_query};
use crate::sign_in::{SignIn, Token, proxy_refusal};
use crate::stats::Counters;
use crate::transport::{self, Arriving, Incoming, Outgoing, Redaction, Transport};

/// Not `Authorization`: that one belongs to an identity-aware proxy on the way.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-kal-authorization");
/// Room for those that every request has.
const HEADERS: usize = 8;
/// A longer answer is never taken for an empty one, whatever whitespace it is made of.
const MAX_BLANK: usize = 64 << 10;
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

    /// Asks the API. `thread` is the generation of the I/O thread this runs on.
    pub(crate) async fn fetch(
        &self,
        method: &'static Method,
        params: &Params,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<Arc<Answer>> {
        let (path, when_empty) = method.request();
        let target = path_and_query(path, params);
        check_length(&target, self.config.base_url.path())?;
        tracking.progress.asks(target.clone());
        let retries = Retries {
            max_attempts: self.config.max_attempts,
            wait: self.config.retry_wait,
            quota: &self.quota,
            tracking,
            counters: &self.counters,
        };
        let (answer, decoder) = retries.run(Repeat::Safe, || self.attempt(method, &target, tracking, thread)).await?;
        self.decode(method, when_empty, answer, decoder).map(Arc::new).map_err(|error| {
            error.with(|details| {
                details.attempts = tracking.progress.attempts();
                details.method = Some(transport::Method::Get.name());
                details.url = Some(self.redaction.text(&target));
            })
        })
    }

    /// A token can end before its time: then there is one new token and one replay.
    async fn attempt(
        &self,
        method: &'static Method,
        target: &str,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<(Incoming, Box<Decoder>), Failure> {
        let iap_token = self.sign_in.iap.number();
        let token = self.sign_in.token(tracking, thread).await.map_err(Failure::Final)?;
        let outcome = match self.get(method, target, &token, thread).await {
            Err(error) if error.http_status() == Some(401) && !error.details().is_of_proxy => {
                log::info!("{error}; trying once with a new token");
                let after_recovery = |error| proxy_refusal::after_recovery(error, iap_token);
                let token = self.sign_in.token_after(Some(token.generation()), tracking, thread).await;
                let token = token.map_err(|error| Failure::Final(after_recovery(error)))?;
                tracking.progress.attempt();
                self.get(method, target, &token, thread).await.map_err(after_recovery)?
            }
            outcome => outcome.map_err(|error| proxy_refusal::of_api(error, iap_token))?,
        };
        self.sign_in.iap.worked(iap_token);
        Ok(outcome)
    }

    async fn get(
        &self,
        method: &'static Method,
        target: &str,
        token: &Token,
        thread: u64,
    ) -> Result<(Incoming, Box<Decoder>)> {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        // The service's own client sends it with every request, so this is what the service is known to take.
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TOKEN_HEADER, token.header().ok_or_else(|| Error::internal("the token is no header value"))?);
        if let Some(iap) = self.sign_in.iap.header() {
            headers.insert(AUTHORIZATION, iap);
        }
        let cap = self.config.max_response_bytes;
        let (schema, root) = method.shape.schema();
        let mut decoder = Box::new(Decoder::new(schema, root, cap));
        // While the rest of the answer is on its way, what is there is decoded.
        let mut arriving = |body: &mut [u8], whole| decoder.advance(body, whole);
        let arriving: Option<&mut Arriving> = Some(&mut arriving);
        let request = Outgoing { method: transport::Method::Get, path: target, headers, body: None, cap, arriving };
        // On its own: what holds it would be moved with it, more than once.
        let answer = Box::pin(self.transport.exchange(request, thread)).await?;
        Ok((answer, decoder))
    }

    fn decode(
        &self,
        method: &'static Method,
        when_empty: WhenEmpty,
        answer: Incoming,
        decoder: Box<Decoder>,
    ) -> Result<Answer> {
        if is_blank(&answer.body) {
            return match when_empty {
                WhenEmpty::EmptyList => Ok(Answer::whole(method.shape, Table::empty(method.shape.schema().0))),
                WhenEmpty::NotFound => Err((ErrorKind::NotFound, "there is none: the answer has no body".to_owned())),
                WhenEmpty::BadResponse => Err((ErrorKind::BadResponse, "the answer has no body".to_owned())),
            }
            .map_err(|(kind, why)| self.unusable(kind, method, &why, &answer, &answer.body));
        }
        let Incoming { status, headers, body, reuse } = answer;
        decoder.finish(body, reuse).map(|table| Answer::whole(method.shape, table)).map_err(|error| {
            let answer = Incoming { status, headers, body: Vec::new(), reuse: None };
            let kind = if error.is_too_large { ErrorKind::ResponseTooLarge } else { ErrorKind::BadResponse };
            self.unusable(kind, method, &error.to_string(), &answer, &error.body)
        })
    }

    fn unusable(&self, kind: ErrorKind, method: &Method, why: &str, answer: &Incoming, body: &[u8]) -> Error {
        let message = format!("{}: the answer cannot be used: {}", method.name, self.redaction.text(why));
        Error::new(kind, message).with(|details| {
            details.http_status = Some(answer.status);
            details.request_id = answer.request_id(&self.redaction);
            details.sent = true;
            details.body = Some(self.redaction.excerpt(body, BODY_LIMIT));
        })
    }
}

/// Whether an answer has no body: nothing, or `null`.
fn is_blank(body: &[u8]) -> bool {
    body.len() <= MAX_BLANK && matches!(body.trim_ascii(), b"" | b"null")
}
