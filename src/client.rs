//! The client: calls from any thread of the host, done on the I/O thread.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::answer::Answer;
use crate::auth::PendingIapToken;
use crate::cache::{Cache, Lookup};
use crate::cancel::{Cancel, Fired};
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result, Retry};
use crate::fetch::Fetcher;
use crate::progress::{Snapshot, Step, Tracking, Waiting};
use crate::records;
use crate::retry::is_unprocessed;
use crate::runtime::{callback, epoch, io_thread, oneshot};
use crate::service::{Operation, Params, Source, Value};
use crate::stats::Stats;

/// How much longer than its deadline a call waits for the I/O thread to say that it is over.
const GRACE: Duration = Duration::from_millis(250);

/// A client: one set of credentials, one cache. Cheap to clone; every clone is the same client.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    fetcher: Arc<Fetcher>,
    cache: Arc<Cache>,
    closing: watch::Sender<bool>,
    /// Keeps the channel from noticing, call by call, that nobody listens any more.
    is_closing: watch::Receiver<bool>,
    /// The process generation it was made in.
    epoch: u32,
}

/// How long a call may take, and until when that is.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) limit: Duration,
    pub(crate) until: Instant,
}

impl Allowed {
    pub(crate) fn from_now(limit: Duration) -> Self {
        Self { limit, until: Instant::now() + limit }
    }
}

/// How one call is made.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// For the whole call; none: the client's.
    pub timeout: Option<Duration>,
    /// Where the answer may come from.
    pub cache: CacheUse,
    /// Cancels the call when fired.
    pub cancel: Option<Cancel>,
}

/// Where the answer of a cached operation may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// The cache, and the server when nothing is there.
    #[default]
    Use,
    /// The server; the answer is kept.
    Refresh,
    /// The cache alone.
    Only,
}

impl Client {
    /// Opens a client. No I/O.
    pub fn open(settings: Settings) -> Result<Self> {
        let config = Arc::new(settings.check()?);
        let (closing, is_closing) = watch::channel(false);
        Ok(Self(Arc::new(Inner {
            cache: Arc::new(Cache::new(config.cache_ttl)),
            fetcher: Arc::new(Fetcher::new(config)),
            closing,
            is_closing,
            epoch: epoch(),
        })))
    }

    /// Makes a call and waits for its answer.
    pub fn call(&self, params: Params, options: &CallOptions) -> Result<Arc<Answer>> {
        if let Some(answer) = self.at_once(&params, options) {
            return answer;
        }
        callback::ensure_can_block()?;
        let allowed = Allowed::from_now(self.timeout(options));
        let prepared = self.prepare(allowed)?;
        self.check_time(&prepared, params.operation())?;
        if !self.asks_the_host() {
            return self.wait(prepared, params, options);
        }
        let operation = params.operation();
        match self.wait(prepared, params.clone(), options) {
            Err(error) if self.was_refused_by_proxy(&error).is_some() => {
                log::info!("{error}; trying once with a new token of iap_token_provider");
                let prepared = self.prepare(allowed)?;
                if self.check_time(&prepared, operation).is_err() {
                    return Err(error);
                }
                self.wait(prepared, params, options)
            }
            outcome => outcome,
        }
    }

    /// Hands a call over and waits for its answer.
    fn wait(&self, prepared: Prepared, params: Params, options: &CallOptions) -> Result<Arc<Answer>> {
        let (reply, waiter) = oneshot::channel();
        let (operation, Allowed { limit, until }) = (params.operation(), prepared.allowed);
        self.start(prepared, params, options, None, reply);
        waiter.recv_until(until + GRACE).unwrap_or_else(|| {
            let message = format!(
                "{}: timed out after {} ms, and the library's thread was too busy to say so",
                operation.name,
                limit.as_millis()
            );
            Err(Error::new(ErrorKind::TimedOut, message))
        })
    }

    /// Whether the identity-aware proxy refused its token: then the next call asks the host for another one, and this says
    /// whether that is known to help.
    fn was_refused_by_proxy(&self, error: &Error) -> Option<bool> {
        error.details().iap_token.map(|generation| self.0.fetcher.sign_in.iap.mark_rejected(generation))
    }

