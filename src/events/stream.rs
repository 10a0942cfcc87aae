//! A stream of events, as a thread of the host sees it.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::backoff::Backoff;
use super::delivery::{Deliveries, Given};
use super::engine::{Engine, Step};
use super::handover;
use super::query::Query;
use super::sweep::{Item, Request};
use crate::answer::Answer;
use crate::cancel::{Cancel, Fired};
use crate::client::{Allowed, CacheUse, CallOptions, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::process::callback;
use crate::process::reply::Reply;
use crate::records::event;
use crate::service::Params;
use crate::sign_in::Awaited;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How much longer than its deadline a call waits for the I/O thread to say that it is over.
const GRACE: Duration = Duration::from_millis(250);
/// A wait is cut into pieces of this length, so that the token for an identity-aware proxy is looked after on the way: the
/// host's function that gives it must not run on the I/O thread.
const PIECE: Duration = Duration::from_mins(5);
/// How some servers refuse a page behind the last one.
const REFUSALS: [u16; 4] = [400, 404, 416, 422];

/// A stream of events. Cheap to clone; every clone is the same stream.
#[derive(Clone)]
pub struct Stream(Arc<Shared>);

struct Shared {
    client: Client,
    options: CallOptions,
    query: Query,
    closing: watch::Sender<bool>,
    state: Mutex<State>,
}

struct State {
    engine: Engine,
    backoff: Backoff,
    /// The server asked to be left alone until then.
    not_before: Option<Instant>,
    /// Someone waits for the next page.
    is_busy: bool,
    /// The request under way, which outlives the one who waited for it.
    in_flight: Option<InFlight>,
    deliveries: Deliveries,
}

/// What [`Stream::next`] found.
#[derive(Clone, Debug)]
pub enum Next {
    /// Events that were not given before; never an empty page.
    Page(Arc<Answer>),
    /// Nothing yet.
    NothingYet,
    /// There will be nothing more.
    End,
}

/// What a stream gives, until the host has picked it up: then the stream's cursor moves. A page that nobody picks up is not
/// lost: the stream gives it again.
pub(crate) struct Delivery {
    given: Option<Given>,
    stream: Arc<Shared>,
}

impl Delivery {
    fn new(given: Given, stream: Arc<Shared>) -> Self {
        Self { given: Some(given), stream }
    }

    /// What it is.
    pub(crate) fn next(&self) -> &Next {
        self.given.as_ref().map_or(&Next::NothingYet, |given| &given.next)
    }

    /// The host has it.
    pub(crate) fn pick_up(mut self) -> Next {
        self.given.take().map_or(Next::NothingYet, |given| self.stream.lock().deliveries.pick_up(given))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(given) = self.given.take() {
            self.stream.lock().deliveries.take_back(given);
        }
    }
}

struct InFlight {
    answer: oneshot::Receiver<Result<Arc<Answer>>>,
    task: AbortHandle,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call of `next` on its way.
struct Round {
    until: Instant,
    /// Ask at once and once, without waiting for what is new.
    at_once: bool,
    thread: u64,
    cancelled: [Option<Fired>; 2],
    iap: Awaited,
    asked: bool,
}

/// The one who waits; there is one at a time. The fields are dropped in this order: when the reply is seen, the stream is free.
struct Turn {
    busy: Busy,
    reply: Reply<Given>,
}

struct Busy(Arc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.lock().is_busy = false;
    }
}

impl Stream {
    /// Every event that matches, each once. `params` are those of `workspace.get_events`, without `page`. No I/O.
    ///
    /// The options' timeout is for each request, their cancel for all of them.
    pub fn open(client: &Client, params: Params, options: CallOptions) -> Result<Self> {
        Self::new(client, Query::new(params)?, Engine::stream(now()), options)
    }

    /// What happens from now on (or from `after_date`, or from where `cursor` was taken), for ever. No I/O.
    pub fn follow(client: &Client, params: Params, cursor: Option<&str>, options: CallOptions) -> Result<Self> {
        let query = Query::new(params)?;
        let start = query.start(cursor)?;
        Self::new(client, query, Engine::follow(&start, now()), options)
    }

    fn new(client: &Client, query: Query, engine: Engine, options: CallOptions) -> Result<Self> {
        if options.cache == CacheUse::Only {
            return Err(Error::new(
                ErrorKind::NotFound,
                "events are never cached, and the stream was not to ask the server",
            ));
        }
        let deliveries = Deliveries::new(cursor_text(&engine, &query));
        let state = State {
            engine,
            backoff: Backoff::default(),
            not_before: None,
            is_busy: false,
            in_flight: None,
            deliveries,
        };
        Ok(Self(Arc::new(Shared {
            client: client.clone(),
            options,
            query,
            closing: watch::Sender::new(false),
            state: Mutex::new(state),
        })))
    }

    /// Waits for the next page, up to `timeout`; none: asks once and at once, and waits for nothing but the answer.
    ///
    /// After an error the next call goes on where this one failed. What a call did not wait for, the next call gets.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Next> {
        self.wait_next(timeout).map(Delivery::pick_up)
    }

    /// The same for a host that may fail to take what it gets.
    pub(crate) fn wait_next(&self, timeout: Option<Duration>) -> Result<Delivery> {
        callback::refuse_to_block()?;
        let until = self.until(timeout);
        let mut begins = true;
        let mut may_ask_the_host = true;
        loop {
            let end = if timeout.is_none() { until } else { until.min(Instant::now() + PIECE) };
            let late = Arc::clone(&self.0);
            let (reply, waiter) = handover::pair(move |given: Result<Given>| {
                if let Ok(given) = given {
                    late.lock().deliveries.take_back(given);
                }
            });
            self.start(end, timeout.is_none(), None, begins, || reply)?;
            begins = false;
            let given = match waiter.wait(end + GRACE).unwrap_or_else(|| Ok(Given::nothing())) {
                // Going on asks the host for another token.
                Err(error) if may_ask_the_host && error.details().iap_token.is_some() => {
                    may_ask_the_host = false;
                    let _ = self.0.client.asks_the_host_next_time(error);
                    continue;
                }
                outcome => outcome.map_err(|error| self.0.client.asks_the_host_next_time(error))?,
            };
            let delivery = Delivery::new(given, Arc::clone(&self.0));
            if !matches!(delivery.next(), Next::NothingYet) || end >= until {
                return Ok(delivery);
            }
            delivery.pick_up();
        }
    }

    /// Until when a call of `next` may take; one without a timeout takes as long as a request.
    fn until(&self, timeout: Option<Duration>) -> Instant {
        Instant::now() + timeout.unwrap_or_else(|| self.0.client.timeout(&self.0.options))
    }

    /// The same for a host that does not wait: what comes goes to `deliver`, exactly once, on some thread. When this fails,
    /// nothing was started, and nothing is delivered. `abandoned` ends the wait, as the options' cancel does. Where the host is
    /// asked for tokens it ends after `PIECE`, too: that happens only within such a call.
    pub(crate) fn submit_next(
        &self,
        timeout: Option<Duration>,
        abandoned: Fired,
        deliver: impl FnOnce(Result<Delivery>) + Send + 'static,
    ) -> Result<()> {
        let asks_the_host = self.0.client.asks_the_host();
        let until = self.until(timeout.map(|timeout| if asks_the_host { timeout.min(PIECE) } else { timeout }));
        let shared = Arc::clone(&self.0);
        let reply = || {
            Reply::new(move |given: Result<Given>| {
                deliver(match given {
                    Ok(given) => Ok(Delivery::new(given, shared)),
                    Err(error) => Err(shared.client.asks_the_host_next_time(error)),
                });
            })
        };
        self.start(until, timeout.is_none(), Some(abandoned), true, reply)
    }

    /// What was given so far, as text that [`Stream::follow`] goes on from, in another process too.
    pub fn cursor(&self) -> String {
        let state = self.0.lock();
        let text = state.deliveries.cursor();
        String::from_utf8_lossy(text.strip_suffix(&[0]).unwrap_or(text)).into_owned()
    }

    /// The same with a NUL behind it, at a place that it keeps until the host asks the stream for more.
    pub(crate) fn show_cursor(&self) -> *const u8 {
        self.0.lock().deliveries.show()
    }

    /// Sets the shortest and the longest wait of a stream that follows. None: the default (1 s and 30 s).
    pub fn set_backoff(&self, min: Option<Duration>, max: Option<Duration>) -> Result<()> {
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(Error::argument("min_ms", "it is more than max_ms"));
        }
        self.0.lock().backoff.set(min, max);
        Ok(())
    }

    /// Ends the stream: whoever waits gets [`ErrorKind::Cancelled`], and so does every later call.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Hands a call over to the I/O thread, the first time or to wait longer. When it fails, no reply was made.
    fn start(
        &self,
        until: Instant,
        at_once: bool,
        abandoned: Option<Fired>,
        begins: bool,
        reply: impl FnOnce() -> Reply<Given>,
    ) -> Result<()> {
        let shared = &self.0;
        let allowed = Allowed { limit: shared.client.timeout(&shared.options), until };
        let prepared = shared.client.prepare(allowed)?;
        {
            let mut state = shared.lock();
            if state.is_busy {
                return Err(Error::new(ErrorKind::InvalidState, "another call waits for this stream's next page"));
            }
            state.is_busy = true;
            if begins {
                state.deliveries.forget_shown();
            }
        }
        let turn = Turn { busy: Busy(Arc::clone(shared)), reply: reply() };
        let round = Round {
            until,
            at_once,
            thread: prepared.thread.generation,
            cancelled: [shared.options.cancel.as_ref().map(Cancel::fired), abandoned],
            iap: prepared.iap,
            asked: false,
        };
        prepared.thread.spawn(turn.serve(round));
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, mut round: Round) -> Result<Given> {
        let mut client_closing = self.client.closing();
        let mut closing = self.closing.subscribe();
        let cancelled = std::mem::take(&mut round.cancelled);
        let outcome = tokio::select! {
            biased;
            _ = client_closing.wait_for(|closing| *closing) => Err("the client was closed"),
            _ = closing.wait_for(|closing| *closing) => Err("the stream was freed"),
            () = Fired::any(cancelled) => Err("the stream was cancelled"),
            given = self.find(round) => Ok(given),
        };
        outcome.unwrap_or_else(|why| {
            self.lock().in_flight = None;
            Err(Error::new(ErrorKind::Cancelled, why))
        })
    }

    /// Asks for pages until one has something new, or the time is up.
    async fn find(&self, mut round: Round) -> Result<Given> {
        loop {
            let step = {
                let mut state = self.lock();
                if let Some(given) = state.deliveries.give_again() {
                    return Ok(given);
                }
                state.engine.next()
            };
            match step {
                Step::Ask(_) if !self.may_send(&round).await? => return Ok(self.given(Next::NothingYet)),
                Step::Ask(request) => match self.ask(request, &mut round).await {
                    Ok(Some(answer)) => {
                        if let Some(page) = self.accept(answer) {
                            return Ok(self.given(Next::Page(page)));
                        }
                    }
                    Ok(None) => return Ok(self.given(Next::NothingYet)),
                    Err(error) => self.settle(error)?,
                },
                Step::Wait => {
                    if (round.at_once && round.asked) || !self.wait(&round).await {
                        return Ok(self.given(Next::NothingYet));
                    }
                    self.lock().engine.poll();
                }
                Step::End => return Ok(self.given(Next::End)),
                Step::Lost => {
                    self.lock().engine.told();
                    return Err(Error::new(
                        ErrorKind::BadResponse,
                        "workspace.get_events: page after page brings only events that were given before, and never the end",
                    ));
                }
            }
        }
    }

    /// Waits for the token that a request needs, unless one is under way. Says whether there is one, or else the time was up.
    async fn may_send(&self, round: &Round) -> Result<bool> {
        if round.iap.is_here() || self.lock().in_flight.is_some() {
            return Ok(true);
        }
        match tokio::time::timeout_at(round.until.into(), round.iap.wait()).await {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// The answer to a request, or none when the time is up before it comes: then it stays under way.
    async fn ask(&self, request: Request, round: &mut Round) -> Result<Option<Arc<Answer>>> {
        let (waiting, failed) = {
            let mut state = self.lock();
            (state.in_flight.take(), state.backoff.is_under_way())
        };
        let mut in_flight = match waiting {
            Some(in_flight) => in_flight,
            None if failed && !self.wait(round).await => return Ok(None),
            None if !self.leave_alone(round).await => return Ok(None),
            None if round.asked && Instant::now() >= round.until => return Ok(None),
            None => self.send(request, round.thread)?,
        };
        round.asked = true;
        let answer = tokio::select! {
            biased;
            answer = &mut in_flight.answer => answer,
            () = tokio::time::sleep_until(round.until.into()) => {
                self.lock().in_flight = Some(in_flight);
                return Ok(None);
            }
        };
        let gone = |_| Error::new(ErrorKind::Cancelled, "the library was shut down while this request was under way");
        answer.map_err(gone)?.map(Some)
    }

    /// Sends a request on a task of its own: it is not lost when the one who waits for it has gone.
    fn send(&self, request: Request, thread: u64) -> Result<InFlight> {
        let params = self.query.params(request)?;
        let allowed = Allowed::from_now(self.client.timeout(&self.options));
        let client = self.client.clone();
        let (sender, answer) = oneshot::channel();
        // Whoever does not want the answer any more has dropped the receiver.
        let reply = Reply::new(move |answer| drop(sender.send(answer)));
        let task = tokio::spawn(async move { reply.send(client.ask(&params, allowed, thread).await) });
        Ok(InFlight { answer, task: task.abort_handle() })
    }

    /// The events of an answer that were not given before, if there are any.
    fn accept(&self, answer: Arc<Answer>) -> Option<Arc<Answer>> {
        let table = answer.table()?;
        let item = |row| {
            let id = table.text(row, event::COLUMNS.id.index()).unwrap_or_default();
            Item { id, at: table.time_us(row, event::COLUMNS.created_at.index()) }
        };
        let items: Vec<Item<'_>> = (0..table.len()).map(item).collect();
        let mut state = self.lock();
        state.backoff.end();
        let rows = state.engine.accept(&items);
        drop(state);
        if rows.is_empty() {
            return None;
        }
        if rows.len() == table.len() {
            return Some(answer);
        }
        let is_new = |row| u32::try_from(row).is_ok_and(|row| rows.binary_search(&row).is_ok());
        answer.filtered(|_, row| is_new(row)).map(Arc::new)
    }

    /// A refusal may be a page behind the end. Everything else is the caller's to know, and the next call asks again.
    fn settle(&self, error: Error) -> Result<()> {
        let mut state = self.lock();
        let refused =
            error.kind() == ErrorKind::Http && error.http_status().is_some_and(|status| REFUSALS.contains(&status));
        if refused && state.engine.refused() {
            return Ok(());
        }
        state.not_before = error.details().retry_after.map(|wait| Instant::now() + wait);
        if state.engine.follows() && error.details().iap_token.is_none() {
            state.backoff.until();
        }
        Err(error)
    }

    /// Waits for as long as the server asked for, however long that is. Says whether the wait is over, or else the time was up; who
    /// asks at once does not wait.
    async fn leave_alone(&self, round: &Round) -> bool {
        let Some(not_before) = self.lock().not_before else { return true };
        if !round.at_once {
            tokio::time::sleep_until(not_before.min(round.until).into()).await;
        }
        Instant::now() >= not_before
    }

    /// Waits before asking for what is new. Says whether the wait is over, or else the time was up.
    async fn wait(&self, round: &Round) -> bool {
        let over = {
            let mut state = self.lock();
            if state.engine.has_news() && !state.backoff.is_under_way() {
                state.backoff.reset();
            }
            if round.at_once { Instant::now() } else { state.backoff.until() }
        };
        if over > round.until {
            tokio::time::sleep_until(round.until.into()).await;
            return false;
        }
        tokio::time::sleep_until(over.into()).await;
        self.lock().backoff.end();
        true
    }

    fn given(&self, next: Next) -> Given {
        let mut state = self.lock();
        let cursor = cursor_text(&state.engine, &self.query);
        state.deliveries.give(next, cursor)
    }
}

impl Turn {
    async fn serve(self, round: Round) {
        // Made here, on the library's thread: the host's may have little stack.
        let given = Box::pin(self.busy.0.run(round)).await;
        let Self { busy, reply } = self;
        drop(busy);
        reply.send(given);
    }
}

/// Unix microseconds.
fn now() -> i64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn cursor_text(engine: &Engine, query: &Query) -> Arc<[u8]> {
    let mut text = engine.cursor().into_text(query.fingerprint()).into_bytes();
    text.push(0);
    text.into()
}
