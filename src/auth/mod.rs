//! Signing in: OAuth client credentials first, then rotating refresh tokens.
//!
//! The server revokes the whole token family when a refresh token is presented twice. So at most one token request is in flight
//! per generation, on its own task, which outlives the caller that started it. A refresh token counts as used once it is sent:
//! unless the response is valid, the next request uses the client credentials.
//!
//! A token is refreshed before it expires, in the background; calls keep using it meanwhile. If that fails, it is retried after a
//! backoff. Only without a valid token do calls wait for the token request, and fail with it.

mod grant;
mod iap;
pub(crate) mod iap_rejection;
mod jwt;
mod refresh_backoff;
mod token;
mod token_store;

#[cfg(any(fuzzing, test))]
pub(crate) use grant::parse_token_response;
pub(crate) use iap::{Iap, PendingIapToken};
pub(crate) use token::Token;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::AbortHandle;

use self::token_store::{Acquired, Grant, TokenStore};
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::http::Transport;
use crate::progress::{Progress, Tracking};
use crate::redact::Redaction;
use crate::retry::{Quota, Repeat, Retries, backoff};
use crate::runtime::outcome::{self, Outcome};

/// How long a token request is pending before it is hedged with another one. All calls wait for it, so a dead connection must not
/// block them; but a slow endpoint still gets time to respond.
const HEDGE_DELAY: Duration = Duration::from_secs(10);
/// The delay doubles with each hedge, up to this.
const MAX_HEDGE_DELAY: Duration = Duration::from_secs(60);
/// With more pending requests than this, the oldest one is dropped. It is several minutes old by then.
const MAX_PENDING: usize = 6;

/// One token request. The flag says whether it is a refresh.
type PendingRequest<'a> = Pin<Box<dyn Future<Output = (bool, Result<(Token, SecretString)>)> + Send + 'a>>;

/// The sign-in state of one client.
pub(crate) struct SignIn {
    config: Arc<Config>,
    transport: Arc<Transport>,
    redaction: Arc<Redaction>,
    quota: Arc<Quota>,
    pub(crate) iap: Iap,
    tokens: TokenStore<InFlight>,
}

/// The sign-in in flight, shared by the calls that wait for it.
#[derive(Clone)]
struct InFlight {
    outcome: Outcome<Arc<Token>>,
    /// Its deadline is that of the last call that waits for it.
    tracking: Arc<Tracking>,
    task: AbortHandle,
    /// The I/O thread of the task; the task dies with it.
    thread: u64,
}

impl InFlight {
    /// False if the task panicked or its I/O thread has ended.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread && self.outcome.is_pending()
    }
}

impl SignIn {
    pub(crate) fn new(
        config: Arc<Config>,
        transport: Arc<Transport>,
        redaction: Arc<Redaction>,
        quota: Arc<Quota>,
    ) -> Self {
        let iap = Iap::new(config.iap.clone(), Arc::clone(&config.gate));
        Self { config, transport, redaction, quota, iap, tokens: TokenStore::default() }
    }

