//! A stream of events: what the host calls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify;

use super::ack::{AckTracker, Unacked};
use super::backoff::Backoff;
use super::claim::{Claim, Claims};
use super::delivery::Delivery;
use super::engine::{Engine, Setup};
use super::in_flight::InFlight;
use super::lazy_cursor::LazyCursor;
use super::pending_next::{NextCall, PendingNext};
use super::query::Query;
use crate::answer::Answer;
use crate::cancel::{Cancel, Fired};
use crate::client::{CacheUse, CallOptions, Client, Prepared, TimeLimit};
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::runtime::{callback, oneshot};
use crate::service::Params;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How long after its deadline a blocking call waits for the I/O thread to reply.
const GRACE: Duration = Duration::from_millis(250);
/// A long wait is split into calls of this length, so that the token for an identity-aware proxy is renewed in between: the
/// host's callback for it must not run on the I/O thread.
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// A stream of events. Cheap to clone; every clone is the same stream.
#[derive(Clone)]
pub struct Stream(Arc<Shared>);

pub(super) struct Shared {
    pub(super) client: Client,
    pub(super) options: CallOptions,
    pub(super) query: Query,
    pub(super) closing: Cancel,
    /// Wakes the waiting call when a page is requeued.
    pub(super) requeued: Notify,
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) engine: Engine,
    pub(super) backoff: Backoff,
    /// From `Retry-After`: no request may be sent before this.
    pub(super) not_before: Option<Instant>,
    pub(super) claims: Claims,
    /// How many pages are requested as soon as a page is delivered, at most.
    pub(super) read_ahead: usize,
    /// Belongs to the call that has the claim, and without one to the next call.
    pub(super) in_flight: Option<InFlight>,
    /// What was requested ahead: the pages that follow that of `in_flight`, in their order.
    pub(super) ahead: VecDeque<InFlight>,
    pub(super) acks: AckTracker,
}

/// The result of [`Stream::next`].
#[derive(Clone, Debug)]
pub enum Next {
    /// Events that were not delivered before. Never an empty page.
    Page(Arc<Answer>),
    /// Nothing yet.
    NothingYet,
    /// The end of the stream.
    End,
}

impl Stream {
    /// Opens a stream of every event that matches, each once. `params` are those of `workspace.get_events`, without `page`. No
    /// I/O.
    ///
    /// The timeout in `options` is for each request, the cancel for the whole stream.
    pub fn open(client: &Client, params: Params, options: CallOptions) -> Result<Self> {
        let query = Query::new(params)?;
        let engine = Engine::stream(setup(client, &query));
        Self::new(client, query, engine, options)
    }

    /// Opens an endless stream of new events: from now on, from `after_date`, or from where `cursor` was taken. No I/O.
    pub fn follow(client: &Client, params: Params, cursor: Option<&str>, options: CallOptions) -> Result<Self> {
        let query = Query::new(params)?;
        let start = query.start(cursor)?;
        let engine = Engine::follow(&start, setup(client, &query));
        Self::new(client, query, engine, options)
    }

    fn new(client: &Client, query: Query, engine: Engine, options: CallOptions) -> Result<Self> {
        if options.cache == CacheUse::Only {
            return Err(Error::new(
                ErrorKind::NotFound,
                "events are never cached, so a stream cannot be restricted to the cache",
            ));
        }
        let acks = AckTracker::new(cursor(&engine, &query));
        let state = State {
            engine,
            backoff: Backoff::default(),
            not_before: None,
            claims: Claims::default(),
            read_ahead: 0,
            in_flight: None,
            ahead: VecDeque::new(),
            acks,
        };
        Ok(Self(Arc::new(Shared {
            client: client.clone(),
            options,
            query,
            closing: Cancel::default(),
            requeued: Notify::new(),
            state: Mutex::new(state),
        })))
    }

