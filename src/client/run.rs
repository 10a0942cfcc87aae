//! A call on the I/O thread: joins the request in flight or starts one, and waits for it.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use super::write::Write;
use super::{Inner, TimeLimit};
use crate::answer::Answer;
use crate::auth::PendingIapToken;
use crate::cache::Lookup;
use crate::cancel::Fired;
use crate::error::Result;
use crate::progress::Tracking;
use crate::records;
use crate::service::{Operation, Params, Source, Value};

impl Inner {
    /// Runs a call. `thread` is the generation of the I/O thread that this runs on.
    pub(super) async fn run(
        &self,
        params: &Params,
        refresh: bool,
        limit: TimeLimit,
        cancelled: [Option<Fired>; 2],
        iap: PendingIapToken,
        thread: u64,
    ) -> Result<Arc<Answer>> {
        if !iap.is_ready() {
            // Before a request is joined or started, because other calls may have more time for the token.
            let tracking = Tracking::until(limit.deadline);
            self.interruptible(params.operation(), iap.wait(), &tracking, limit, cancelled.clone()).await?;
        }
        let fetcher = Arc::clone(&self.fetcher);
        let Some(key) = params.cache_key() else {
            let tracking = Tracking::until(limit.deadline);
            let write = Write::begin(&self.cache, params);
            let answer = Box::pin(fetcher.fetch(params, &tracking, thread));
            let outcome = self.interruptible(params.operation(), answer, &tracking, limit, cancelled).await;
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
        let request = match self.cache.join_or_start(&key, refresh, limit.deadline, thread, fetch) {
            Lookup::Cached(cached) => return Ok(select_ids(cached.answer, params)),
            Lookup::Started(request) => request,
            Lookup::Joined(request) => {
                self.fetcher.counters.shared_requests.add(1);
                request
            }
        };
        let answer = request.wait();
        let answer = self.interruptible(params.operation(), answer, &request.tracking, limit, cancelled).await?;
        Ok(select_ids(answer, params))
    }

    /// Waits for `work` until the call times out or is cancelled, or the client is closed.
    async fn interruptible<T>(
        &self,
        operation: &Operation,
        work: impl Future<Output = Result<T>>,
        tracking: &Tracking,
        limit: TimeLimit,
        cancelled: [Option<Fired>; 2],
    ) -> Result<T> {
        let mut closing = self.is_closing.clone();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => Err(self.cancelled("the client was closed", tracking)),
            () = Fired::any(cancelled) => Err(self.cancelled("the call was cancelled", tracking)),
            outcome = work => outcome,
            () = tokio::time::sleep_until(limit.deadline.into()) => {
                Err(self.timed_out(operation, limit.timeout, tracking))
            }
        }
    }
}

/// The rows of a list with the ids of a call by ids. Any other answer is returned as it is.
#[inline]
pub(super) fn select_ids(answer: Arc<Answer>, params: &Params) -> Arc<Answer> {
    if !matches!(params.operation().source, Source::RowsOf(_)) {
        return answer;
    }
    let Some(Value::TextList(ids)) = params.get("ids") else { return answer };
    let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let rows = answer.filtered(|table, row| table.text(row, records::ID).is_some_and(|id| ids.contains(id)));
    rows.map_or(answer, Arc::new)
}