    /// Returns a valid token. Without one, joins the sign-in in flight or starts one. `rejected` is the generation of a token that
    /// the API rejected; that one is not returned.
    pub(crate) async fn token(
        self: &Arc<Self>,
        rejected: Option<u64>,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<Arc<Token>> {
        let is_alive = |sign_in: &InFlight| sign_in.is_alive(thread);
        match self.tokens.acquire(rejected, Moment::now(), is_alive, |grant| self.start(grant, thread)) {
            Acquired::Token(token) => Ok(token),
            Acquired::InFlight(sign_in) => {
                sign_in.tracking.deadline.follow(&tracking.deadline);
                tracking.progress.set_waits_for(&sign_in.tracking.progress);
                sign_in.outcome.wait().await.unwrap_or_else(|| {
                    let message = "the sign-in was aborted: the client was closed, or the sign-in task panicked";
                    Err(Error::new(ErrorKind::Cancelled, message))
                })
            }
        }
    }

    /// Aborts the sign-in in flight.
    pub(crate) fn abort(&self) {
        if let Some(sign_in) = self.tokens.take_in_flight() {
            sign_in.task.abort();
        }
    }

    fn start(self: &Arc<Self>, grant: Grant, thread: u64) -> InFlight {
        let (publisher, outcome) = outcome::channel();
        let this = Arc::clone(self);
        // This deadline applies to a background refresh, which no call waits for.
        let tracking = Arc::new(Tracking::until(Instant::now() + self.config.timeout));
        let shared = Arc::clone(&tracking);
        let task = tokio::spawn(async move {
            let result = this.sign_in(grant, &shared, thread).await;
            let result = this.tokens.complete(result, Moment::now());
            match &result {
                Ok(_) => this.config.log.info(format_args!("signed in at {}", this.transport.route())),
                Err(error) if this.tokens.has_valid_token(Moment::now()) => {
                    this.config.log.info(format_args!("{error}; the current token stays in use until it expires"));
                }
                Err(error) => this.config.log.info(format_args!("{error}")),
            }
            publisher.publish(result);
        });
        InFlight { outcome, tracking, task: task.abort_handle(), thread }
    }

    /// Sends token requests until one succeeds, the last one fails, or the deadline passes. A slow request is not abandoned: it is
    /// hedged with another one, which uses the client credentials.
    async fn sign_in(&self, grant: Grant, shared: &Tracking, thread: u64) -> Result<(Token, SecretString)> {
        let deadline = &shared.deadline;
        let Grant { refresh_token, generation } = grant;
        let with_credentials = || self.pending_request(None, shared, generation, thread);
        // When to hedge. A refresh must leave time for a request with the credentials.
        let hedge_at = |sent: Instant, delay: Duration, is_refresh: bool| {
            let time = deadline.latest_waiter().saturating_duration_since(sent);
            sent + if is_refresh { delay.min(time * 3 / 4) } else { delay }
        };
        let mut has_refresh = refresh_token.is_some();
        let mut pending = vec![self.pending_request(refresh_token, shared, generation, thread)];
        let (mut sent, mut delay) = (Instant::now(), HEDGE_DELAY);
        loop {
            let wake = hedge_at(sent, delay, has_refresh).min(deadline.at());
            tokio::select! {
                biased;
                ((is_refresh, result), index, _) = select_all(&mut pending) => {
                    drop(pending.remove(index));
                    match result {
                        Ok(signed_in) => return Ok(signed_in),
                        // The proxy would reject a request with the credentials, too.
                        Err(error) if error.details().iap_token.is_some() => return Err(error),
                        Err(error) if is_refresh => {
                            self.config.log.info(format_args!("the refresh failed ({error}); signing in with the client credentials"));
                        }
                        Err(error) if pending.is_empty() => return Err(error),
                        Err(error) => self.config.log.info(format_args!("{error}; another token request is pending")),
                    }
                    has_refresh &= !is_refresh;
                    if pending.is_empty() {
                        pending.push(with_credentials());
                        (sent, delay) = (Instant::now(), HEDGE_DELAY);
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    // A call with a later deadline may have joined meanwhile.
                    let now = Instant::now();
                    if now >= deadline.at() {
                        return Err(self.timed_out(&shared.progress));
                    }
                    if now < hedge_at(sent, delay, has_refresh) {
                        continue;
                    }
                    if has_refresh || self.quota.take(Retry::Transient) {
                        self.config.log.info(format_args!("no response to a token request yet; sending another one with the client credentials"));
                        pending.push(with_credentials());
                    }
                    if pending.len() > MAX_PENDING {
                        drop(pending.remove(0));
                    }
                    (sent, delay, has_refresh) = (now, backoff::doubled(delay, 1, MAX_HEDGE_DELAY), false);
                }
            }
        }
    }

    fn pending_request<'a>(
        &'a self,
        refresh_token: Option<SecretString>,
        shared: &Tracking,
        generation: u64,
        thread: u64,
    ) -> PendingRequest<'a> {
        let tracking = shared.part();
        tracking.progress.set_request(grant::METHOD, grant::PATH.to_owned());
        Box::pin(async move {
            let (form, repeat) = match &refresh_token {
                Some(refresh_token) => (grant::refresh(refresh_token), Repeat::IfUnsent),
                None => (grant::client_credentials(&self.config.client_id, &self.config.client_secret), Repeat::Safe),
            };
            (refresh_token.is_some(), self.request(&form, repeat, &tracking, generation, thread).await)
        })
    }

    /// One token request with its retries.
    async fn request(
        &self,
        form: &grant::Form,
        repeat: Repeat,
        tracking: &Tracking,
        generation: u64,
        thread: u64,
    ) -> Result<(Token, SecretString)> {
        let retries = Retries {
            max_attempts: self.config.max_attempts,
            wait: self.config.retry_wait,
            quota: &self.quota,
            tracking,
            log: &self.config.log,
        };
        let mut requested_at = Moment::now();
        let iap_token = self.iap.generation();
        let response = retries.run(repeat, || {
            requested_at = Moment::now();
            async move {
                let request = form.outgoing(self.iap.header(), tracking);
                Ok(self.transport.exchange(request, thread).await?)
            }
        });
        let response = response
            .await
            .map_err(|error| iap_rejection::mark_token_error(grant::into_auth_error(error), iap_token))?;
        let signed_in = grant::parse_token_response(response, &self.redaction, generation, requested_at)
            .map_err(|error| error.with(|details| details.attempts = tracking.progress.attempts()))?;
        self.redaction.add_token(signed_in.0.expose());
        self.redaction.add_token(signed_in.1.expose_secret());
        Ok(signed_in)
    }

    fn timed_out(&self, progress: &Arc<Progress>) -> Error {
        let request = progress.current();
        let what = self.transport.route().describe(request.waiting().step()).unwrap_or_default();
        let message = format!("{} {}: timed out waiting for {what}", grant::METHOD, grant::PATH);
        Error::new(ErrorKind::TimedOut, message).with(|details| {
            details.retry = Retry::Transient;
            details.sent = true;
            details.attempts = request.attempts();
            details.method = Some(grant::METHOD);
            details.url = Some(grant::PATH.to_owned());
        })
    }
}
