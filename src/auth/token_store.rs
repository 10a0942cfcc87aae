//! The tokens of a client: the current access token, the refresh token, and the one token request in flight.

use std::sync::Arc;

use secrecy::SecretString;

use super::refresh_backoff::RefreshBackoff;
use super::token::Token;
use crate::clock::Moment;
use crate::error::Result;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// One access token, and at most one request for the next. `R` is a handle to that request, for those who wait for it.
pub(super) struct TokenStore<R>(Mutex<State<R>>);

struct State<R> {
    token: Option<Arc<Token>>,
    /// Taken out when it is sent: it must not be used twice.
    refresh_token: Option<SecretString>,
    next_generation: u64,
    in_flight: Option<R>,
    /// Delays the next request after a failure, as long as there is a valid token.
    backoff: RefreshBackoff,
}

/// The grant of a token request.
pub(super) struct Grant {
    /// `None`: client credentials.
    pub(super) refresh_token: Option<SecretString>,
    /// The generation of the token that is requested.
    pub(super) generation: u64,
}

/// The result of [`TokenStore::acquire`].
pub(super) enum Acquired<R> {
    Token(Arc<Token>),
    /// The request to wait for, started by this call or an earlier one.
    InFlight(R),
}

impl<R> Default for TokenStore<R> {
    fn default() -> Self {
        Self(Mutex::new(State {
            token: None,
            refresh_token: None,
            next_generation: 0,
            in_flight: None,
            backoff: RefreshBackoff::default(),
        }))
    }
}

impl<R: Clone> TokenStore<R> {
    /// Returns the current token if it is valid and not of the `rejected` generation; if it needs a refresh, starts one in the
    /// background. Otherwise returns the request in flight if it `is_alive`, or starts one.
    pub(super) fn acquire(
        &self,
        rejected: Option<u64>,
        now: Moment,
        is_alive: impl Fn(&R) -> bool,
        start: impl FnOnce(Grant) -> R,
    ) -> Acquired<R> {
        let mut state = self.lock();
        if state.in_flight.as_ref().is_some_and(|request| !is_alive(request)) {
            state.in_flight = None;
            state.backoff.record_failure(now, None);
        }
        let token = state.token.clone().filter(|token| rejected != Some(token.generation()) && token.is_valid(now));
        if let Some(token) = token {
            if token.needs_refresh(now) && state.in_flight.is_none() && state.backoff.is_over(now) {
                state.start(start);
            }
            return Acquired::Token(token);
        }
        let in_flight = state.in_flight.clone();
        Acquired::InFlight(in_flight.unwrap_or_else(|| state.start(start)))
    }

    /// Ends the request in flight and stores its tokens. A failure leaves the current token in place.
    pub(super) fn complete(&self, result: Result<(Token, SecretString)>, now: Moment) -> Result<Arc<Token>> {
        let mut state = self.lock();
        state.in_flight = None;
        match result {
            Ok((token, refresh_token)) => {
                let token = Arc::new(token);
                state.token = Some(Arc::clone(&token));
                state.refresh_token = Some(refresh_token);
                state.backoff = RefreshBackoff::default();
                Ok(token)
            }
            Err(error) => {
                state.backoff.record_failure(now, error.details().retry_after);
                Err(error)
            }
        }
    }

    pub(super) fn has_valid_token(&self, now: Moment) -> bool {
        self.lock().token.as_ref().is_some_and(|token| token.is_valid(now))
    }

