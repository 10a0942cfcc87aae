//! Name lookup with `getaddrinfo`, which honours the host's name-service configuration. Lookups of the same name share a thread.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::Shared;
use socket2::{Domain, Socket, Type};

use super::connector::without_brackets;
use crate::platform::is_exhaustion;
use crate::runtime::{OccupyStandard, PerProcess, lookups};

/// Marks an error as a failed lookup in the chain of sources.
#[derive(Debug)]
pub(crate) struct LookupFailed {
    name: String,
    error: Arc<io::Error>,
}

impl LookupFailed {
    pub(super) fn io(&self) -> &io::Error {
        &self.error
    }

    /// Whether the cause is this machine, which has no thread, descriptor or memory left.
    pub(super) fn is_exhaustion(&self) -> bool {
        is_exhaustion(&self.error) || matches!(self.error.get_ref(), Some(error) if error.is::<NoThread>())
    }
}

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.error)
    }
}

impl std::error::Error for LookupFailed {}

#[derive(Debug)]
struct NoThread;

impl fmt::Display for NoThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no thread can be started for the lookup")
    }
}

impl std::error::Error for NoThread {}

type Found = Result<Vec<SocketAddr>, Arc<io::Error>>;
type Lookup = Shared<Pin<Box<dyn Future<Output = Found> + Send>>>;

/// Lookups in progress, by name. A second lookup of a name waits for the first one instead of blocking another thread.
static LOOKUPS: PerProcess<Mutex<HashMap<String, Lookup>>> = PerProcess::new();

/// Removes a lookup from the map when its thread returns.
struct RemoveOnDrop(String);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(name: &str) {
    let lookup = in_progress().and_then(|mut lookups| lookups.remove(name));
    // After the lock is released: this may drop the task that it runs in.
    drop(lookup);
}

fn in_progress() -> Option<MutexGuard<'static, HashMap<String, Lookup>>> {
    Some(LOOKUPS.get()?.lock().unwrap_or_else(PoisonError::into_inner))
}

fn start(name: String, look_up: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static) -> Lookup {
    // tokio panics if no thread can be started; that is an error of the lookup.
    let looked_up = name.clone();
    let name = RemoveOnDrop(name);
    let lookup = AssertUnwindSafe(async move {
        lookups::spawn(move || {
            // Counted here: without a thread the lookup may wait for one forever.
            let _counted = lookups::Counted::start();
            let _occupied = OccupyStandard::new();
            look_up(&name.0)
        })
        .await
    })
    .catch_unwind();
    let lookup: Pin<Box<dyn Future<Output = Found> + Send>> = Box::pin(async move {
        match lookup.await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(io::Error::other("the lookup was interrupted")),
            Err(_) => {
                // tokio keeps what would have run on the thread, and its name with it.
                remove(&looked_up);
                Err(io::Error::other(NoThread))
            }
        }
        .map_err(Arc::new)
    });
    lookup.shared()
}

/// Returns the lookup of a name that is in progress, or starts one.
fn join(name: &str, look_up: impl FnOnce(&str) -> io::Result<Vec<SocketAddr>> + Send + 'static) -> Lookup {
    let Some(mut lookups) = in_progress() else { return start(name.to_owned(), look_up) };
    if let Some(lookup) = lookups.get(name) {
        return lookup.clone();
    }
    let lookup = start(name.to_owned(), look_up);
    lookups.insert(name.to_owned(), lookup.clone());
    lookup
}

fn look_up(name: &str) -> io::Result<Vec<SocketAddr>> {
    match (name, 0).to_socket_addrs() {
        Ok(found) => Ok(found.collect()),
        Err(error) => Err(no_descriptor().unwrap_or(error)),
    }
}

/// `getaddrinfo` says of a name that it does not exist, or of its server that it does not answer, also when it could not open a file
/// or a socket.
fn no_descriptor() -> Option<io::Error> {
    Socket::new(Domain::IPV4, Type::DGRAM, None).err().filter(is_exhaustion)
}

/// Returns the addresses of a host, which may be an IPv4 address or an IPv6 address in brackets.
pub(super) async fn addresses(host: &str, port: u16) -> Result<Vec<SocketAddr>, LookupFailed> {
    if let Ok(address) = without_brackets(host).parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let lookup = join(host, look_up);
    let mut found = lookup.await.map_err(|error| LookupFailed { name: host.to_owned(), error })?;
    for address in &mut found {
        address.set_port(port);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    /// Red when lookups are not shared: 2 threads look the name up. Red when a finished lookup stays in the map: its result is returned
    /// again.
    #[tokio::test]
    async fn lookups_of_the_same_name_share_a_thread() {
        let (go, may_go) = mpsc::channel::<()>();
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let first = tokio::spawn(join("hangs.test", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            may_go.recv().map_err(io::Error::other)?;
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], 1))])
        }));
        while started.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        // Nobody waits for it any more, but the thread is still blocked.
        first.abort();
        let count = Arc::clone(&started);
        let second = tokio::spawn(join("hangs.test", move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(vec![])
        }));
        let other = join("other.test", |_| Err(io::Error::other("there is none"))).await;
        assert!(other.is_err(), "other names are looked up meanwhile");
        go.send(()).expect("a lookup");
        let found = second.await.expect("a task").expect("an address");
        assert_eq!((started.load(Ordering::SeqCst), found.len()), (1, 1), "threads and addresses");
        let again = join("hangs.test", |_| Ok(vec![])).await.expect("a result");
        assert!(again.is_empty(), "results are not cached");
    }
}
