//! The ID token for Google's identity-aware proxy: asked of the host, on the thread that makes a call.
//!
//! One thread at a time asks. The others hand their calls over meanwhile, and these wait for the outcome where a deadline, a
//! cancel and the client's end reach them: on the I/O thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http::header::HeaderValue;
use secrecy::ExposeSecret;
use tokio::sync::watch;

use super::jwt;
use super::token::bearer;
use crate::clock::Moment;
use crate::config::IapTokenProvider;
use crate::error::{Error, ErrorKind, Result};
use crate::redact::{MAX_SECRET_LEN, Redaction};
use crate::runtime::callback;

/// Google's ID tokens live for an hour; one that ends earlier says so, or the proxy does.
const LIFETIME: Duration = Duration::from_mins(50);

pub(crate) struct Iap {
    provider: Option<Arc<dyn IapTokenProvider>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    /// How many there were.
    count: u64,
    /// While a thread of the host asks.
    asking: Option<Outcome>,
}

struct Current {
    header: HeaderValue,
    number: u64,
    /// When the next one is asked for. Until that one is there, this one is sent.
    until: Moment,
    /// Something was answered to a request that had it.
    worked: bool,
}

type Outcome = watch::Receiver<Option<Result<()>>>;

/// The token that a call needs, which may be asked for by another call's thread.
#[derive(Clone)]
pub(crate) struct Awaited(Option<Outcome>);

impl Awaited {
    /// It is there, or none is needed.
    pub(crate) fn here() -> Self {
        Self(None)
    }

    pub(crate) fn is_here(&self) -> bool {
        self.0.is_none()
    }

    /// Waits for it, on the I/O thread. An error is that of the thread that asked.
    pub(crate) async fn wait(&self) -> Result<()> {
        let Some(mut outcome) = self.0.clone() else { return Ok(()) };
        match outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
            Err(_) => Err(refuse("it did not return")),
        }
    }
}

impl Iap {
    pub(super) fn new(provider: Option<Arc<dyn IapTokenProvider>>) -> Self {
        Self { provider, state: Mutex::default() }
    }

    pub(crate) fn has_provider(&self) -> bool {
        self.provider.is_some()
    }

    /// Sees to it that there is, or will be, a token for a request that is handed over. On the caller's thread: a slow provider
    /// keeps its own caller waiting and nobody else.
    pub(crate) fn prepare(&self, redaction: &Redaction) -> Result<Awaited> {
        let Some(provider) = &self.provider else { return Ok(Awaited::here()) };
        let tell = {
            let mut state = self.lock();
            if state.current.as_ref().is_some_and(|current| Moment::now() < current.until) {
                return Ok(Awaited::here());
            }
            // Were it to wait for another thread's, that one might wait for this thread.
            callback::refuse_within("a call that needs a token of iap_token_provider")?;
            if state.asking.is_some() {
                return Ok(Awaited(state.asking.clone()));
            }
            let (tell, outcome) = watch::channel(None);
            state.asking = Some(outcome);
            tell
        };
        let asking = Asking { iap: self, tell };
        let outcome = callback::run(|| provider.token()).map_err(refuse).and_then(|token| {
            if token.expose_secret().len() > MAX_SECRET_LEN {
                return Err(refuse(format_args!("the token is longer than {MAX_SECRET_LEN} bytes")));
            }
            let header = bearer(token.expose_secret());
            let header = header.ok_or_else(|| refuse("the token has characters that no header has"))?;
            redaction.add_iap_token(token.expose_secret());
            let lifetime = jwt::lifetime(token.expose_secret(), SystemTime::now()).unwrap_or(LIFETIME);
            Ok((header, Moment::now() + lifetime.min(LIFETIME)))
        });
        asking.end(outcome)?;
        Ok(Awaited::here())
    }

