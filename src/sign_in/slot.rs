//! Where a client's token is kept: who asks for the next one, and what the others do meanwhile.

use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;

use super::token::Token;
use crate::error::Result;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// One token, and at most one request for the next. `R` is what a request is to those who wait for it.
pub(super) struct Slot<R>(Mutex<State<R>>);

struct State<R> {
    token: Option<Arc<Token>>,
    /// Taken out when it is sent.
    refresh_token: Option<SecretString>,
    /// The number the next token gets.
    next_generation: u64,
    under_way: Option<R>,
}

/// What a request for a token begins with.
pub(super) struct Grant {
    /// None: with the client's credentials.
    pub(super) refresh_token: Option<SecretString>,
    pub(super) generation: u64,
}

/// What a caller gets.
pub(super) enum Found<R> {
    Token(Arc<Token>),
    /// A request that is under way, this caller's or another's.
    UnderWay(R),
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self(Mutex::new(State { token: None, refresh_token: None, next_generation: 0, under_way: None }))
    }
}

impl<R: Clone> Slot<R> {
    /// The token, if it is good as far as is known and not of the generation that was `refused`; else the request under way, if
    /// it is `alive`; else the one that this call begins.
    pub(super) fn find(
        &self,
        refused: Option<u64>,
        alive: impl Fn(&R) -> bool,
        begin: impl FnOnce(Grant) -> R,
    ) -> Found<R> {
        let mut state = self.lock();
        if let Some(token) = &state.token
            && refused != Some(token.generation())
            && token.is_fresh(Instant::now())
        {
            return Found::Token(Arc::clone(token));
        }
        if let Some(under_way) = state.under_way.as_ref().filter(|under_way| alive(under_way)) {
            return Found::UnderWay(under_way.clone());
        }
        let grant = Grant { refresh_token: state.refresh_token.take(), generation: state.next_generation };
        state.next_generation += 1;
        let under_way = begin(grant);
        state.under_way = Some(under_way.clone());
        Found::UnderWay(under_way)
    }

    /// The request is over: keeps what it brought.
    pub(super) fn land(&self, brought: Result<(Token, SecretString)>) -> Result<Arc<Token>> {
        let mut state = self.lock();
        state.under_way = None;
        brought.map(|(token, refresh_token)| {
            let token = Arc::new(token);
            state.token = Some(Arc::clone(&token));
            state.refresh_token = Some(refresh_token);
            token
        })
    }

    /// Takes the request under way out, if there is one.
    pub(super) fn abandon(&self) -> Option<R> {
        self.lock().under_way.take()
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// What a server would see.
    #[derive(Default)]
    struct Server {
        slot: Slot<u64>,
        requests: AtomicUsize,
        /// How often the first refresh token came in.
        refreshes: AtomicUsize,
    }

    fn signed_in(generation: u64) -> Result<(Token, SecretString)> {
        let token = Token::new("t".to_owned().into(), generation, Duration::from_hours(1), Instant::now());
        Ok((token, format!("r{generation}").into()))
    }

    impl Server {
        /// The first token is there already, with its refresh token.
        fn start() -> Arc<Self> {
            let server = Self::default();
            server.slot.find(None, |_| true, |grant| grant.generation);
            server.slot.land(signed_in(0)).expect("a token");
            Arc::new(server)
        }

        /// A call whose token was refused; whoever begins a request also ends it, with what `answer` makes of the generation.
        fn call(&self, answer: impl Fn(u64) -> Result<(Token, SecretString)>) -> Option<Arc<Token>> {
            let mut ours = None;
            let found = self.slot.find(
                Some(0),
                |_| true,
                |grant| {
                    self.requests.fetch_add(1, SeqCst);
                    let refreshed = grant.refresh_token.is_some_and(|token| token.expose_secret() == "r0");
                    self.refreshes.fetch_add(usize::from(refreshed), SeqCst);
                    ours = Some(grant.generation);
                    grant.generation
                },
            );
            match (found, ours) {
                (Found::Token(token), _) => Some(token),
                (Found::UnderWay(_), Some(generation)) => self.slot.land(answer(generation)).ok(),
                (Found::UnderWay(_), None) => None,
            }
        }

        fn three_calls(self: &Arc<Self>, answer: fn(u64) -> Result<(Token, SecretString)>) {
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let server = Arc::clone(self);
                    thread::spawn(move || server.call(answer).is_none_or(|token| token.generation() != 0))
                })
                .collect();
            assert!(self.call(answer).is_none_or(|token| token.generation() != 0), "the refused token came back");
            for other in others {
                assert!(other.join().expect("no panic"), "the refused token came back");
            }
        }
    }

    /// Red when `find` does not look for the request under way: two requests, or three.
    #[test]
    fn loom_three_whose_token_was_refused_send_one_request() {
        loom::model(|| {
            let server = Server::start();
            server.three_calls(signed_in);
            assert_eq!((server.requests.load(SeqCst), server.refreshes.load(SeqCst)), (1, 1));
        });
    }

    /// Red when the refresh token is copied rather than taken: it is sent twice or three times.
    #[test]
    fn loom_a_refresh_token_is_sent_once_whatever_comes_back() {
        loom::model(|| {
            let server = Server::start();
            server.three_calls(|_| Err(Error::internal("refused")));
            assert_eq!(server.refreshes.load(SeqCst), 1);
        });
    }
}