    /// An error of a call that does not wait, and so cannot ask the host for another token: the next one does.
    pub(crate) fn asks_the_host_next_time(&self, error: Error) -> Error {
        match self.was_refused_by_proxy(&error) {
            Some(true) => error.with(|details| details.retry = Retry::Transient),
            _ => error,
        }
    }

    /// Makes a call whose answer goes to `deliver`, exactly once, on some thread; at once when nothing has to be asked. When it
    /// fails, nothing was started, and nothing is delivered. `abandoned` cancels it, as the options' cancel does.
    pub(crate) fn submit(
        &self,
        params: Params,
        options: &CallOptions,
        abandoned: Fired,
        deliver: impl FnOnce(Result<Arc<Answer>>) + Send + 'static,
    ) -> Result<()> {
        if let Some(answer) = self.at_once(&params, options) {
            deliver(answer);
        } else {
            let prepared = self.prepare(Allowed::from_now(self.timeout(options)))?;
            self.check_time(&prepared, params.operation())?;
            let client = self.clone();
            let reply = oneshot::Sender::from_fn(move |answer: Result<_>| {
                deliver(answer.map_err(|error| client.asks_the_host_next_time(error)));
            });
            self.start(prepared, params, options, Some(abandoned), reply);
        }
        Ok(())
    }

    /// Forgets everything cached.
    pub fn clear_caches(&self) {
        self.0.cache.clear();
    }

    /// What this client did since it was opened.
    pub fn stats(&self) -> Stats {
        self.0.fetcher.counters.read()
    }

    /// Ends what is under way with [`ErrorKind::Cancelled`] and takes no more calls.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
        self.0.fetcher.sign_in.abort();
    }

    /// What can be answered without asking anybody.
    fn at_once(&self, params: &Params, options: &CallOptions) -> Option<Result<Arc<Answer>>> {
        if options.cancel.as_ref().is_some_and(Cancel::is_fired) {
            return Some(Err(Error::new(ErrorKind::Cancelled, "the call was cancelled before it began")));
        }
        let kept = match options.cache {
            CacheUse::Refresh => None,
            CacheUse::Use | CacheUse::Only => params.cache_key().and_then(|key| self.0.cache.get(&key)),
        };
        match kept {
            Some(answer) => {
                self.0.fetcher.counters.cache_hits.add(1);
                Some(Ok(select(answer, params)))
            }
            None => (options.cache == CacheUse::Only).then(|| Err(not_cached(params.operation()))),
        }
    }

    /// One request on the I/O thread, by a stream that was prepared.
    pub(crate) async fn ask(&self, params: &Params, allowed: Allowed, thread: u64) -> Result<Arc<Answer>> {
        self.0.run(params, true, allowed, [None, None], PendingIapToken::ready(), thread).await
    }

    /// Whether the host is asked for tokens, on a thread of its own.
    pub(crate) fn asks_the_host(&self) -> bool {
        self.0.fetcher.sign_in.iap.has_provider()
    }

    /// How long a call may take.
    pub(crate) fn timeout(&self, options: &CallOptions) -> Duration {
        options.timeout.unwrap_or(self.0.fetcher.config.timeout)
    }

    /// Becomes true when the client is closed.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.is_closing.clone()
    }

    /// What can fail before a call is handed over, on the caller's thread. The host's function may run here: nothing can end it,
    /// but its time counts.
    pub(crate) fn prepare(&self, allowed: Allowed) -> Result<Prepared> {
        let inner = &self.0;
        let check_process = || {
            if inner.epoch == epoch() {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Forked, "the client was opened before fork, in the parent process"))
        };
        check_process()?;
        let iap = inner.fetcher.sign_in.iap.prepare(&inner.fetcher.redaction)?;
        // The host's function may have forked, and returned in the child too.
        check_process()?;
        Ok(Prepared { allowed, iap, thread: io_thread::get_or_start()? })
    }

    /// The host's function may have taken all the time that the call had.
    fn check_time(&self, prepared: &Prepared, operation: &Operation) -> Result<()> {
        let Allowed { limit, until } = prepared.allowed;
        if !self.asks_the_host() || Instant::now() < until {
            return Ok(());
        }
        let message = timed_out(operation.name, limit, "iap_token_provider");
        Err(Error::new(ErrorKind::TimedOut, message).with(|details| details.retry = Retry::Transient))
    }

    /// Hands a call over to the I/O thread.
    fn start(
        &self,
        prepared: Prepared,
        params: Params,
        options: &CallOptions,
        abandoned: Option<Fired>,
        reply: oneshot::Sender<Arc<Answer>>,
    ) {
        let Prepared { allowed, iap, thread } = prepared;
        let cancelled = [options.cancel.as_ref().map(Cancel::fired), abandoned];
        let refresh = options.cache == CacheUse::Refresh;
        let client = Arc::clone(&self.0);
        let generation = thread.generation;
        thread.spawn(async move {
            // Made here, on the library's thread: it takes kilobytes, which the host's thread may not have.
            let answer = Box::pin(client.run(&params, refresh, allowed, cancelled, iap, generation)).await;
            reply.send(answer);
        });
    }
}

