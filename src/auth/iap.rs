//! The ID token for Google's identity-aware proxy (IAP). The host provides it through a callback, on the thread that makes a call.
//!
//! Only one thread at a time runs the callback. Other threads hand their calls over meanwhile, and these wait for the token on
//! the I/O thread, where a deadline, a cancellation and the closing of the client reach them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, SystemTime};

use http::header::HeaderValue;
use secrecy::ExposeSecret;

use super::jwt;
use super::token::bearer;
use crate::clock::Moment;
use crate::config::IapTokenProvider;
use crate::error::{Error, ErrorKind, Result};
use crate::redact::{MAX_SECRET_LEN, Redaction};
use crate::runtime::outcome::{self, Outcome, Publisher};
use crate::runtime::{Gate, callback};

/// Google's ID tokens live for an hour. If one expires earlier, its claims or the proxy say so.
const LIFETIME: Duration = Duration::from_secs(50 * 60);

pub(crate) struct Iap {
    provider: Option<Arc<dyn IapTokenProvider>>,
    /// What the provider's calls pass.
    gate: Arc<Gate>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<IapToken>,
    /// How many tokens there have been.
    generations: u64,
    /// While a thread of the host runs the provider: which one, and what it will get.
    in_flight: Option<(ThreadId, Outcome<()>)>,
}

struct IapToken {
    header: HeaderValue,
    generation: u64,
    /// When to request the next token. This one is sent until the next one is available.
    replace_at: Moment,
    /// A request with this token got past the proxy.
    is_accepted: bool,
}

/// The token that a call needs; another call's thread may still be running the provider.
#[derive(Clone)]
pub(crate) struct PendingIapToken(Option<Outcome<()>>);

impl PendingIapToken {
    /// The token is available, or none is needed.
    pub(crate) fn ready() -> Self {
        Self(None)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.0.is_none()
    }

    /// Waits for the token, on the I/O thread. An error is that of the thread that ran the provider.
    pub(crate) async fn wait(&self) -> Result<()> {
        let Some(outcome) = &self.0 else { return Ok(()) };
        outcome.wait().await.unwrap_or_else(|| Err(provider_error("it did not return")))
    }
}

impl Iap {
    pub(super) fn new(provider: Option<Arc<dyn IapTokenProvider>>, gate: Arc<Gate>) -> Self {
        Self { provider, gate, state: Mutex::default() }
    }

    pub(crate) fn has_provider(&self) -> bool {
        self.provider.is_some()
    }

    /// Whether the next call has to request a token from the host.
    pub(crate) fn is_due(&self) -> bool {
        let is_fresh = |current: &IapToken| Moment::now() < current.replace_at;
        self.has_provider() && !self.lock().current.as_ref().is_some_and(is_fresh)
    }

    /// Ensures that a call that is handed over has a token or can wait for one. Runs the provider on the caller's thread: a slow
    /// provider blocks its own caller and no one else.
    pub(crate) fn prepare(&self, redaction: &Redaction) -> Result<PendingIapToken> {
        let Some(provider) = &self.provider else { return Ok(PendingIapToken::ready()) };
        let publisher = {
            let mut state = self.lock();
            if state.current.as_ref().is_some_and(|current| Moment::now() < current.replace_at) {
                return Ok(PendingIapToken::ready());
            }
            // Waiting for another thread could deadlock: that thread might be waiting for this one.
            callback::ensure_can_run("a call that needs a token of iap_token_provider")?;
            // This thread is not in the provider: it has left it by `longjmp`, and runs it again.
            let this = thread::current().id();
            if let Some((_, outcome)) = state.in_flight.as_ref().filter(|(thread, _)| *thread != this) {
                return Ok(PendingIapToken(Some(outcome.clone())));
            }
            let (publisher, outcome) = outcome::channel();
            state.in_flight = Some((this, outcome));
            publisher
        };
        let provider_call = ProviderCall { iap: self, publisher };
        let closed = || Error::new(ErrorKind::Cancelled, "the client was closed before a request was sent");
        let result = callback::run_through(&self.gate, || provider.token()).ok_or_else(closed);
        let result = result.and_then(|token| token.map_err(provider_error)).and_then(|token| {
            if token.expose_secret().len() > MAX_SECRET_LEN {
                return Err(provider_error(format_args!("the token is longer than {MAX_SECRET_LEN} bytes")));
            }
            let header = bearer(token.expose_secret());
            let invalid = || provider_error("the token has characters that are not allowed in a header");
            let header = header.ok_or_else(invalid)?;
            redaction.add_iap_token(token.expose_secret());
            let lifetime = jwt::replace_after(token.expose_secret(), SystemTime::now()).unwrap_or(LIFETIME);
            Ok((header, Moment::now() + lifetime.min(LIFETIME)))
        });
        provider_call.complete(result)?;
        Ok(PendingIapToken::ready())
    }

