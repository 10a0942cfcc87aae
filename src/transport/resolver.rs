//! Names through `getaddrinfo`, so that the host's name-service configuration counts.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::process::PerProcess;

/// A child that `fork` makes does not have the threads of its parent's lookups.
static UNDER_WAY: PerProcess<AtomicUsize> = PerProcess::new();

/// Lookups whose thread has not come back yet; `getaddrinfo` cannot be interrupted.
pub(crate) fn lookups_under_way() -> usize {
    UNDER_WAY.get().map_or(0, |count| count.load(Ordering::Acquire))
}

#[derive(Clone)]
pub(crate) struct Resolver;

/// Says that it was the name, whatever error types lie around it.
#[derive(Debug)]
pub(crate) struct LookupFailed(io::Error);

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LookupFailed {}

struct UnderWay(&'static AtomicUsize);

impl UnderWay {
    fn begin() -> Option<Self> {
        let count = UNDER_WAY.get()?;
        count.fetch_add(1, Ordering::AcqRel);
        Some(Self(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = LookupFailed;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, LookupFailed>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LookupFailed>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // The runtime panics when the host has no thread left for a lookup; that is an error of the lookup.
        let lookup = AssertUnwindSafe(async move {
            tokio::task::spawn_blocking(move || {
                // Here and not before: where no thread could be started, the lookup waits for one that may never come.
                let _under_way = UnderWay::begin();
                (name.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
            })
            .await
        })
        .catch_unwind();
        Box::pin(async move {
            let found = match lookup.await {
                Ok(Ok(found)) => found,
                Ok(Err(_)) => Err(io::Error::other("the lookup was interrupted")),
                Err(_) => Err(io::Error::other("no thread can be started for the lookup")),
            };
            found.map(Vec::into_iter).map_err(LookupFailed)
        })
    }
}