/// A call that can be handed over.
pub(crate) struct Prepared {
    pub(crate) allowed: Allowed,
    /// To be waited for before anything is sent.
    pub(crate) iap: PendingIapToken,
    pub(crate) thread: io_thread::IoHandle,
}

impl Inner {
    async fn run(
        &self,
        params: &Params,
        refresh: bool,
        allowed: Allowed,
        cancelled: [Option<Fired>; 2],
        iap: PendingIapToken,
        thread: u64,
    ) -> Result<Arc<Answer>> {
        let until = allowed.until;
        if !iap.is_ready() {
            // Before a request is joined or begun: others may have more time for it.
            self.guard(params.operation(), iap.wait(), &Tracking::until(until), allowed, cancelled.clone()).await?;
        }
        let fetcher = Arc::clone(&self.fetcher);
        let Some(key) = params.cache_key() else {
            let tracking = Tracking::until(until);
            let write = Write::begin(&self.cache, params);
            let answer = Box::pin(fetcher.fetch(params, &tracking, thread));
            let outcome = self.guard(params.operation(), answer, &tracking, allowed, cancelled).await;
            return match write {
                Some(write) => write.end(outcome),
                None => outcome,
            };
        };
        let asked = match params.operation().source {
            Source::RowsOf(list) => Params::new(list),
            Source::Endpoint(_) | Source::Given => params.clone(),
        };
        let fetch = move |tracking: Arc<Tracking>| async move { fetcher.fetch(&asked, &tracking, thread).await };
        let request = match self.cache.join_or_start(&key, refresh, until, thread, fetch) {
            Lookup::Cached(cached) => return Ok(select(cached.answer, params)),
            Lookup::Started(request) => request,
            Lookup::Joined(request) => {
                self.fetcher.counters.shared_requests.add(1);
                request
            }
        };
        let answer = self.guard(params.operation(), request.wait(), &request.tracking, allowed, cancelled).await?;
        Ok(select(answer, params))
    }

