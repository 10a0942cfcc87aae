//! Where a client's token is kept: who asks for the next one, and what the others do meanwhile.

use std::sync::Arc;

use secrecy::SecretString;

use super::refresh_backoff::Pause;
use super::token::Token;
use crate::clock::Moment;
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
    /// After a failure, before calls that have a good token begin another request.
    pause: Pause,
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
        Self(Mutex::new(State {
            token: None,
            refresh_token: None,
            next_generation: 0,
            under_way: None,
            pause: Pause::default(),
        }))
    }
}

impl<R: Clone> Slot<R> {
    /// The token, if it is good as far as is known and not of the generation that was `refused`; when it is time to replace it, a
    /// request is begun beside. Else the request under way, if it is `alive`; else the one that this call begins.
    pub(super) fn find(
        &self,
        refused: Option<u64>,
        now: Moment,
        alive: impl Fn(&R) -> bool,
        begin: impl FnOnce(Grant) -> R,
    ) -> Found<R> {
        let mut state = self.lock();
        if state.under_way.as_ref().is_some_and(|under_way| !alive(under_way)) {
            state.under_way = None;
            state.pause.failed(now, None);
        }
        let token = state.token.clone().filter(|token| refused != Some(token.generation()) && token.is_good(now));
        if let Some(token) = token {
            if !token.is_fresh(now) && state.under_way.is_none() && state.pause.is_over(now) {
                state.begin(begin);
            }
            return Found::Token(token);
        }
        let under_way = state.under_way.clone();
        Found::UnderWay(under_way.unwrap_or_else(|| state.begin(begin)))
    }

    /// The request is over: keeps what it brought. A failure leaves the token that there is.
    pub(super) fn land(&self, brought: Result<(Token, SecretString)>, now: Moment) -> Result<Arc<Token>> {
        let mut state = self.lock();
        state.under_way = None;
        match brought {
            Ok((token, refresh_token)) => {
                let token = Arc::new(token);
                state.token = Some(Arc::clone(&token));
                state.refresh_token = Some(refresh_token);
                state.pause = Pause::default();
                Ok(token)
            }
            Err(error) => {
                state.pause.failed(now, error.details().retry_after);
                Err(error)
            }
        }
    }

    pub(super) fn has_good_token(&self, now: Moment) -> bool {
        self.lock().token.as_ref().is_some_and(|token| token.is_good(now))
    }

