//! Fetching pages until one has new events, on the I/O thread.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::ack::Unacked;
use super::claim::Claim;
use super::engine::Step;
use super::in_flight::InFlight;
use super::page::Item;
use super::pending_next::{NextCall, Stop};
use super::request::Request;
use super::stream::{Next, Shared, State, cursor};
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::cancel::Fired;
use crate::client::TimeLimit;
use crate::error::{Error, ErrorKind, Result};
use crate::records::{Table, event};
use crate::service::Params;
use crate::sync::MutexGuard;

/// Statuses with which some servers reject a page past the last one.
const PAST_END_STATUSES: [u16; 4] = [400, 404, 416, 422];

impl Shared {
    /// Runs one call of `next`.
    pub(super) async fn run(&self, mut call: NextCall) -> Result<Unacked, Stop> {
        let (client_closing, closing) = (self.client.closing(), self.closing.fired());
        let tokens = [self.cancelled(), call.abandoned.clone()];
        let (claim, thread) = (call.claim, call.thread);
        let interrupted = tokio::select! {
            biased;
            () = client_closing.wait() => "the client was closed",
            () = closing.wait() => "the stream was freed",
            () = Fired::any(&tokens) => "the stream was cancelled",
            outcome = self.requeued_page(claim, thread) => return outcome,
            outcome = self.fetch_next(&mut call) => return outcome,
        };
        self.claimed(claim)?.drop_requests();
        Err(Error::new(ErrorKind::Cancelled, interrupted).into())
    }