    /// Waits for `work`, but not past the call's deadline, its cancellation and the client's end.
    async fn guard<T>(
        &self,
        operation: &Operation,
        work: impl Future<Output = Result<T>>,
        tracking: &Tracking,
        allowed: Allowed,
        cancelled: [Option<Fired>; 2],
    ) -> Result<T> {
        let mut closing = self.is_closing.clone();
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => Err(self.interrupted(ErrorKind::Cancelled, "the client was closed".into(), tracking)),
            () = Fired::any(cancelled) => Err(self.interrupted(ErrorKind::Cancelled, "the call was cancelled".into(), tracking)),
            outcome = work => outcome,
            () = tokio::time::sleep_until(allowed.until.into()) => {
                let why = timed_out(&self.what(operation, tracking), allowed.limit, &self.waits_for(tracking));
                Err(self.interrupted(ErrorKind::TimedOut, why, tracking))
            }
        }
    }

    /// What a call asks for: as errors of requests say it, once there is one.
    fn what(&self, operation: &Operation, tracking: &Tracking) -> String {
        let Some((verb, url)) = tracking.progress.request() else { return operation.name.to_owned() };
        let path = url.split('?').next().unwrap_or_default();
        format!("{verb} {}", self.fetcher.redaction.text(path))
    }

    fn waits_for(&self, tracking: &Tracking) -> String {
        let words = |waiting: &Waiting| self.fetcher.route().describe(waiting.step());
        let step = tracking.progress.waiting();
        match (words(step), words(&self.fetcher.sign_in.waiting)) {
            (Some(token), Some(what)) if step.step() == Step::Token => format!("{token}: {what}"),
            (Some(what), _) => what,
            (None, _) => "the token of iap_token_provider".into(),
        }
    }

    /// A call that was interrupted says how far it came.
    fn interrupted(&self, kind: ErrorKind, why: String, tracking: &Tracking) -> Error {
        let Snapshot { attempts, last_error: last } = tracking.progress.snapshot();
        let message = match (&last, attempts) {
            (Some(last), _) => format!("{why} (attempt {attempts}; before it: {last})"),
            (None, 0) if kind == ErrorKind::Cancelled => format!("{why} before anything was sent"),
            (None, _) if kind == ErrorKind::Cancelled => format!("{why} before an answer came"),
            (None, _) => why,
        };
        Error::new(kind, message).with(|details| {
            details.attempts = attempts;
            let waits = tracking.progress.waiting();
            // A request is tried again only when the one before it may be.
            details.sent = attempts > 0 && matches!(waits.step(), Step::Head | Step::Body);
            details.retry = if kind == ErrorKind::TimedOut { Retry::Transient } else { Retry::Never };
            details.http_status = waits.status().or_else(|| last.as_ref().and_then(Error::http_status));
            details.retry_after = last.as_ref().and_then(|last| last.details().retry_after);
            if let Some((verb, url)) = tracking.progress.request() {
                details.method = Some(verb);
                details.url = Some(self.fetcher.redaction.text(&url));
            }
        })
    }
}

fn timed_out(what: &str, limit: Duration, waited_for: &str) -> String {
    format!("{what}: timed out after {} ms waiting for {waited_for}", limit.as_millis())
}

fn not_cached(operation: &Operation) -> Error {
    let why = if operation.is_cached() { "nothing is cached" } else { "it is never cached" };
    Error::new(ErrorKind::NotFound, format!("{}: {why}, and the call was not to ask the server", operation.name))
}

/// A request that may change what is cached. Dropped without an end, it may have done so.
struct Write<'a> {
    cache: &'a Cache,
    params: &'a Params,
    may_have_changed: bool,
}

impl<'a> Write<'a> {
    /// None for a call that only reads.
    fn begin(cache: &'a Cache, params: &'a Params) -> Option<Self> {
        // Not `then_some`: one that is made and dropped clears the cache.
        params.is_write().then(|| Self { cache, params, may_have_changed: true })
    }

    /// Drops what may be out of date, also after a failure that leaves open what the server did. A failure of that kind is not
    /// one to try again as it is.
    fn end(mut self, outcome: Result<Arc<Answer>>) -> Result<Arc<Answer>> {
        let Err(error) = outcome else { return outcome };
        let is_answer = error.kind() == ErrorKind::Http;
        let is_refused = is_answer && matches!(error.http_status(), Some(400..=407 | 409..=499));
        self.may_have_changed = !is_refused && !is_unprocessed(&error);
        Err(if self.may_have_changed { error.with(|details| details.retry = Retry::Never) } else { error })
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if self.may_have_changed {
            self.cache.clear_of(|cached| self.params.may_change(cached));
        }
    }
}

/// The rows of a list that a call by ids asked for.
fn select(list: Arc<Answer>, params: &Params) -> Arc<Answer> {
    let Some(Value::TextList(ids)) = params.get("ids") else { return list };
    let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
    let rows = list.filtered(|table, row| table.text(row, records::ID).is_some_and(|id| ids.contains(id)));
    rows.map_or(list, Arc::new)
}