    /// Removes and returns the request in flight.
    pub(super) fn take_in_flight(&self) -> Option<R> {
        self.lock().in_flight.take()
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Clone> State<R> {
    fn start(&mut self, start: impl FnOnce(Grant) -> R) -> R {
        let grant = Grant { refresh_token: self.refresh_token.take(), generation: self.next_generation };
        self.next_generation += 1;
        let request = start(grant);
        self.in_flight = Some(request.clone());
        request
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::error::{Error, ErrorKind};

    const HOUR: Duration = Duration::from_secs(60 * 60);

    /// A store with a token that is valid for an hour, and when it was requested.
    fn signed_in() -> (TokenStore<u64>, Moment) {
        let (store, requested_at) = (TokenStore::default(), Moment::now());
        let acquired = store.acquire(None, requested_at, |_| true, |grant| grant.generation);
        assert!(matches!(acquired, Acquired::InFlight(0)));
        succeed(&store, 0, requested_at);
        (store, requested_at)
    }

    fn succeed(store: &TokenStore<u64>, generation: u64, requested_at: Moment) {
        let token = Token::new("t".to_owned().into(), generation, HOUR, requested_at);
        store.complete(Ok((token, format!("r{generation}").into())), requested_at).expect("a token");
    }

    fn fail(store: &TokenStore<u64>, now: Moment, retry_after: Option<Duration>) {
        let error = Error::new(ErrorKind::AuthFailed, "503").with(|details| details.retry_after = retry_after);
        assert!(store.complete(Err(error), now).is_err());
    }

    /// The generation of the token that a call gets (`None`: it waits), and the request that it starts: its generation, and whether
    /// it is a refresh.
    fn call(store: &TokenStore<u64>, rejected: Option<u64>, now: Moment) -> (Option<u64>, Option<(u64, bool)>) {
        let mut started = None;
        let acquired = store.acquire(
            rejected,
            now,
            |_| true,
            |grant| {
                started = Some((grant.generation, grant.refresh_token.is_some()));
                grant.generation
            },
        );
        match acquired {
            Acquired::Token(token) => (Some(token.generation()), started),
            Acquired::InFlight(_) => (None, started),
        }
    }

    /// Red when a token that needs a refresh is not returned: calls wait for the refresh, and fail with it.
    #[test]
    fn an_expiring_token_is_used_while_one_refresh_is_in_flight() {
        let (store, requested_at) = signed_in();
        assert_eq!(call(&store, None, requested_at + HOUR * 8 / 10), (Some(0), None));
        let late = requested_at + HOUR * 95 / 100;
        assert_eq!(call(&store, None, late), (Some(0), Some((1, true))));
        assert_eq!(call(&store, None, late), (Some(0), None));
        assert_eq!(call(&store, Some(0), late), (None, None), "a rejected call waits for the refresh");
        assert_eq!(call(&store, None, requested_at + HOUR), (None, None), "so does a call after the token expired");
        succeed(&store, 1, late);
        assert_eq!(call(&store, None, requested_at + HOUR), (Some(1), None));
    }

    /// Red without the backoff: each call starts a request.
    #[test]
    fn a_failed_request_is_followed_by_a_backoff_while_the_token_is_valid() {
        let (store, requested_at) = signed_in();
        let late = requested_at + HOUR * 95 / 100;
        assert_eq!(call(&store, None, late), (Some(0), Some((1, true))));
        fail(&store, late, None);
        let within = |seconds| late + Duration::from_secs(seconds);
        assert_eq!(call(&store, None, late), (Some(0), None));
        // The refresh token has been used.
        assert_eq!(call(&store, None, within(1)), (Some(0), Some((2, false))));
        fail(&store, within(1), Some(Duration::from_secs(60)));
        assert_eq!(call(&store, None, within(60)), (Some(0), None), "Retry-After is a minute");
        assert_eq!(call(&store, None, within(61)), (Some(0), Some((3, false))));
        succeed(&store, 3, within(61));
        assert_eq!(call(&store, None, within(62)), (Some(3), None));
    }

    #[test]
    fn there_is_no_backoff_without_a_valid_token() {
        for retry_after in [None, Some(HOUR)] {
            let (store, requested_at) = signed_in();
            let late = requested_at + HOUR * 95 / 100;
            call(&store, None, late);
            fail(&store, late, retry_after);
            assert_eq!(call(&store, Some(0), late), (None, Some((2, false))), "the token was rejected");
            fail(&store, late, retry_after);
            assert_eq!(call(&store, None, late), (Some(0), None), "other calls keep using the token");
            assert_eq!(call(&store, None, requested_at + HOUR), (None, Some((3, false))), "the token expired");
            fail(&store, requested_at + HOUR, retry_after);
            assert_eq!(call(&store, None, requested_at + HOUR), (None, Some((4, false))));
        }
    }

    /// Red when a dead request is replaced without a backoff: every call starts another one that panics.
    #[test]
    fn a_request_that_ended_without_a_result_has_failed() {
        let (store, requested_at) = signed_in();
        let late = requested_at + HOUR * 95 / 100;
        call(&store, None, late);
        let again = |now| matches!(store.acquire(None, now, |_| false, |_| panic!("a request")), Acquired::Token(_));
        assert!(again(late) && again(late));
        assert_eq!(call(&store, None, late + Duration::from_secs(1)), (Some(0), Some((2, false))));
    }

    #[test]
    fn a_token_with_no_lifetime_is_used_by_the_calls_that_waited_for_it() {
        let (store, now) = (TokenStore::<u64>::default(), Moment::now());
        assert_eq!(call(&store, None, now), (None, Some((0, false))));
        let token = Token::new("t".to_owned().into(), 0, Duration::ZERO, now);
        let token = store.complete(Ok((token, "r0".to_owned().into())), now).expect("a token");
        assert_eq!(token.generation(), 0);
        assert_eq!(call(&store, None, now), (None, Some((1, true))));
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use std::time::Duration;

    use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use loom::thread;
    use secrecy::ExposeSecret;

    use crate::error::Error;

    /// What a server sees.
    #[derive(Default)]
    struct Server {
        store: TokenStore<u64>,
        requests: AtomicUsize,
        /// How often the first refresh token was sent.
        refreshes: AtomicUsize,
    }

    fn signed_in(generation: u64) -> Result<(Token, SecretString)> {
        let token = Token::new("t".to_owned().into(), generation, Duration::from_secs(60 * 60), Moment::now());
        Ok((token, format!("r{generation}").into()))
    }

    impl Server {
        /// Signed in, with a token of generation 0 and its refresh token.
        fn start() -> Arc<Self> {
            let server = Self::default();
            server.store.acquire(None, Moment::now(), |_| true, |grant| grant.generation);
            server.store.complete(signed_in(0), Moment::now()).expect("a token");
            Arc::new(server)
        }

        /// A call whose token was rejected. The call that starts a request also completes it, with the result of `respond`.
        fn call(&self, respond: impl Fn(u64) -> Result<(Token, SecretString)>) -> Option<Arc<Token>> {
            self.call_at(Some(0), Moment::now(), respond)
        }

        /// A call at a given time.
        fn call_at(
            &self,
            rejected: Option<u64>,
            now: Moment,
            respond: impl Fn(u64) -> Result<(Token, SecretString)>,
        ) -> Option<Arc<Token>> {
            let mut started = None;
            let acquired = self.store.acquire(
                rejected,
                now,
                |_| true,
                |grant| {
                    self.requests.fetch_add(1, SeqCst);
                    let refreshed = grant.refresh_token.is_some_and(|token| token.expose_secret() == "r0");
                    self.refreshes.fetch_add(usize::from(refreshed), SeqCst);
                    started = Some(grant.generation);
                    grant.generation
                },
            );
            match (acquired, started) {
                (Acquired::Token(token), None) => Some(token),
                (Acquired::Token(token), Some(generation)) => {
                    let _ = self.store.complete(respond(generation), now);
                    Some(token)
                }
                (Acquired::InFlight(_), Some(generation)) => self.store.complete(respond(generation), now).ok(),
                (Acquired::InFlight(_), None) => None,
            }
        }

        fn three_calls(self: &Arc<Self>, respond: fn(u64) -> Result<(Token, SecretString)>) {
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let server = Arc::clone(self);
                    thread::spawn(move || server.call(respond).is_none_or(|token| token.generation() != 0))
                })
                .collect();
            assert!(self.call(respond).is_none_or(|token| token.generation() != 0), "the rejected token was returned");
            for other in others {
                assert!(other.join().expect("no panic"), "the rejected token was returned");
            }
        }
    }

    /// Red when `acquire` does not check for a request in flight: two requests, or three.
    #[test]
    fn loom_three_calls_with_a_rejected_token_send_one_request() {
        loom::model(|| {
            let server = Server::start();
            server.three_calls(signed_in);
            assert_eq!((server.requests.load(SeqCst), server.refreshes.load(SeqCst)), (1, 1));
        });
    }

    /// Red when the refresh token is cloned rather than taken: it is sent two or three times.
    #[test]
    fn loom_a_refresh_token_is_sent_once_even_if_the_request_fails() {
        loom::model(|| {
            let server = Server::start();
            server.three_calls(|_| Err(Error::internal("rejected")));
            assert_eq!(server.refreshes.load(SeqCst), 1);
        });
    }

    /// Red when `acquire` starts a background refresh without checking for one in flight: two requests.
    #[test]
    fn loom_an_expiring_token_is_refreshed_once_and_used_meanwhile() {
        loom::model(|| {
            let server = Server::start();
            let late = Moment::now() + Duration::from_secs(57 * 60);
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let server = Arc::clone(&server);
                    thread::spawn(move || server.call_at(None, late, |_| Err(Error::internal("rejected"))).is_some())
                })
                .collect();
            assert!(server.call_at(None, late, |_| Err(Error::internal("rejected"))).is_some());
            for other in others {
                assert!(other.join().expect("no panic"), "a call had to wait");
            }
            assert_eq!((server.requests.load(SeqCst), server.refreshes.load(SeqCst)), (1, 1));
        });
    }
}
