//! Kept connections. Each has one request at a time, so that there are as many as there were requests at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};

use super::connect::{BoxError, Connector};
use super::paced::MAX_READ;
use super::spare::Spare;
use super::waiting::{Step, Waiting};

/// Kept connections die in proxies and load balancers after a minute or so; ours go first.
const IDLE: Duration = Duration::from_secs(20);

/// The connections to one server, on one I/O thread.
pub(super) struct Pool {
    connector: Connector,
    idle: Mutex<Idle>,
    pub(super) spare: Arc<Spare>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is the last.
    kept: Vec<Kept>,
    is_swept: bool,
}

struct Kept {
    sender: Sender,
    since: Instant,
}

type Sender = SendRequest<Full<Bytes>>;

/// Why there is no answer.
pub(super) enum Failed {
    Connecting(BoxError),
    Sending(hyper::Error),
}

/// The connection that an answer comes on.
pub(super) struct Lease {
    pool: Arc<Pool>,
    sender: Sender,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, idle: Mutex::default(), spare: Arc::default() }
    }

    /// Whether requests have to say which server they are for.
    pub(super) fn asks_a_proxy(&self) -> bool {
        self.connector.asks_a_proxy()
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        self: &Arc<Self>,
        mut request: Request<Full<Bytes>>,
        waiting: &Waiting,
    ) -> Result<(Response<Incoming>, Lease), Failed> {
        loop {
            let kept = self.take();
            let was_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => self.open().await?,
            };
            waiting.set(Step::Head);
            // A connection learns that its server closed it only now, if it closed it just now.
            let refused = match sender.ready().await {
                Ok(()) => match sender.try_send_request(request).await {
                    Ok(response) => return Ok((response, Lease { pool: Arc::clone(self), sender })),
                    Err(mut refused) => {
                        let unsent = refused.take_message();
                        (refused.into_error(), unsent)
                    }
                },
                Err(closed) => (closed, Some(request)),
            };
            match refused {
                (_, Some(unsent)) if was_kept => request = unsent,
                (error, _) => return Err(Failed::Sending(error)),
            }
        }
    }

    async fn open(&self) -> Result<Sender, Failed> {
        // Both are large, and nobody needs them later.
        let stream = Box::pin(self.connector.connect()).await.map_err(Failed::Connecting)?;
        let mut http = Builder::new();
        // Of header lines 100 are taken: for more, hyper makes room anew for each answer (for 1,000 that is 10,500 instructions).
        http.allow_obsolete_multiline_headers_in_responses(true).max_buf_size(MAX_READ);
        let (sender, connection) = http.handshake(stream).await.map_err(Failed::Sending)?;
        tokio::spawn(async move {
            // What goes wrong on it is told to the request that it has.
            let _ = connection.await;
        });
        Ok(sender)
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.lock();
        while let Some(kept) = idle.kept.pop() {
            if !kept.sender.is_closed() && kept.since.elapsed() < IDLE {
                return Some(kept.sender);
            }
        }
        None
    }

    fn keep(self: &Arc<Self>, sender: Sender) {
        let mut idle = self.lock();
        idle.kept.push(Kept { sender, since: Instant::now() });
        if !std::mem::replace(&mut idle.is_swept, true) {
            self.spare.open();
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// To be called when the answer has been read to its end: the connection can take another request.
    pub(super) fn give_back(self) {
        self.pool.keep(self.sender);
    }
}

/// Closes what nobody used for too long, until nothing is kept any more, the spare buffer included.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(IDLE).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.lock();
        idle.kept.retain(|kept| !kept.sender.is_closed() && kept.since.elapsed() < IDLE);
        if idle.kept.is_empty() {
            idle.is_swept = false;
            pool.spare.close();
            return;
        }
    }
}
