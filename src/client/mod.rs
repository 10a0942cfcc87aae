//! The client: calls from any thread of the host, run on the I/O thread.

mod interrupted;
mod limit;
mod run;
mod write;

pub(crate) use limit::TimeLimit;
pub(crate) use run::select_ids;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::answer::Answer;
use crate::auth::PendingIapToken;
use crate::cache::Cache;
use crate::cancel::{Cancel, CancelSources, Fired};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::fetch::Fetcher;
use crate::runtime::{callback, epoch, io_thread, oneshot};
use crate::service::{ListHabits, Operation, Params};
use crate::stats::Stats;
use interrupted::timed_out;
use run::Interrupts;

/// How long past its deadline a call waits for the I/O thread to complete it.
const GRACE: Duration = Duration::from_millis(250);

/// A client: one set of credentials, one cache. Cheap to clone; all clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    fetcher: Arc<Fetcher>,
    cache: Arc<Cache>,
    /// What streams have learnt about the server.
    list_habits: Mutex<ListHabits>,
    closing: Cancel,
    /// The process generation that opened the client.
    epoch: u32,
}

/// The options of one call.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// For the whole call. None: the client's timeout.
    pub timeout: Option<Duration>,
    /// How the cache is used.
    pub cache: CacheUse,
    /// Cancels the call when fired.
    pub cancel: Option<Cancel>,
}

/// How a call of a cached operation uses the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// Return the cached answer; without one, send a request.
    #[default]
    Use,
    /// Send a request, and cache its answer.
    Refresh,
    /// Return the cached answer; never send a request.
    Only,
}

impl Client {
    /// Opens a client. No I/O.
    pub fn open(settings: Settings) -> Result<Self> {
        let config = Arc::new(settings.check()?);
        Ok(Self(Arc::new(Inner {
            cache: Arc::new(Cache::new(config.cache_ttl)),
            list_habits: Mutex::default(),
            fetcher: Arc::new(Fetcher::new(config)),
            closing: Cancel::default(),
            epoch: epoch(),
        })))
    }

    /// Makes a call and waits for its answer.
    pub fn call(&self, params: Params, options: &CallOptions) -> Result<Arc<Answer>> {
        match self.without_request(&params, options) {
            Some(answer) => answer.map(|answer| select_ids(answer, &params)),
            None => self.call_with_request(params, options),
        }
    }

    /// Makes a call that [`Client::without_request`] has no outcome of, and waits for its answer.
    pub(crate) fn call_with_request(&self, params: Params, options: &CallOptions) -> Result<Arc<Answer>> {
        callback::ensure_can_block()?;
        let limit = TimeLimit::from_now(self.timeout(options));
        let prepared = self.prepare(limit)?;
        self.check_time(&prepared, params.operation())?;
        if !self.has_iap_provider() {
            return self.start_and_wait(prepared, params, options);
        }
        let operation = params.operation();
        match self.start_and_wait(prepared, params.clone(), options) {
            Err(error) if self.iap_rejection(&error).is_some() => {
                let log = &self.0.fetcher.config.log;
                log.info(format_args!("{error}; trying once with a new token of iap_token_provider"));
                let prepared = self.prepare(limit)?;
                if self.check_time(&prepared, operation).is_err() {
                    return Err(error);
                }
                let replayed = self.start_and_wait(prepared, params, options);
                replayed.map_err(|second| second.add_attempts_of(&error))
            }
            outcome => outcome,
        }
    }

