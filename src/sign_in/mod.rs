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
mod pause;
mod slot;
mod token;

#[cfg(any(fuzzing, test))]
pub(crate) use grant::read as read_answer;
pub(crate) use iap::{Awaited, Iap};
pub(crate) use token::Token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::slot::{Found, Grant, Slot};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::retry::{Failure, Quota, Repeat, Retries, Tracking};
use crate::stats::Counters;
use crate::transport::{Redaction, Transport, Waiting};

/// How long a token request may stay unanswered before there is another. Everybody waits for it, so a connection on which
/// nothing comes back any more must not hold all of them up; and a refresh must leave time for the credentials.
const PATIENCE: Duration = Duration::from_secs(10);

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
    pub(crate) async fn token(self: &Arc<Self>, thread: u64) -> Result<Arc<Token>> {
        self.token_after(None, thread).await
    }

    /// The same after the API refused the token of generation `refused`: that one does not count as good any more.
    pub(crate) async fn token_after(self: &Arc<Self>, refused: Option<u64>, thread: u64) -> Result<Arc<Token>> {
        let alive = |request: &UnderWay| request.is_alive(thread);
        let mut outcome = match self.slot.find(refused, Instant::now(), alive, |grant| self.begin(grant, thread)) {
            Found::Token(token) => return Ok(token),
            Found::UnderWay(request) => request.outcome,
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
        let task = tokio::spawn(async move {
            let brought = sign_in.sign_in(grant, thread).await;
            let outcome = sign_in.slot.land(brought, Instant::now());
            match &outcome {
                Ok(_) => log::info!("signed in at {}", sign_in.transport.peer()),
                Err(error) if sign_in.slot.has_good_token(Instant::now()) => {
                    log::info!("{error}; the token that there is stays in use until its end");
                }
                Err(error) => log::info!("{error}"),
            }
            tell.send_replace(Some(outcome));
        });
        UnderWay { outcome, task: task.abort_handle(), thread }
    }

    async fn sign_in(&self, grant: Grant, thread: u64) -> Result<(Token, SecretString)> {
        let Grant { refresh_token, generation } = grant;
        let until = Instant::now() + self.config.timeout;
        if let Some(refresh_token) = refresh_token {
            let patience = self.patience();
            let form = grant::refresh(&refresh_token);
            let refresh = self.request(&form, Repeat::OnlyIfUnsent, until, generation, thread);
            match tokio::time::timeout(patience, refresh).await {
                Ok(Ok(signed_in)) => return Ok(signed_in),
                Ok(Err(error)) => log::info!("the refresh failed ({error}); signing in with the client's credentials"),
                Err(_) => log::info!("{}; signing in with the client's credentials", self.unanswered(patience)),
            }
        }
        let credentials = grant::client_credentials(&self.config.client_id, &self.config.client_secret);
        let request = self.request(&credentials, Repeat::Safe, until, generation, thread);
        match tokio::time::timeout_at(until.into(), request).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.unanswered(self.config.timeout)),
        }
    }

    async fn request(
        &self,
        form: &grant::Form,
        repeat: Repeat,
        until: Instant,
        generation: u64,
        thread: u64,
    ) -> Result<(Token, SecretString)> {
        let tracking = Tracking::until(until).with_steps_of(&self.waiting);
        let retries = Retries {
            max_attempts: self.config.max_attempts,
            quota: &self.quota,
            tracking: &tracking,
            counters: &self.counters,
        };
        let tracking = &tracking;
        let mut tries = 0;
        let mut asked = Instant::now();
        let answer = retries.run(repeat, || {
            tries += 1;
            asked = Instant::now();
            // Twice as long each time, for an endpoint that is slow; and the last one as long as there is.
            let patience =
                (tries < self.config.max_attempts).then(|| self.patience().saturating_mul(1 << (tries - 1).min(16)));
            async move {
                self.counters.token_requests.add(1);
                let request = form.outgoing(self.iap.header(), tracking);
                let answer = self.transport.exchange(request, thread);
                match patience {
                    Some(patience) => {
                        tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| Err(self.unanswered(patience)))
                    }
                    None => answer.await,
                }
                .map_err(Failure::from)
            }
        });
        let answer = answer.await.map_err(grant::refused)?;
        let signed_in = grant::read(answer, &self.redaction, generation, asked)?;
        self.redaction.add_token(signed_in.0.expose());
        self.redaction.add_token(secrecy::ExposeSecret::expose_secret(&signed_in.1));
        Ok(signed_in)
    }

    fn patience(&self) -> Duration {
        PATIENCE.min(self.config.timeout / 2)
    }

    fn unanswered(&self, limit: Duration) -> Error {
        let what = self.waiting.step().words(self.transport.peer()).unwrap_or_default();
        let message = format!("POST {}: timed out after {} ms waiting for {what}", grant::PATH, limit.as_millis());
        Error::new(ErrorKind::TimedOut, message).with(|details| {
            details.retry = Retry::Transient;
            details.sent = true;
        })
    }
}