    /// The `Authorization` header, if there is a token.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.lock().current.as_ref().map(|current| current.header.clone())
    }

    /// The generation of the token in [`Self::header`].
    pub(crate) fn generation(&self) -> Option<u64> {
        self.provider.as_ref()?;
        self.lock().current.as_ref().map(|current| current.generation)
    }

    /// A request with this token got a response from behind the proxy.
    pub(crate) fn mark_accepted(&self, generation: Option<u64>) {
        if generation.is_some() {
            if let Some(current) = &mut self.lock().current {
                current.is_accepted |= generation == Some(current.generation);
            }
        }
    }

    /// The proxy rejected this token: the next call requests another one. Returns whether that can help: the token was accepted
    /// before, or has been replaced already.
    pub(crate) fn mark_rejected(&self, generation: u64) -> bool {
        match &mut self.lock().current {
            Some(current) if current.generation == generation => {
                current.replace_at = Moment::now();
                current.is_accepted
            }
            _ => true,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn provider_error(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::AuthFailed, format!("iap_token_provider: {why}"))
}

/// The one call of the provider in flight. If the provider panics, dropping this wakes the waiters without a result.
struct ProviderCall<'a> {
    iap: &'a Iap,
    publisher: Publisher<()>,
}

impl ProviderCall<'_> {
    fn complete(self, result: Result<(HeaderValue, Moment)>) -> Result<()> {
        let result = result.map(|(header, replace_at)| {
            let mut state = self.iap.lock();
            state.generations += 1;
            let generation = state.generations;
            state.current = Some(IapToken { header, generation, replace_at, is_accepted: false });
        });
        self.publisher.publish(result.clone());
        result
    }
}

impl Drop for ProviderCall<'_> {
    fn drop(&mut self) {
        self.iap.lock().in_flight = None;
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    use secrecy::SecretString;

    type Provide = fn() -> Result<SecretString, String>;

    /// A provider that reports each call and then runs the function that it receives.
    struct Host {
        called: Mutex<mpsc::Sender<()>>,
        provide: Mutex<mpsc::Receiver<Provide>>,
    }

    impl IapTokenProvider for Host {
        fn token(&self) -> Result<SecretString, String> {
            self.called.lock().expect("no panic").send(()).expect("a test");
            let provide = self.provide.lock().expect("no panic").recv().expect("a test");
            provide()
        }
    }

    /// The result of a call that waits while another thread runs the provider, which then runs `provide`.
    fn result_of_waiter(provide: Provide) -> Result<()> {
        let ((called, calls), (script, provides)) = (mpsc::channel(), mpsc::channel());
        let host = Host { called: Mutex::new(called), provide: Mutex::new(provides) };
        let iap = Iap::new(Some(Arc::new(host)), Gate::new());
        let redaction = Redaction::default();
        let prepare = || iap.prepare(&redaction);
        let pending = std::thread::scope(|scope| {
            let caller = scope.spawn(prepare);
            calls.recv().expect("a call of the provider");
            let pending = prepare().expect("no failure yet");
            assert!(!pending.is_ready());
            callback::run(|| assert_eq!(prepare().err().expect("an error").kind(), ErrorKind::WouldDeadlock));
            script.send(provide).expect("a provider");
            let _ = caller.join();
            pending
        });
        let result = tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(pending.wait());
        assert_eq!(iap.header().is_some(), result.is_ok());
        // The next call has the token, or runs the provider itself.
        script.send(|| Ok("later".to_owned().into())).expect("a provider");
        assert!(prepare().expect("a token").is_ready());
        assert_eq!(calls.try_recv().is_ok(), result.is_err());
        result
    }

    #[test]
    fn a_waiter_gets_the_providers_result() {
        result_of_waiter(|| Ok("token".to_owned().into())).expect("a token");
        let error = result_of_waiter(|| Err("no account".into())).expect_err("a failure");
        assert_eq!(error.to_string(), "iap_token_provider: no account");
    }

    /// Red without `Drop` for `ProviderCall`: the next call waits forever.
    #[test]
    fn a_panic_of_the_provider_wakes_the_waiters() {
        let error = result_of_waiter(|| panic!("intended: provider test")).expect_err("a failure");
        assert_eq!(error.to_string(), "iap_token_provider: it did not return");
    }
}
