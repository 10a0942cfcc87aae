//! Names through `getaddrinfo`, so that the host's name-service configuration counts.

use std::fmt;
use std::io;
use std::net::ToSocketAddrs;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Lookups whose thread has not come back yet; `getaddrinfo` cannot be interrupted.
pub(crate) fn lookups_under_way() -> usize {
    UNDER_WAY.load(Ordering::Acquire)
}

pub(crate) struct Resolver;

/// Says that it was the name, whatever error types lie around it.
#[derive(Debug)]
pub(super) struct LookupFailed(io::Error);

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LookupFailed {}

struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::AcqRel);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        // The runtime panics when the host has no thread left for a lookup; that is an error of the lookup.
        let lookup = AssertUnwindSafe(async move {
            let under_way = UnderWay::begin();
            tokio::task::spawn_blocking(move || {
                let _under_way = under_way;
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
            let found = found.map_err(LookupFailed)?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