    /// The state, while the call has its claim: whatever changes it goes through here.
    fn claimed(&self, claim: Claim) -> Result<MutexGuard<'_, State>, Stop> {
        Some(self.lock()).filter(|state| state.claims.is_held(claim)).ok_or(Stop::LostClaim)
    }

    /// Waits for a page that is to be delivered again.
    async fn requeued_page(&self, claim: Claim, thread: u64) -> Result<Unacked, Stop> {
        loop {
            // Before the look at the state: it is told of every page requeued from here on.
            let requeued = self.requeued.notified();
            {
                let mut state = self.claimed(claim)?;
                if let Some(unacked) = state.acks.redeliver() {
                    state.end(claim);
                    self.send_ahead(&mut state, thread);
                    return Ok(unacked);
                }
            }
            requeued.await;
        }
    }

    /// Fetches pages until one has new events or the deadline passes.
    async fn fetch_next(&self, call: &mut NextCall) -> Result<Unacked, Stop> {
        loop {
            let step = self.claimed(call.claim)?.next_step();
            match step {
                Step::Fetch(_) if !self.wait_for_token(call).await? => return self.deliver(call, Next::NothingYet),
                Step::Fetch(request) => {
                    if !self.send(request, call).await? {
                        return self.deliver(call, Next::NothingYet);
                    }
                    call.requested = true;
                    match tokio::time::timeout_at(call.deadline.into(), self.answer(call)).await {
                        Ok(outcome) => {
                            if let Some(unacked) = outcome? {
                                return Ok(unacked);
                            }
                        }
                        Err(_) => return self.deliver(call, Next::NothingYet),
                    }
                }
                Step::Wait => {
                    if (call.no_wait && call.requested) || !self.wait_backoff(call).await? {
                        return self.deliver(call, Next::NothingYet);
                    }
                    self.claimed(call.claim)?.engine.poll();
                }
                Step::End => return self.deliver(call, Next::End),
                Step::Failed(why) => {
                    let mut state = self.claimed(call.claim)?;
                    state.engine.clear_failure();
                    state.end(call.claim);
                    let message = format!("workspace.get_events: {why}");
                    return Err(Stop::Failed(Error::new(ErrorKind::BadResponse, message)));
                }
            }
        }
    }

    /// Waits for the token that a request needs, unless one is in flight. Returns false if the deadline passes first.
    async fn wait_for_token(&self, call: &NextCall) -> Result<bool> {
        if call.iap.is_ready() || self.lock().is_requested() {
            return Ok(true);
        }
        match tokio::time::timeout_at(call.deadline.into(), call.iap.wait()).await {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Sends a request, unless one is in flight, as soon as it may be sent. Returns false if the deadline passes first.
    async fn send(&self, request: Request, call: &NextCall) -> Result<bool, Stop> {
        let (is_sent, has_failed) = {
            let state = self.lock();
            (state.is_requested(), state.backoff.is_waiting())
        };
        if !is_sent {
            if has_failed && !self.wait_backoff(call).await? || !self.wait_retry_after(call).await {
                return Ok(false);
            }
            if call.requested && Instant::now() >= call.deadline {
                return Ok(false);
            }
        }
        let mut state = self.claimed(call.claim)?;
        if state.in_flight.is_none() {
            state.in_flight = state.ahead.pop_front();
        }
        if state.in_flight.is_none() {
            self.send_now(&mut state, request, call.thread)?;
        }
        if let Some(in_flight) = &state.in_flight {
            in_flight.set_abandoned(call.abandoned.clone());
        }
        Ok(true)
    }

    /// Sends the request for the next page, and those for the pages to read ahead.
    fn send_now(&self, state: &mut State, request: Request, thread: u64) -> Result<()> {
        state.in_flight = Some(self.start_request(self.query.params(request)?, thread));
        if let Some(more) = state.read_ahead.checked_sub(1) {
            for request in state.engine.requests_ahead(more) {
                let mut in_flight = self.start_request(self.query.params(request)?, thread);
                in_flight.ahead = Some(request);
                state.ahead.push_back(in_flight);
            }
        }
        Ok(())
    }

    fn start_request(&self, params: Params, thread: u64) -> InFlight {
        let limit = TimeLimit::from_now(self.client.timeout(&self.options));
        let cancelled = [self.cancelled(), Some(self.closing.fired())];
        InFlight::send(self.client.clone(), params, limit, cancelled, thread)
    }

    /// After a page: sends the request for the next one, if that is wanted, and a call would not have to wait first.
    fn send_ahead(&self, state: &mut State, thread: u64) {
        let must_wait = state.backoff.is_waiting()
            || state.not_before.is_some_and(|not_before| Instant::now() < not_before)
            || self.client.needs_iap_token();
        if state.read_ahead == 0 || state.is_requested() || must_wait {
            return;
        }
        // An error of the parameters is that of the next call.
        if let Step::Fetch(request) = state.next_step() {
            let _ = self.send_now(state, request, thread);
        }
    }

    /// Waits for the answer to the request in flight, and delivers its new events. None: it has none.
    async fn answer(&self, call: &NextCall) -> Result<Option<Unacked>, Stop> {
        poll_fn(|cx| {
            let mut state = self.claimed(call.claim)?;
            let Some(in_flight) = &mut state.in_flight else { return Poll::Ready(Ok(None)) };
            let answer = std::task::ready!(Pin::new(&mut in_flight.answer).poll(cx));
            let ahead = state.in_flight.take().and_then(|in_flight| in_flight.ahead);
            let Ok(answer) = answer else {
                state.ahead.clear();
                let message = "the library was shut down while this request was in progress";
                return Poll::Ready(Err(Error::new(ErrorKind::Cancelled, message).into()));
            };
            Poll::Ready(match (answer, ahead) {
                (Err(error), Some(request)) => {
                    state.fail_ahead(request, &error);
                    Ok(None)
                }
                (Ok(answer), ahead) => {
                    let page = new_events(&mut state, answer, ahead);
                    *self.client.list_habits() = state.engine.habits();
                    Ok(page.map(|page| self.deliver_from(&mut state, call, Next::Page(page))))
                }
                (Err(error), None) => handle_error(&mut state, call.claim, error).map(|()| None),
            })
        })
        .await
    }

    /// Waits for the server's `Retry-After`, however long it is. Returns false if the deadline passes first, or at once with
    /// `no_wait`.
    async fn wait_retry_after(&self, call: &NextCall) -> bool {
        let Some(not_before) = self.lock().not_before else { return true };
        if !call.no_wait {
            tokio::time::sleep_until(not_before.min(call.deadline).into()).await;
        }
        Instant::now() >= not_before
    }

    /// Waits before the next poll. Returns false if the deadline passes first.
    async fn wait_backoff(&self, call: &NextCall) -> Result<bool, Stop> {
        let end = {
            let mut state = self.claimed(call.claim)?;
            if state.engine.has_delivered() && !state.backoff.is_waiting() {
                state.backoff.reset();
            }
            if call.no_wait { Instant::now() } else { state.backoff.deadline() }
        };
        if end > call.deadline {
            tokio::time::sleep_until(call.deadline.into()).await;
            return Ok(false);
        }
        tokio::time::sleep_until(end.into()).await;
        self.claimed(call.claim)?.backoff.finish();
        Ok(true)
    }

    fn deliver(&self, call: &NextCall, next: Next) -> Result<Unacked, Stop> {
        let mut state = self.claimed(call.claim)?;
        Ok(self.deliver_from(&mut state, call, next))
    }

    /// Ends the claim with a result: from here on it is the caller's.
    fn deliver_from(&self, state: &mut State, call: &NextCall, next: Next) -> Unacked {
        let cursor = cursor(&state.engine, &self.query);
        state.end(call.claim);
        let unacked = state.acks.deliver(next, cursor);
        if matches!(unacked.next, Next::Page(_)) {
            self.send_ahead(state, call.thread);
        }
        unacked
    }
}

impl State {
    /// What to do next. Unless it is a request, nothing needs what was requested ahead.
    fn next_step(&mut self) -> Step {
        let step = self.engine.next();
        if !matches!(step, Step::Fetch(_)) {
            self.ahead.clear();
        }
        step
    }

    /// Whether the next page was requested.
    fn is_requested(&self) -> bool {
        self.in_flight.is_some() || !self.ahead.is_empty()
    }

    /// A request ahead has failed: its page is requested by date, and only a failure of that is one of the stream.
    fn fail_ahead(&mut self, request: Request, error: &Error) {
        self.engine.miss_ahead(request);
        self.ahead.clear();
        self.note_retry_after(error);
    }

    fn note_retry_after(&mut self, error: &Error) {
        self.not_before = error.details().retry_after.map(|wait| Instant::now() + wait);
    }
}

/// What an unpaired surrogate and U+0000 are decoded to: U+FFFD, in UTF-8.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The events of an answer that were not delivered before, if there are any. `ahead`: the request, if it was for a page ahead.
fn new_events(state: &mut State, answer: Arc<Answer>, ahead: Option<Request>) -> Option<Arc<Answer>> {
    let table = answer.table()?;
    let item = |row| {
        let event = table.record(row)?;
        let id = event.text_bytes(event::COLUMNS.id.index()).unwrap_or_default();
        // Two ids that C cannot tell apart, because a string cannot contain U+0000, are told apart by their JSON.
        let may_differ = memchr(REPLACEMENT[0], id).is_some() && memmem::find(id, REPLACEMENT).is_some();
        let id = if may_differ { id_as_sent(table, row).unwrap_or(id) } else { id };
        Some(Item { id, at: event.time_us(event::COLUMNS.created_at.index()) })
    };
    let mut items = Vec::with_capacity(table.len());
    items.extend((0..table.len()).filter_map(item));
    state.backoff.finish();
    let rows = match ahead {
        Some(request) => state.engine.accept_ahead(request, &items).unwrap_or_default(),
        None => state.engine.accept(&items),
    };
    if rows.is_empty() {
        // After a page ahead that has nothing new, the others do not follow.
        state.ahead.clear();
        return None;
    }
    if rows.len() == table.len() {
        return Some(answer);
    }
    let is_new = |row| u32::try_from(row).is_ok_and(|row| rows.binary_search(&row).is_ok());
    answer.filtered(|_, row| is_new(row)).map(Arc::new)
}

/// The JSON of an event's id.
fn id_as_sent(table: &Table, row: usize) -> Option<&[u8]> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        id: &'a RawValue,
    }
    let event: Event<'_> = serde_json::from_slice(table.element_json(row)).ok()?;
    Some(event.id.get().as_bytes())
}

/// Passes over the rejection of a page past the end. Returns every other error; the next call repeats the request.
fn handle_error(state: &mut State, claim: Claim, error: Error) -> Result<(), Stop> {
    // They follow a page that there is not.
    state.ahead.clear();
    let is_rejection = error.kind() == ErrorKind::Http
        && error.http_status().is_some_and(|status| PAST_END_STATUSES.contains(&status));
    if is_rejection && state.engine.page_rejected() {
        return Ok(());
    }
    if error.kind() == ErrorKind::ResponseTooLarge && state.engine.size_rejected() {
        return Ok(());
    }
    state.note_retry_after(&error);
    if state.engine.follows() && error.details().iap_token.is_none() {
        state.backoff.deadline();
    }
    state.end(claim);
    Err(error.into())
}
