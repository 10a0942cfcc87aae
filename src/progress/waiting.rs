//! What a request is waiting for, for the message of a timeout.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The steps of a request, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    /// A token from the sign-in.
    Token,
    /// A slot among `max_in_flight` requests.
    Slot,
    Lookup,
    Connection,
    /// A tunnel through the proxy.
    Tunnel,
    Tls,
    Head,
    Body,
    /// The delay before another attempt.
    Retry,
}

const STEPS: [Step; 10] = [
    Step::Nothing,
    Step::Token,
    Step::Slot,
    Step::Lookup,
    Step::Connection,
    Step::Tunnel,
    Step::Tls,
    Step::Head,
    Step::Body,
    Step::Retry,
];

/// The current step of a request, and the status of the response once it is known.
#[derive(Default)]
pub(crate) struct Waiting(AtomicU32);

tokio::task_local! {
    /// The exchange that is being polled: hyper does not tell the connector which request it connects for.
    static CURRENT: Arc<Waiting>;
}

impl Waiting {
    pub(crate) fn set(&self, step: Step) {
        self.0.store(step as u32, Ordering::Relaxed);
    }

    /// Sets the step to the response, if it was one of the connection.
    fn stop_connecting(&self) {
        let connecting = Step::Lookup as u32..=Step::Tls as u32;
        let head = |step| connecting.contains(&step).then_some(Step::Head as u32);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, head);
    }

    /// The head of the response has arrived.
    pub(crate) fn set_body_of(&self, status: u16) {
        self.0.store(u32::from(status) << 8 | Step::Body as u32, Ordering::Relaxed);
    }

    pub(crate) fn step(&self) -> Step {
        let step = usize::try_from(self.0.load(Ordering::Relaxed) & 0xff).unwrap_or_default();
        STEPS.get(step).copied().unwrap_or(Step::Nothing)
    }

    /// The status of the response whose body is being read.
    pub(crate) fn status(&self) -> Option<u16> {
        u16::try_from(self.0.load(Ordering::Relaxed) >> 8).ok().filter(|status| *status > 0)
    }
}

/// Runs an exchange and records its steps in `waiting`.
pub(crate) fn during<F: Future>(waiting: Arc<Waiting>, exchange: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(waiting, exchange)
}

/// Sets the step of the exchange that is being polled.
pub(crate) fn set_current(step: Step) {
    // There is none when a test uses the connector directly.
    let _ = CURRENT.try_with(|waiting| waiting.set(step));
}

/// Opens a connection for the exchange that is being polled. If a pooled connection becomes free meanwhile, the exchange uses that and
/// waits for its response, and this connection is completed for the pool.
pub(crate) fn while_connecting<F: Future>(connecting: F) -> impl Future<Output = F::Output> {
    let mut exchange = CURRENT.try_with(Arc::clone).ok();
    let mut connecting = Box::pin(connecting);
    std::future::poll_fn(move |cx| {
        if CURRENT.try_with(|_| ()).is_err() {
            if let Some(exchange) = exchange.take() {
                exchange.stop_connecting();
            }
        }
        connecting.as_mut().poll(cx)
    })
}

/// The step of the exchange that is being polled.
pub(crate) fn current() -> Step {
    CURRENT.try_with(|waiting| waiting.step()).unwrap_or(Step::Nothing)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn each_step_is_stored_and_returned() {
        let waiting = Waiting::default();
        assert_eq!((waiting.step(), waiting.status()), (Step::Nothing, None));
        for step in STEPS {
            waiting.set(step);
            assert_eq!((waiting.step(), waiting.status()), (step, None));
        }
        waiting.set_body_of(403);
        assert_eq!((waiting.step(), waiting.status()), (Step::Body, Some(403)));
    }

    /// Red without `stop_connecting`, and red when it changes the step unconditionally.
    #[test]
    fn an_exchange_on_a_pooled_connection_waits_for_its_response() {
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