    /// Waits up to `timeout` for the next page. None: sends one request now and waits only for its answer.
    ///
    /// After an error, the next call continues where this one failed. A page that arrives after the timeout is returned by the
    /// next call.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Next> {
        self.wait_next(timeout).map(Delivery::acknowledge)
    }

    /// As [`Stream::next`], but the caller has to acknowledge the result.
    pub(crate) fn wait_next(&self, timeout: Option<Duration>) -> Result<Delivery> {
        callback::ensure_can_block()?;
        let deadline = self.deadline(timeout);
        let mut is_first = true;
        let mut may_renew_token = true;
        loop {
            let end = if timeout.is_none() { deadline } else { deadline.min(Instant::now() + MAX_WAIT) };
            let (reply, receiver) = oneshot::channel();
            let claim = self.start(self.prepare(end)?, timeout.is_none(), None, is_first, || reply)?;
            is_first = false;
            let result = receiver.recv_until(end + GRACE).unwrap_or_else(|| {
                // The I/O thread is late: the next call takes over, unless a result is on its way.
                let gives_up = self.0.lock().end(claim);
                if gives_up { Ok(Unacked::timed_out()) } else { receiver.recv() }
            });
            let unacked = match result {
                // Starting again asks the host for another token.
                Err(error) if may_renew_token && error.details().iap_token.is_some() => {
                    may_renew_token = false;
                    let _ = self.0.client.mark_iap_rejection(error);
                    continue;
                }
                result => result.map_err(|error| self.0.client.mark_iap_rejection(error))?,
            };
            let delivery = Delivery::new(unacked, Arc::clone(&self.0));
            if !matches!(delivery.next(), Next::NothingYet) {
                return Ok(delivery);
            }
            if end >= deadline {
                return self.0.with_a_start(delivery);
            }
            delivery.acknowledge();
        }
    }

    /// The deadline of a call of `next`. Without a timeout, that of a request.
    fn deadline(&self, timeout: Option<Duration>) -> Instant {
        Instant::now() + timeout.unwrap_or_else(|| self.0.client.timeout(&self.0.options))
    }

    /// As [`Stream::wait_next`], but does not block: the result is passed to what `accept` returns, exactly once, on an
    /// unspecified thread. On error nothing was started, and nothing is called. `accept` runs after the host's functions, which
    /// may not return.
    ///
    /// `abandoned` ends the wait, as the cancel in the options does. If the host provides tokens, the wait also ends after
    /// `MAX_WAIT`, because the host can be asked for a token only within a call.
    pub(crate) fn submit_next<D: FnOnce(Result<Delivery>) + Send + 'static>(
        &self,
        timeout: Option<Duration>,
        abandoned: Fired,
        accept: impl FnOnce() -> Result<D>,
    ) -> Result<()> {
        let has_provider = self.0.client.has_iap_provider();
        let deadline = self.deadline(timeout.map(|timeout| if has_provider { timeout.min(MAX_WAIT) } else { timeout }));
        let prepared = self.prepare(deadline)?;
        let deliver = accept()?;
        let shared = Arc::clone(&self.0);
        let reply = || {
            oneshot::Sender::from_fn(move |result: Result<Unacked>| {
                deliver(match result {
                    Ok(unacked) => {
                        let delivery = Delivery::new(unacked, Arc::clone(&shared));
                        shared.with_a_start(delivery)
                    }
                    Err(error) => Err(shared.client.mark_iap_rejection(error)),
                });
            })
        };
        self.start(prepared, timeout.is_none(), Some(abandoned), true, reply).map(drop)
    }

    /// The cursor after the last acknowledged page, from which [`Stream::follow`] resumes, also in another process.
    pub fn cursor(&self) -> String {
        let cursor = Arc::clone(self.0.lock().acks.cursor());
        let text = cursor.text();
        String::from_utf8_lossy(text.strip_suffix(&[0]).unwrap_or(text)).into_owned()
    }

    /// The NUL-terminated cursor. The pointer is valid until the next call that asks the stream for a result.
    pub(crate) fn pin_cursor(&self) -> *const u8 {
        self.0.lock().acks.pin_cursor()
    }

    /// Sets the minimum and maximum wait between polls when following. None: the default (1 s and 30 s).
    pub fn set_backoff(&self, min: Option<Duration>, max: Option<Duration>) -> Result<()> {
        if let (Some(min), Some(max)) = (min, max) {
            if min > max {
                return Err(Error::argument("min_ms", "greater than max_ms"));
            }
        }
        self.0.lock().backoff.set_limits(min, max);
        Ok(())
    }

    /// Sets how many pages are requested as soon as a page is returned, at most, from the next page on: none by default, no more
    /// than twelve. First it is one page, later more. The cursor does not depend on it, and a failure is that of the call that its
    /// page was for.
    pub fn set_read_ahead(&self, pages: usize) {
        self.0.lock().read_ahead = pages;
    }

    /// Ends the stream. A waiting call and every later one fail with [`ErrorKind::Cancelled`].
    pub fn close(&self) {
        self.0.closing.fire();
    }

    /// Prepares a call on the caller's thread, where the host's token provider may run.
    fn prepare(&self, deadline: Instant) -> Result<Prepared> {
        let timeout = self.0.client.timeout(&self.0.options);
        self.0.client.prepare(TimeLimit { timeout, deadline })
    }

    /// Passes a call to the I/O thread. `is_first`: not the continuation of a longer wait. On error, `reply` was not called.
    fn start(
        &self,
        prepared: Prepared,
        no_wait: bool,
        abandoned: Option<Fired>,
        is_first: bool,
        reply: impl FnOnce() -> oneshot::Sender<Unacked>,
    ) -> Result<Claim> {
        let shared = &self.0;
        let claim = {
            let mut state = shared.lock();
            let Some(claim) = state.claim(abandoned.clone()) else {
                return Err(Error::new(ErrorKind::InvalidState, "another call waits for this stream's next page"));
            };
            if is_first {
                state.acks.unpin_cursors();
            }
            claim
        };
        let pending = PendingNext::new(Arc::clone(shared), claim, reply);
        let call = NextCall {
            claim,
            deadline: prepared.limit.deadline,
            no_wait,
            thread: prepared.thread.generation,
            abandoned,
            iap: prepared.iap,
            requested: false,
        };
        prepared.thread.spawn(pending.serve(call));
        Ok(claim)
    }
}

