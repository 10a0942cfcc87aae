//! What a request is waiting for, so that one whose time is up can say it.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::peer::Peer;

/// The steps of a request, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// Of the sign-in.
    Token,
    /// Among `max_in_flight` requests.
    Turn,
    Lookup,
    Connection,
    /// The proxy's tunnel to the server.
    Tunnel,
    Tls,
    Head,
    Body,
    /// The wait before another attempt.
    Retry,
}

const STEPS: [Step; 10] = [
    Step::Nothing,
    Step::Token,
    Step::Turn,
    Step::Lookup,
    Step::Connection,
    Step::Tunnel,
    Step::Tls,
    Step::Head,
    Step::Body,
    Step::Retry,
];

/// The step that a request is at, and the status of its answer once that is known.
#[derive(Default)]
pub(crate) struct Waiting(AtomicU32);

tokio::task_local! {
    /// Of the exchange that is polled: what makes connections is told of no request.
    static CURRENT: Arc<Waiting>;
}

impl Waiting {
    pub(crate) fn set(&self, step: Step) {
        self.0.store(step as u32, Ordering::Relaxed);
    }

    /// It waits for its response, if it waited for a connection so far.
    fn stop_connecting(&self) {
        let connecting = Step::Lookup as u32..=Step::Tls as u32;
        let head = |step| connecting.contains(&step).then_some(Step::Head as u32);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, head);
    }

    /// The head of the answer is there.
    pub(super) fn set_body_of(&self, status: u16) {
        self.0.store(u32::from(status) << 8 | Step::Body as u32, Ordering::Relaxed);
    }

    pub(crate) fn step(&self) -> Step {
        let step = usize::try_from(self.0.load(Ordering::Relaxed) & 0xff).unwrap_or_default();
        STEPS.get(step).copied().unwrap_or(Step::Nothing)
    }

    /// Of the answer whose body is waited for.
    pub(crate) fn status(&self) -> Option<u16> {
        u16::try_from(self.0.load(Ordering::Relaxed) >> 8).ok().filter(|status| *status > 0)
    }
}

/// Runs an exchange, whose steps go to `waiting`.
pub(super) fn during<F: Future>(waiting: Arc<Waiting>, exchange: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(waiting, exchange)
}

/// The exchange that is polled is at this step.
pub(super) fn on(step: Step) {
    // There is none where a test makes a connection by itself.
    let _ = CURRENT.try_with(|waiting| waiting.set(step));
}

/// Makes a connection for the exchange that is polled. Where that one gets another connection meanwhile, this one is opened all the
/// same, for the pool, and the exchange waits for its response.
pub(super) fn while_connecting<F: Future>(connecting: F) -> impl Future<Output = F::Output> {
    let mut exchange = CURRENT.try_with(Arc::clone).ok();
    let mut connecting = Box::pin(connecting);
    std::future::poll_fn(move |cx| {
        if CURRENT.try_with(|_| ()).is_err()
            && let Some(exchange) = exchange.take()
        {
            exchange.stop_connecting();
        }
        connecting.as_mut().poll(cx)
    })
}

/// The step of the exchange that is polled.
pub(super) fn current() -> Step {
    CURRENT.try_with(|waiting| waiting.step()).unwrap_or(Step::Nothing)
}

impl Step {
    /// What is waited for; none: nothing yet.
    pub(crate) fn words(self, peer: &Peer) -> Option<String> {
        Some(match self {
            Self::Nothing => return None,
            Self::Token => "a token".to_owned(),
            Self::Turn => "its turn among max_in_flight requests".to_owned(),
            Self::Lookup if peer.has_proxy() => format!("the name lookup of the proxy {}", peer.contact_host()),
            Self::Lookup => format!("the name lookup of {}", peer.contact_host()),
            Self::Connection if peer.has_proxy() => format!("a connection to the proxy {}", peer.contact()),
            Self::Connection => format!("a connection to {}", peer.contact()),
            Self::Tunnel => format!("the proxy {} to connect to {}", peer.contact(), peer.server()),
            Self::Tls => format!("the TLS handshake with {peer}"),
            Self::Head => format!("the answer of {peer}"),
            Self::Body => format!("the rest of the answer of {peer}"),
            Self::Retry => "the next attempt".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn each_step_is_told_as_itself() {
        let waiting = Waiting::default();
        assert_eq!((waiting.step(), waiting.status()), (Step::Nothing, None));
        for step in STEPS {
            waiting.set(step);
            assert_eq!((waiting.step(), waiting.status()), (step, None));
        }
        waiting.set_body_of(403);
        assert_eq!((waiting.step(), waiting.status()), (Step::Body, Some(403)));
    }

    /// Red without `stop_connecting`, and red when it sets the step whatever it is.
    #[test]
    fn an_exchange_that_has_a_connection_waits_for_none() {
        let mut cx = Context::from_waker(Waker::noop());
        for (step, expected) in [(Step::Connection, Step::Head), (Step::Body, Step::Body)] {
            let waiting = Arc::new(Waiting::default());
            let mut connecting = CURRENT.sync_scope(Arc::clone(&waiting), || {
                let mut connecting = Box::pin(while_connecting(pending::<()>()));
                assert!(connecting.as_mut().poll(&mut cx).is_pending());
                connecting
            });
            waiting.set(step);
            assert!(connecting.as_mut().poll(&mut cx).is_pending());
            assert_eq!(waiting.step(), expected);
        }
    }
}
