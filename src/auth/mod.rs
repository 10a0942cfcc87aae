//! Signing in: client credentials first, then rotating refresh tokens.
//!
//! The server revokes the whole family of tokens when a refresh token comes back a second time. So there is one token
//! request per generation, on a task of its own that outlives the caller that started it; and a refresh token is spent
//! when it is sent: whatever comes back but a clean answer, the next request is with the credentials.
//!
//! A token that is about to end is replaced beside the calls, which go on with it. Where that fails, they use it until its end,
//! and it is tried again after a pause; only without a good token do calls wait for the sign-in, and share its failure.

mod grant;
mod iap;
pub(crate) mod iap_rejection;
mod jwt;
mod refresh_backoff;
mod token;
mod token_store;

#[cfg(any(fuzzing, test))]
pub(crate) use grant::read as read_answer;
pub(crate) use iap::{Awaited, Iap};
pub(crate) use token::Token;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::token_store::{Found, Grant, Slot};
use crate::clock::Moment;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::http::{Transport, Waiting};
use crate::redact::Redaction;
use crate::retry::{Quota, Repeat, Retries, Tracking};
use crate::stats::Counters;

/// How long a token request stays unanswered before another one is sent beside it. Everybody waits for it, so a connection on
/// which nothing comes back any more must not hold all of them up; but an endpoint that is slow still gets to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time between them doubles up to this.
const MAX_PATIENCE: Duration = Duration::from_mins(1);

/// So many may be unanswered; then the first of them is given up, which is as old as several minutes.
const MAX_AT_ONCE: usize = 6;

type Asking<'a> = Pin<Box<dyn Future<Output = (bool, Result<(Token, SecretString)>)> + Send + 'a>>;

/// The sign-in state of one client.
pub(crate) struct SignIn {
    config: Arc<Config>,
    transport: Arc<Transport>,
    redaction: Arc<Redaction>,
    counters: Arc<Counters>,
    quota: Arc<Quota>,
    pub(crate) iap: Iap,
    /// What the request under way waits for.
    pub(crate) waiting: Arc<Waiting>,
    slot: Slot<UnderWay>,
}

#[derive(Clone)]
struct UnderWay {
    outcome: watch::Receiver<Option<Result<Arc<Token>>>>,
    /// Goes on while one of those who wait for it has time.
    tracking: Arc<Tracking>,
    task: AbortHandle,
    /// Tasks die with the I/O thread they run on.
    thread: u64,
}

impl UnderWay {
    /// Not when its task ended without an outcome, by a panic.
    fn is_alive(&self, thread: u64) -> bool {
        self.thread == thread && self.outcome.has_changed().is_ok()
    }
}

impl SignIn {
    pub(crate) fn new(
        config: Arc<Config>,
        transport: Arc<Transport>,
        redaction: Arc<Redaction>,
        counters: Arc<Counters>,
        quota: Arc<Quota>,
    ) -> Self {
        let iap = Iap::new(config.iap.clone());
        Self { config, transport, redaction, counters, quota, iap, waiting: Arc::default(), slot: Slot::default() }
    }

    /// A token that is good as far as is known; signs in, or waits for the sign-in under way, if there is none.
    pub(crate) async fn token(self: &Arc<Self>, tracking: &Tracking, thread: u64) -> Result<Arc<Token>> {
        self.token_after(None, tracking, thread).await
    }

    /// The same after the API refused the token of generation `refused`: that one does not count as good any more.
    pub(crate) async fn token_after(
        self: &Arc<Self>,
        refused: Option<u64>,
        tracking: &Tracking,
        thread: u64,
    ) -> Result<Arc<Token>> {
        let alive = |request: &UnderWay| request.is_alive(thread);
        let mut outcome = match self.slot.find(refused, Moment::now(), alive, |grant| self.begin(grant, thread)) {
            Found::Token(token) => return Ok(token),
            Found::UnderWay(request) => {
                request.tracking.deadline.follow(&tracking.deadline);
                tracking.progress.waits_for(&request.tracking.progress);
                request.outcome
            }
        };
        let outcome = outcome.wait_for(Option::is_some).await.map_err(|_| {
            Error::new(ErrorKind::Cancelled, "the sign-in ended without an outcome; the client was closed")
        })?;
        outcome.clone().unwrap_or_else(|| Err(Error::internal("the sign-in has no outcome")))
    }

    /// Ends a sign-in under way.
    pub(crate) fn abort(&self) {
        if let Some(under_way) = self.slot.abandon() {
            under_way.task.abort();
        }
    }