    /// The `Authorization` header, where there is an identity-aware proxy.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.lock().current.as_ref().map(|current| current.header.clone())
    }

    /// Which token that is.
    pub(crate) fn number(&self) -> Option<u64> {
        self.provider.as_ref()?;
        self.lock().current.as_ref().map(|current| current.number)
    }

    /// A request with this token was answered by what lies behind the proxy.
    pub(crate) fn worked(&self, number: Option<u64>) {
        if number.is_some()
            && let Some(current) = &mut self.lock().current
        {
            current.worked |= number == Some(current.number);
        }
    }

    /// The proxy refused this token: the next call asks for another one. Says whether that can help: whether the token was good
    /// once, or there is another one already.
    pub(crate) fn refused(&self, number: u64) -> bool {
        match &mut self.lock().current {
            Some(current) if current.number == number => {
                current.until = Moment::now();
                current.worked
            }
            _ => true,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::AuthFailed, format!("iap_token_provider: {why}"))
}

/// The one thread that asks. Dropped by a panic of the host's function, it tells those who wait that there is no outcome.
struct Asking<'a> {
    iap: &'a Iap,
    tell: watch::Sender<Option<Result<()>>>,
}

impl Asking<'_> {
    fn end(self, outcome: Result<(HeaderValue, Moment)>) -> Result<()> {
        let outcome = outcome.map(|(header, until)| {
            let mut state = self.iap.lock();
            state.count += 1;
            state.current = Some(Current { header, number: state.count, until, worked: false });
        });
        self.tell.send_replace(Some(outcome.clone()));
        outcome
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.iap.lock().asking = None;
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    use secrecy::SecretString;

    type Act = fn() -> Result<SecretString, String>;

    /// Says that it is called, and does what it is then told.
    struct Host {
        entered: Mutex<mpsc::Sender<()>>,
        act: Mutex<mpsc::Receiver<Act>>,
    }

    impl IapTokenProvider for Host {
        fn token(&self) -> Result<SecretString, String> {
            self.entered.lock().expect("no panic").send(()).expect("a test");
            let act = self.act.lock().expect("no panic").recv().expect("a test");
            act()
        }
    }

    /// What becomes of one who comes while another asks, whose provider then does this.
    fn outcome_of_another(act: Act) -> Result<()> {
        let ((entered, is_in), (tell, told)) = (mpsc::channel(), mpsc::channel());
        let host = Host { entered: Mutex::new(entered), act: Mutex::new(told) };
        let iap = Iap::new(Some(Arc::new(host)));
        let redaction = Redaction::default();
        let prepare = || iap.prepare(&redaction);
        let awaited = std::thread::scope(|scope| {
            let asking = scope.spawn(prepare);
            is_in.recv().expect("it asks");
            let awaited = prepare().expect("nothing to fail yet");
            assert!(!awaited.is_here());
            callback::run(|| assert_eq!(prepare().err().expect("refused").kind(), ErrorKind::WouldDeadlock));
            tell.send(act).expect("a provider");
            let _ = asking.join();
            awaited
        });
        let outcome =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(awaited.wait());
        assert_eq!(iap.header().is_some(), outcome.is_ok());
        // The next one has it, or asks itself.
        tell.send(|| Ok("later".to_owned().into())).expect("a provider");
        assert!(prepare().expect("a token").is_here());
        assert_eq!(is_in.try_recv().is_ok(), outcome.is_err());
        outcome
    }

    #[test]
    fn another_gets_what_the_one_who_asks_gets() {
        outcome_of_another(|| Ok("token".to_owned().into())).expect("a token");
        let error = outcome_of_another(|| Err("no account".into())).expect_err("a failure");
        assert_eq!(error.to_string(), "iap_token_provider: no account");
    }

    /// Red without the `Drop` of `Asking`: the next one waits for it, and nothing comes.
    #[test]
    fn a_panic_of_the_one_who_asks_is_told_to_the_others() {
        let error = outcome_of_another(|| panic!("seen by the test of providers")).expect_err("a failure");
        assert_eq!(error.to_string(), "iap_token_provider: it did not return");
    }
}
