//! Fetching pages until one has new events, on the I/O thread.

use std::sync::Arc;
use std::time::Instant;

use super::ack::Unacked;
use super::engine::Step;
use super::in_flight::InFlight;
use super::pending_next::NextCall;
use super::request::Request;
use super::stream::{Next, Shared, cursor_text};
use super::sweep::Item;
use crate::answer::Answer;
use crate::cancel::Fired;
use crate::client::TimeLimit;
use crate::error::{Error, ErrorKind, Result};
use crate::records::event;

/// Statuses with which some servers reject a page past the last one.
const PAST_END_STATUSES: [u16; 4] = [400, 404, 416, 422];

impl Shared {
    /// Runs one call of `next`.
    pub(super) async fn run(&self, mut call: NextCall) -> Result<Unacked> {
        let (client_closing, closing) = (self.client.closing(), self.closing.fired());
        let tokens = [call.cancelled.take(), call.abandoned.clone()];
        let outcome = tokio::select! {
            biased;
            () = client_closing.wait() => Err("the client was closed"),
            () = closing.wait() => Err("the stream was freed"),
            () = Fired::any(&tokens) => Err("the stream was cancelled"),
            result = self.fetch_next(call) => Ok(result),
        };
        outcome.unwrap_or_else(|why| {
            self.lock().in_flight = None;
            Err(Error::new(ErrorKind::Cancelled, why))
        })
    }

    /// Fetches pages until one has new events or the deadline passes.
    async fn fetch_next(&self, mut call: NextCall) -> Result<Unacked> {
        loop {
            let step = {
                let mut state = self.lock();
                if let Some(unacked) = state.acks.redeliver() {
                    return Ok(unacked);
                }
                state.engine.next()
            };
            match step {
                Step::Fetch(_) if !self.wait_for_token(&call).await? => return Ok(self.deliver(Next::NothingYet)),
                Step::Fetch(request) => match self.fetch(request, &mut call).await {
                    Ok(Some(answer)) => {
                        if let Some(page) = self.new_events(answer) {
                            return Ok(self.deliver(Next::Page(page)));
                        }
                    }
                    Ok(None) => return Ok(self.deliver(Next::NothingYet)),
                    Err(error) => self.handle_error(error)?,
                },
                Step::Wait => {
                    if (call.no_wait && call.requested) || !self.wait_backoff(&call).await {
                        return Ok(self.deliver(Next::NothingYet));
                    }
                    self.lock().engine.poll();
                }
                Step::End => return Ok(self.deliver(Next::End)),
                Step::Failed => {
                    self.lock().engine.clear_failure();
                    return Err(Error::new(
                        ErrorKind::BadResponse,
                        "workspace.get_events: the server keeps returning pages without new events, and never a last one",
                    ));
                }
            }
        }
    }

    /// Waits for the token that a request needs, unless one is in flight. Returns false if the deadline passes first.
    async fn wait_for_token(&self, call: &NextCall) -> Result<bool> {
        if call.iap.is_ready() || self.lock().in_flight.is_some() {
            return Ok(true);
        }
        match tokio::time::timeout_at(call.deadline.into(), call.iap.wait()).await {
            Ok(outcome) => outcome.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// The answer to a request. None if the deadline passes first: the request then stays in flight.
    async fn fetch(&self, request: Request, call: &mut NextCall) -> Result<Option<Arc<Answer>>> {
        let (in_flight, has_failed) = {
            let mut state = self.lock();
            (state.in_flight.take(), state.backoff.is_waiting())
        };
        let mut in_flight = match in_flight {
            Some(in_flight) => in_flight,
            None if has_failed && !self.wait_backoff(call).await => return Ok(None),
            None if !self.wait_retry_after(call).await => return Ok(None),
            None if call.requested && Instant::now() >= call.deadline => return Ok(None),
            None => {
                let limit = TimeLimit::from_now(self.client.timeout(&self.options));
                let cancelled = [self.cancelled(), Some(self.closing.fired())];
                InFlight::send(self.client.clone(), self.query.params(request)?, limit, cancelled, call.thread)
            }
        };
        call.requested = true;
        in_flight.set_abandoned(call.abandoned.clone());
        let answer = tokio::select! {
            biased;
            answer = &mut in_flight.answer => answer,
            () = tokio::time::sleep_until(call.deadline.into()) => {
                in_flight.set_abandoned(None);
                self.lock().in_flight = Some(in_flight);
                return Ok(None);
            }
        };
        let shut_down =
            |_| Error::new(ErrorKind::Cancelled, "the library was shut down while this request was in progress");
        answer.map_err(shut_down)?.map(Some)
    }

    /// The events of an answer that were not delivered before, if there are any.
    fn new_events(&self, answer: Arc<Answer>) -> Option<Arc<Answer>> {
        let table = answer.table()?;
        let item = |row| {
            let id = table.text(row, event::COLUMNS.id.index()).unwrap_or_default();
            Item { id, at: table.time_us(row, event::COLUMNS.created_at.index()) }
        };
        let items: Vec<Item<'_>> = (0..table.len()).map(item).collect();
        let mut state = self.lock();
        state.backoff.finish();
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

    /// Passes over the rejection of a page past the end. Returns every other error; the next call repeats the request.
    fn handle_error(&self, error: Error) -> Result<()> {
        let mut state = self.lock();
        let is_rejection = error.kind() == ErrorKind::Http
            && error.http_status().is_some_and(|status| PAST_END_STATUSES.contains(&status));
        if is_rejection && state.engine.page_rejected() {
            return Ok(());
        }
        state.not_before = error.details().retry_after.map(|wait| Instant::now() + wait);
        if state.engine.follows() && error.details().iap_token.is_none() {
            state.backoff.deadline();
        }
        Err(error)
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
    async fn wait_backoff(&self, call: &NextCall) -> bool {
        let end = {
            let mut state = self.lock();
            if state.engine.has_delivered() && !state.backoff.is_waiting() {
                state.backoff.reset();
            }
            if call.no_wait { Instant::now() } else { state.backoff.deadline() }
        };
        if end > call.deadline {
            tokio::time::sleep_until(call.deadline.into()).await;
            return false;
        }
        tokio::time::sleep_until(end.into()).await;
        self.lock().backoff.finish();
        true
    }

    fn deliver(&self, next: Next) -> Unacked {
        let mut state = self.lock();
        let cursor = cursor_text(&state.engine, &self.query);
        state.acks.deliver(next, cursor)
    }
}