    fn begin(self: &Arc<Self>, grant: Grant, thread: u64) -> UnderWay {
        let (tell, outcome) = watch::channel(None);
        let sign_in = Arc::clone(self);
        // When nobody waits for it: a token that is about to end is replaced beside the calls.
        let tracking = Arc::new(Tracking::until(Instant::now() + self.config.timeout));
        let shared = Arc::clone(&tracking);
        let task = tokio::spawn(async move {
            let brought = sign_in.sign_in(grant, &shared, thread).await;
            let outcome = sign_in.slot.land(brought, Moment::now());
            match &outcome {
                Ok(_) => log::info!("signed in at {}", sign_in.transport.route()),
                Err(error) if sign_in.slot.has_good_token(Moment::now()) => {
                    log::info!("{error}; the token that there is stays in use until its end");
                }
                Err(error) => log::info!("{error}"),
            }
            tell.send_replace(Some(outcome));
        });
        UnderWay { outcome, tracking, task: task.abort_handle(), thread }
    }

    /// Asks until a request brings a token, the last one fails, or nobody has time any more. None that is under way is given up
    /// for being slow: another one, with the credentials, is sent beside it.
    async fn sign_in(&self, grant: Grant, shared: &Tracking, thread: u64) -> Result<(Token, SecretString)> {
        let deadline = &shared.deadline;
        let Grant { refresh_token, generation } = grant;
        let with_credentials = || self.ask(None, shared, generation, thread);
        // When to send another one: behind a refresh there must be time for the credentials.
        let due = |sent: Instant, patience: Duration, is_refresh: bool| {
            let time = deadline.waited_for().saturating_duration_since(sent);
            sent + if is_refresh { patience.min(time * 3 / 4) } else { patience }
        };
        let mut refreshes = refresh_token.is_some();
        let mut requests = vec![self.ask(refresh_token, shared, generation, thread)];
        let (mut sent, mut patience) = (Instant::now(), PATIENCE);
        loop {
            let wake = due(sent, patience, refreshes).min(deadline.at());
            tokio::select! {
                biased;
                ((is_refresh, outcome), index, _) = select_all(&mut requests) => {
                    drop(requests.remove(index));
                    match outcome {
                        Ok(signed_in) => return Ok(signed_in),
                        // It would refuse the credentials, too.
                        Err(error) if error.details().iap_token.is_some() => return Err(error),
                        Err(error) if is_refresh => {
                            log::info!("the refresh failed ({error}); signing in with the client's credentials");
                        }
                        Err(error) if requests.is_empty() => return Err(error),
                        Err(error) => log::info!("{error}; another token request is under way"),
                    }
                    refreshes &= !is_refresh;
                    if requests.is_empty() {
                        requests.push(with_credentials());
                        (sent, patience) = (Instant::now(), PATIENCE);
                    }
                }
                () = tokio::time::sleep_until(wake.into()) => {
                    // Someone with more time may have come meanwhile.
                    let now = Instant::now();
                    if now >= deadline.at() {
                        return Err(self.unanswered());
                    }
                    if now < due(sent, patience, refreshes) {
                        continue;
                    }
                    if refreshes || self.quota.take(Retry::Transient) {
                        log::info!("a token request is not answered; another one, with the client's credentials, is sent beside it");
                        requests.push(with_credentials());
                    }
                    if requests.len() > MAX_AT_ONCE {
                        drop(requests.remove(0));
                    }
                    (sent, patience, refreshes) = (now, (patience * 2).min(MAX_PATIENCE), false);
                }
            }
        }
    }

    /// One request, which says whether it was a refresh.
    fn ask<'a>(
        &'a self,
        refresh_token: Option<SecretString>,
        shared: &Tracking,
        generation: u64,
        thread: u64,
    ) -> Asking<'a> {
        let tracking = shared.part(&self.waiting);
        Box::pin(async move {
            let (form, repeat) = match &refresh_token {
                Some(refresh_token) => (grant::refresh(refresh_token), Repeat::IfUnsent),
                None => (grant::client_credentials(&self.config.client_id, &self.config.client_secret), Repeat::Safe),
            };
            (refresh_token.is_some(), self.request(&form, repeat, &tracking, generation, thread).await)
        })
    }

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
            counters: &self.counters,
        };
        let mut asked = Moment::now();
        let iap_token = self.iap.number();
        let answer = retries.run(repeat, || {
            asked = Moment::now();
            async move {
                self.counters.token_requests.add(1);
                let request = form.outgoing(self.iap.header(), tracking);
                Ok(self.transport.exchange(request, thread).await?)
            }
        });
        let answer =
            answer.await.map_err(|error| iap_rejection::of_token_endpoint(grant::refused(error), iap_token))?;
        let signed_in = grant::read(answer, &self.redaction, generation, asked)?;
        self.redaction.add_token(signed_in.0.expose());
        self.redaction.add_token(secrecy::ExposeSecret::expose_secret(&signed_in.1));
        Ok(signed_in)
    }

    fn unanswered(&self) -> Error {
        let what = self.waiting.step().describe(self.transport.route()).unwrap_or_default();
        let message = format!("POST {}: timed out waiting for {what}", grant::PATH);
        Error::new(ErrorKind::TimedOut, message).with(|details| {
            details.retry = Retry::Transient;
            details.sent = true;
        })
    }
}