    /// Takes the request under way out, if there is one.
    pub(super) fn abandon(&self) -> Option<R> {
        self.lock().under_way.take()
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Clone> State<R> {
    fn begin(&mut self, begin: impl FnOnce(Grant) -> R) -> R {
        let grant = Grant { refresh_token: self.refresh_token.take(), generation: self.next_generation };
        self.next_generation += 1;
        let under_way = begin(grant);
        self.under_way = Some(under_way.clone());
        under_way
    }
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::error::{Error, ErrorKind};

    const HOUR: Duration = Duration::from_hours(1);

    /// A slot with a token of an hour, and when it was asked for.
    fn signed_in() -> (Slot<u64>, Moment) {
        let (slot, asked) = (Slot::default(), Moment::now());
        assert!(matches!(slot.find(None, asked, |_| true, |grant| grant.generation), Found::UnderWay(0)));
        land(&slot, 0, asked);
        (slot, asked)
    }

    fn land(slot: &Slot<u64>, generation: u64, asked: Moment) {
        let token = Token::new("t".to_owned().into(), generation, HOUR, asked);
        slot.land(Ok((token, format!("r{generation}").into())), asked).expect("a token");
    }

    fn fail(slot: &Slot<u64>, now: Moment, retry_after: Option<Duration>) {
        let error = Error::new(ErrorKind::AuthFailed, "503").with(|details| details.retry_after = retry_after);
        assert!(slot.land(Err(error), now).is_err());
    }

    /// The generation of the token that a call gets (none: it waits), and the request that it begins.
    fn call(slot: &Slot<u64>, refused: Option<u64>, now: Moment) -> (Option<u64>, Option<(u64, bool)>) {
        let mut begun = None;
        let found = slot.find(
            refused,
            now,
            |_| true,
            |grant| {
                begun = Some((grant.generation, grant.refresh_token.is_some()));
                grant.generation
            },
        );
        match found {
            Found::Token(token) => (Some(token.generation()), begun),
            Found::UnderWay(_) => (None, begun),
        }
    }

    /// Red when only a fresh token is given out: calls wait for the request, and fail with it.
    #[test]
    fn a_token_that_is_about_to_end_is_used_while_one_request_is_under_way() {
        let (slot, asked) = signed_in();
        assert_eq!(call(&slot, None, asked + HOUR * 8 / 10), (Some(0), None));
        let late = asked + HOUR * 95 / 100;
        assert_eq!(call(&slot, None, late), (Some(0), Some((1, true))));
        assert_eq!(call(&slot, None, late), (Some(0), None));
        assert_eq!(call(&slot, Some(0), late), (None, None), "who was refused waits for it");
        assert_eq!(call(&slot, None, asked + HOUR), (None, None), "and who comes after its end");
        land(&slot, 1, late);
        assert_eq!(call(&slot, None, asked + HOUR), (Some(1), None));
    }

    /// Red without the pause: each call begins a request.
    #[test]
    fn a_failed_request_is_followed_by_a_pause_while_the_token_is_good() {
        let (slot, asked) = signed_in();
        let late = asked + HOUR * 95 / 100;
        assert_eq!(call(&slot, None, late), (Some(0), Some((1, true))));
        fail(&slot, late, None);
        let within = |seconds| late + Duration::from_secs(seconds);
        assert_eq!(call(&slot, None, late), (Some(0), None));
        // The refresh token was spent.
        assert_eq!(call(&slot, None, within(1)), (Some(0), Some((2, false))));
        fail(&slot, within(1), Some(Duration::from_mins(1)));
        assert_eq!(call(&slot, None, within(60)), (Some(0), None), "the server asked for a minute");
        assert_eq!(call(&slot, None, within(61)), (Some(0), Some((3, false))));
        land(&slot, 3, within(61));
        assert_eq!(call(&slot, None, within(62)), (Some(3), None));
    }

    #[test]
    fn nobody_pauses_without_a_good_token() {
        for retry_after in [None, Some(HOUR)] {
            let (slot, asked) = signed_in();
            let late = asked + HOUR * 95 / 100;
            call(&slot, None, late);
            fail(&slot, late, retry_after);
            assert_eq!(call(&slot, Some(0), late), (None, Some((2, false))), "it was refused");
            fail(&slot, late, retry_after);
            assert_eq!(call(&slot, None, late), (Some(0), None), "others go on with it");
            assert_eq!(call(&slot, None, asked + HOUR), (None, Some((3, false))), "it has ended");
            fail(&slot, asked + HOUR, retry_after);
            assert_eq!(call(&slot, None, asked + HOUR), (None, Some((4, false))));
        }
    }

    /// Red when a request whose task is gone is just replaced: one that panics is begun with every call.
    #[test]
    fn a_request_that_ended_without_a_word_has_failed() {
        let (slot, asked) = signed_in();
        let late = asked + HOUR * 95 / 100;
        call(&slot, None, late);
        let again = |now| matches!(slot.find(None, now, |_| false, |_| panic!("a request")), Found::Token(_));
        assert!(again(late) && again(late));
        assert_eq!(call(&slot, None, late + Duration::from_secs(1)), (Some(0), Some((2, false))));
    }

    #[test]
    fn a_token_of_no_time_is_for_those_who_waited_for_it() {
        let (slot, now) = (Slot::<u64>::default(), Moment::now());
        assert_eq!(call(&slot, None, now), (None, Some((0, false))));
        let token = Token::new("t".to_owned().into(), 0, Duration::ZERO, now);
        assert_eq!(slot.land(Ok((token, "r0".to_owned().into())), now).expect("a token").generation(), 0);
        assert_eq!(call(&slot, None, now), (None, Some((1, true))));
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
        let token = Token::new("t".to_owned().into(), generation, Duration::from_hours(1), Moment::now());
        Ok((token, format!("r{generation}").into()))
    }

    impl Server {
        /// The first token is there already, with its refresh token.
        fn start() -> Arc<Self> {
            let server = Self::default();
            server.slot.find(None, Moment::now(), |_| true, |grant| grant.generation);
            server.slot.land(signed_in(0), Moment::now()).expect("a token");
            Arc::new(server)
        }

        /// A call whose token was refused; whoever begins a request also ends it, with what `answer` makes of the generation.
        fn call(&self, answer: impl Fn(u64) -> Result<(Token, SecretString)>) -> Option<Arc<Token>> {
            self.call_at(Some(0), Moment::now(), answer)
        }

        /// A call at a time of its own.
        fn call_at(
            &self,
            refused: Option<u64>,
            now: Moment,
            answer: impl Fn(u64) -> Result<(Token, SecretString)>,
        ) -> Option<Arc<Token>> {
            let mut ours = None;
            let found = self.slot.find(
                refused,
                now,
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
                (Found::Token(token), None) => Some(token),
                (Found::Token(token), Some(generation)) => {
                    let _ = self.slot.land(answer(generation), now);
                    Some(token)
                }
                (Found::UnderWay(_), Some(generation)) => self.slot.land(answer(generation), now).ok(),
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

    /// Red when `find` begins a request beside without the look for the one under way: the answer is asked for twice.
    #[test]
    fn loom_a_token_that_is_about_to_end_is_replaced_once_and_used_meanwhile() {
        loom::model(|| {
            let server = Server::start();
            let late = Moment::now() + Duration::from_mins(57);
            let others: Vec<_> = (0..2)
                .map(|_| {
                    let server = Arc::clone(&server);
                    thread::spawn(move || server.call_at(None, late, |_| Err(Error::internal("refused"))).is_some())
                })
                .collect();
            assert!(server.call_at(None, late, |_| Err(Error::internal("refused"))).is_some());
            for other in others {
                assert!(other.join().expect("no panic"), "a call had to wait");
            }
            assert_eq!((server.requests.load(SeqCst), server.refreshes.load(SeqCst)), (1, 1));
        });
    }
}
