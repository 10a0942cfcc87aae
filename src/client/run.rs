//! A call on the I/O thread: joins the request in flight or starts one, and waits for it.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use super::write::Write;
use super::{Inner, TimeLimit};
use crate::answer::Answer;
use crate::auth::PendingIapToken;
use crate::cache::Lookup;
use crate::cancel::{CancelSources, CancelledBy};
use crate::error::{Error, Result};
use crate::progress::Tracking;
use crate::records;
use crate::service::{Operation, Params, Source, Value};

/// What may interrupt a call.
pub(super) struct Interrupts {
    pub(super) limit: TimeLimit,
    pub(super) cancelled: Arc<CancelSources>,
    /// Receives the error of a call that is dropped with the I/O thread.
    pub(super) dropped: Arc<OnceLock<Error>>,
}

impl Inner {
    /// Runs a call. `thread` is the generation of the I/O thread that this runs on.
    pub(super) async fn run(
        &self,
        params: &Params,
        refresh: bool,
        interrupts: &Interrupts,
        iap: PendingIapToken,
        thread: u64,
    ) -> Result<Arc<Answer>> {
        if !iap.is_ready() {
            // Before a request is joined or started, because other calls may have more time for the token.
            let tracking = Tracking::until(interrupts.limit.deadline);
            self.interruptible(params.operation(), iap.wait(), &tracking, interrupts).await?;
        }
        let fetcher = Arc::clone(&self.fetcher);
        let Some(key) = params.cache_key() else {
            let tracking = Tracking::until(interrupts.limit.deadline);
            let write = Write::begin(&self.cache, params);
            let answer = Box::pin(fetcher.fetch(params, &tracking, thread));
            let outcome = self.interruptible(params.operation(), answer, &tracking, interrupts).await;
            return match write {
                Some(write) => write.complete(outcome),
                None => outcome,
            };
        };
        let requested = match params.operation().source {
            Source::RowsOf(list) => Params::new(list),
            Source::Endpoint(_) | Source::Request => params.clone(),
        };
        let fetch = move |tracking: Arc<Tracking>| async move { fetcher.fetch(&requested, &tracking, thread).await };
        let Interrupts { limit, cancelled, .. } = interrupts;
        let request = match self.cache.join_or_start(&key, refresh, limit.deadline, cancelled, thread, fetch) {
            // Another call cached it after this one had looked.
            Lookup::Cached(cached) => {
                self.fetcher.counters.cache_hits.add(1);
                return Ok(select_ids(cached.answer, params));
            }
            Lookup::Started(request) => request,
            Lookup::Joined(request) => {
                self.fetcher.counters.shared_requests.add(1);
                request
            }
        };
        let answer = request.wait();
        let answer = self.interruptible(params.operation(), answer, &request.tracking, interrupts).await?;
        Ok(select_ids(answer, params))
    }

    /// Waits for `work` until the call times out or is cancelled, or the client is closed.
    async fn interruptible<T>(
        &self,
        operation: &Operation,
        work: impl Future<Output = Result<T>>,
        tracking: &Tracking,
        interrupts: &Interrupts,
    ) -> Result<T> {
        let mut report = ReportDrop { inner: self, operation, tracking, dropped: &interrupts.dropped, is_done: false };
        let outcome = tokio::select! {
            biased;
            by = interrupts.cancelled.wait() => Err(self.cancelled(match by {
                CancelledBy::Closing => "the client was closed",
                CancelledBy::Token => "the call was cancelled",
            }, operation, tracking)),
            outcome = work => outcome,
            () = tokio::time::sleep_until(interrupts.limit.deadline.into()) => {
                Err(self.timed_out(operation, interrupts.limit.timeout, tracking))
            }
        };
        report.is_done = true;
        outcome
    }
}

/// Reports how far a call got that is dropped with the I/O thread.
struct ReportDrop<'a> {
    inner: &'a Inner,
    operation: &'a Operation,
    tracking: &'a Tracking,
    dropped: &'a OnceLock<Error>,
    is_done: bool,
}

impl Drop for ReportDrop<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.dropped
                .get_or_init(|| self.inner.cancelled("the library was shut down", self.operation, self.tracking));
        }
    }
}

/// The rows of a list with the ids of a call by ids. Any other answer is returned as it is.
#[inline]
pub(crate) fn select_ids(answer: Arc<Answer>, params: &Params) -> Arc<Answer> {
    if !matches!(params.operation().source, Source::RowsOf(_)) {
        return answer;
    }
    let Some(Value::TextList(ids)) = params.get("ids") else { return answer };
    let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let rows = answer.filtered(|table, row| table.text(row, records::ID).is_some_and(|id| ids.contains(id)));
    rows.map_or(answer, Arc::new)
}