    /// Makes a call without waiting for it. `accept` returns what is called with its answer, exactly once, on any thread, and
    /// before this returns if no request is needed. On an error, the call was not started, and nothing is called. `abandoned`
    /// cancels the call, as the cancel in the options does.
    ///
    /// `accept` runs after the host's functions, which may not return.
    pub(crate) fn submit<D: FnOnce(Result<Arc<Answer>>) + Send + 'static>(
        &self,
        params: Params,
        options: &CallOptions,
        abandoned: Fired,
        accept: impl FnOnce() -> Result<D>,
    ) -> Result<()> {
        if let Some(answer) = self.without_request(&params, options) {
            accept()?(answer.map(|answer| select_ids(answer, &params)));
        } else {
            let prepared = self.prepare(TimeLimit::from_now(self.timeout(options)))?;
            self.check_time(&prepared, params.operation())?;
            let deliver = accept()?;
            let client = self.clone();
            let reply = oneshot::Sender::from_fn(move |answer: Result<_>| {
                deliver(answer.map_err(|error| client.mark_iap_rejection(error)));
            });
            self.start(prepared, params, options, Some(abandoned), reply);
        }
        Ok(())
    }

    /// One request of a stream, whose call was prepared. Runs on the I/O thread; `thread` is its generation.
    pub(crate) async fn request(
        &self,
        params: &Params,
        limit: TimeLimit,
        cancelled: [Option<Fired>; 2],
        thread: u64,
    ) -> Result<Arc<Answer>> {
        self.0.run(params, true, &self.interrupts(limit, cancelled), PendingIapToken::ready(), thread).await
    }

    /// Clears the cache.
    pub fn clear_caches(&self) {
        self.0.cache.clear();
    }

    /// The counters since the client was opened.
    pub fn stats(&self) -> Stats {
        let counted = self.0.fetcher.counters.read();
        Stats { cache_hits: counted.cache_hits + self.0.cache.hits(), ..counted }
    }

    /// Cancels the calls in progress with [`ErrorKind::Cancelled`], and those made later. The client's functions,
    /// [`IapTokenProvider`](crate::IapTokenProvider) and [`LogSink`](crate::LogSink), are not called any more.
    pub fn close(&self) {
        self.0.fetcher.config.gate.close();
        self.0.closing.fire();
        self.0.fetcher.sign_in.abort();
    }

    /// Closes the client, and waits until none of its functions is running.
    pub fn shutdown(&self, timeout: Duration) -> Result<()> {
        callback::ensure_can_block()?;
        self.close();
        if self.0.fetcher.config.gate.wait_until_left(Instant::now() + timeout) {
            return Ok(());
        }
        let message = format!("a callback of the client has not returned after {} ms; wait again", timeout.as_millis());
        Err(Error::new(ErrorKind::TimedOut, message))
    }

    /// Whether the host provides ID tokens for the identity-aware proxy.
    pub(crate) fn has_iap_provider(&self) -> bool {
        self.0.fetcher.sign_in.iap.has_provider()
    }

    /// Whether the next call has to request an ID token from the host.
    pub(crate) fn needs_iap_token(&self) -> bool {
        self.0.fetcher.sign_in.iap.is_due()
    }

    /// The timeout of a call.
    pub(crate) fn timeout(&self, options: &CallOptions) -> Duration {
        options.timeout.unwrap_or(self.0.fetcher.config.timeout)
    }

    /// How the server lists events.
    pub(crate) fn list_habits(&self) -> MutexGuard<'_, ListHabits> {
        self.0.list_habits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fired when the client is closed.
    pub(crate) fn closing(&self) -> Fired {
        self.0.closing.fired()
    }

    fn interrupts(&self, limit: TimeLimit, tokens: [Option<Fired>; 2]) -> Interrupts {
        let cancelled = Arc::new(CancelSources { closing: self.closing(), tokens });
        Interrupts { limit, cancelled, dropped: Arc::default() }
    }

    /// Makes an error of a call that does not wait retryable if the identity-aware proxy rejected the token and a new one can help:
    /// such a call cannot request it from the host itself, the next one does.
    pub(crate) fn mark_iap_rejection(&self, error: Error) -> Error {
        match self.iap_rejection(&error) {
            Some(true) => error.with(|details| details.retry = Retry::Transient),
            _ => error,
        }
    }

    /// Prepares a call on the caller's thread. The host's token provider may run here. It cannot be interrupted, but its time
    /// counts.
    pub(crate) fn prepare(&self, limit: TimeLimit) -> Result<Prepared> {
        let inner = &self.0;
        let check_process = || {
            if inner.epoch == epoch() {
                return Ok(());
            }
            Err(Error::new(
                ErrorKind::Forked,
                "the client was opened before fork, in the parent process; open another one in this process",
            ))
        };
        check_process()?;
        let iap = inner.fetcher.sign_in.iap.prepare(&inner.fetcher.redaction)?;
        // The provider may have forked, and returned in the child too.
        check_process()?;
        Ok(Prepared { limit, iap, thread: io_thread::get_or_start()? })
    }

    /// The outcome of a call that needs no request: it is cancelled already, or only the cache is used. With all rows, of which
    /// [`select_ids`] selects those of the call. Does not block.
    #[inline]
    pub(crate) fn without_request(&self, params: &Params, options: &CallOptions) -> Option<Result<Arc<Answer>>> {
        if options.cancel.as_ref().is_some_and(Cancel::is_fired) {
            return Some(Err(Error::new(ErrorKind::Cancelled, "the call was cancelled before it began")));
        }
        let cached = match options.cache {
            CacheUse::Refresh => None,
            CacheUse::Use | CacheUse::Only => params.cache_key().and_then(|key| self.0.cache.get(&key)),
        };
        match cached {
            Some(answer) => Some(Ok(answer)),
            None => (options.cache == CacheUse::Only).then(|| Err(not_cached(params.operation()))),
        }
    }

    /// If the identity-aware proxy rejected its token, the next call requests a new one from the host. Then this returns whether that
    /// can help.
    fn iap_rejection(&self, error: &Error) -> Option<bool> {
        error.details().iap_token.map(|generation| self.0.fetcher.sign_in.iap.mark_rejected(generation))
    }

    /// Fails if the host's token provider took all the time of the call.
    fn check_time(&self, prepared: &Prepared, operation: &Operation) -> Result<()> {
        let TimeLimit { timeout, deadline } = prepared.limit;
        if !self.has_iap_provider() || Instant::now() < deadline {
            return Ok(());
        }
        let message = timed_out(operation.name, timeout, "iap_token_provider");
        Err(Error::new(ErrorKind::TimedOut, message).with(|details| details.retry = Retry::Transient))
    }

    fn start_and_wait(&self, prepared: Prepared, params: Params, options: &CallOptions) -> Result<Arc<Answer>> {
        let (reply, waiter) = oneshot::channel();
        let (operation, TimeLimit { timeout, deadline }) = (params.operation(), prepared.limit);
        self.start(prepared, params, options, None, reply);
        waiter.recv_until(deadline + GRACE).unwrap_or_else(|| {
            let message = timed_out(operation.name, timeout, "the library's I/O thread, which is too busy");
            Err(Error::new(ErrorKind::TimedOut, message))
        })
    }

    /// Starts a call on the I/O thread.
    fn start(
        &self,
        prepared: Prepared,
        params: Params,
        options: &CallOptions,
        abandoned: Option<Fired>,
        reply: oneshot::Sender<Arc<Answer>>,
    ) {
        let Prepared { limit, iap, thread } = prepared;
        let cancelled = [options.cancel.as_ref().map(Cancel::fired), abandoned];
        let refresh = options.cache == CacheUse::Refresh;
        let client = Arc::clone(&self.0);
        let generation = thread.generation;
        let interrupts = self.interrupts(limit, cancelled);
        let reply = reply.report_drop_with(Arc::clone(&interrupts.dropped));
        thread.spawn(async move {
            // Created on the I/O thread: the future takes kilobytes of stack, which the host's thread may not have.
            let answer = Box::pin(client.run(&params, refresh, &interrupts, iap, generation)).await;
            reply.send(answer);
        });
    }
}

/// A call that can be started.
pub(crate) struct Prepared {
    pub(crate) limit: TimeLimit,
    /// Has to be ready before a request is sent.
    pub(crate) iap: PendingIapToken,
    pub(crate) thread: io_thread::IoHandle,
}

fn not_cached(operation: &Operation) -> Error {
    let why = if operation.is_cached() { "nothing is cached" } else { "it is never cached" };
    Error::new(ErrorKind::NotFound, format!("{}: {why}, and KAL_CACHE_ONLY sends no request", operation.name))
}