impl State {
    /// None while another call waits.
    fn claim(&mut self, abandoned: Option<Fired>) -> Option<Claim> {
        if self.claims.end_abandoned() {
            // Cancelled with its call.
            self.drop_requests();
        }
        self.claims.take(abandoned)
    }

    /// Ends every request, and forgets the pages that were not delivered: they will be requested again.
    pub(super) fn drop_requests(&mut self) {
        self.in_flight = None;
        self.ahead.clear();
    }

    /// Ends a claim, if it has not ended yet. Returns whether it had not.
    pub(super) fn end(&mut self, claim: Claim) -> bool {
        let is_held = self.claims.end(claim);
        if is_held {
            if let Some(in_flight) = &self.in_flight {
                in_flight.set_abandoned(None);
            }
        }
        is_held
    }
}

impl Shared {
    /// A result after which the cursor has a place to resume from. A follower without a page has none before it has found the
    /// present: events that arrive before the next call would be lost without a word.
    fn with_a_start(&self, delivery: Delivery) -> Result<Delivery> {
        if !matches!(delivery.next(), Next::NothingYet) || !self.lock().engine.is_before_present() {
            return Ok(delivery);
        }
        delivery.acknowledge();
        let message = "workspace.get_events: timed out before the present was found, so the stream has not started yet";
        Err(Error::new(ErrorKind::TimedOut, message).with(|details| details.retry = Retry::Transient))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fired when the stream is cancelled.
    pub(super) fn cancelled(&self) -> Option<Fired> {
        self.options.cancel.as_ref().map(Cancel::fired)
    }
}

fn setup(client: &Client, query: &Query) -> Setup {
    Setup { page_size: query.page_size(), habits: *client.list_habits(), now: now() }
}

/// Unix microseconds.
fn now() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The engine's cursor.
pub(super) fn cursor(engine: &Engine, query: &Query) -> Arc<LazyCursor> {
    Arc::new(LazyCursor::new(engine.cursor(), query.fingerprint()))
}
