//! The effect of a write on the cache.

use std::sync::Arc;

use crate::answer::Answer;
use crate::cache::Cache;
use crate::error::{ErrorKind, Result, Retry};
use crate::retry::is_unprocessed;
use crate::service::Params;

/// A request that may change data that is cached. On drop, clears the cached answers that it may have changed: dropped before
/// [`Write::complete`], it counts as processed.
pub(super) struct Write<'a> {
    cache: &'a Cache,
    params: &'a Params,
    may_be_processed: bool,
}

impl<'a> Write<'a> {
    /// None for a call that only reads.
    pub(super) fn begin(cache: &'a Cache, params: &'a Params) -> Option<Self> {
        // Not `then_some`, which would create one, and drop it, for every read.
        params.is_write().then(|| Self { cache, params, may_be_processed: true })
    }

    /// Completes the write. After a failure that leaves open whether the server processed it, the caches are cleared too, and the
    /// error is not retryable.
    pub(super) fn complete(mut self, outcome: Result<Arc<Answer>>) -> Result<Arc<Answer>> {
        let Err(error) = outcome else { return outcome };
        let is_response = error.kind() == ErrorKind::Http;
        let is_rejected = is_response && matches!(error.http_status(), Some(400..=407 | 409..=499));
        self.may_be_processed = !is_rejected && !is_unprocessed(&error);
        Err(if self.may_be_processed { error.with(|details| details.retry = Retry::Never) } else { error })
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if self.may_be_processed {
            self.cache.clear_of(|cached| self.params.may_change(cached));
        }
    }
}
