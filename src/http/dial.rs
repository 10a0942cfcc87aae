//! A TCP connection to one of several addresses, with Happy Eyeballs (RFC 8305): the next address is tried while the previous
//! attempt is still pending.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpSocket, TcpStream};

use super::failure::reason;
use crate::platform::is_exhaustion;
use crate::runtime::OccupyStandard;

/// The connection attempt delay: how long to wait for an attempt before the next one starts. Shorter if the timeout would not reach
/// all addresses otherwise.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// The maximum number of addresses that are tried; each pending attempt is a socket.
const MAX_ADDRESSES: usize = 32;
/// TCP keepalive, to detect a peer that disappeared.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// `TCP_USER_TIMEOUT`: how long sent data may remain unacknowledged.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// All attempts failed.
#[derive(Debug)]
pub(super) struct AllFailed(Vec<(SocketAddr, io::Error)>);

impl fmt::Display for AllFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [] => f.write_str("the host name has no address"),
            // The error already names the host.
            [(_, error)] => f.write_str(&reason(error)),
            all => {
                let each = all.iter().map(|(address, error)| format!("{address}: {}", reason(error)));
                f.write_str(&each.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

impl std::error::Error for AllFailed {}

impl AllFailed {
    /// Whether the cause is this machine, which has no descriptor or memory left, and none of the addresses.
    pub(super) fn is_exhaustion(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, error)| is_exhaustion(error))
    }
}

/// Connects to the first address that accepts. The caller enforces `timeout`; all addresses are tried within it.
pub(super) async fn dial(addresses: Vec<SocketAddr>, timeout: Duration) -> Result<TcpStream, AllFailed> {
    let addresses = interleaved(addresses);
    let delays = u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
    let delay = ATTEMPT_DELAY.min(timeout / delays);
    race(addresses, delay, connect).await.map_err(AllFailed)
}

/// Returns the outcome of the first attempt that succeeds, or all errors. The next attempt starts when one has failed or `delay` has
/// passed.
async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    delay: Duration,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<(SocketAddr, io::Error)>> {
    let attempt = |address| {
        let attempt = attempt(address);
        async move { (address, attempt.await) }
    };
    let mut failed = Vec::new();
    let mut pending = FuturesUnordered::new();
    let mut addresses = addresses.into_iter();
    loop {
        let next = addresses.next();
        let has_next = next.is_some();
        pending.extend(next.map(attempt));
        let finished = tokio::select! {
            finished = pending.next() => finished,
            () = tokio::time::sleep(delay), if has_next => continue,
        };
        match finished {
            Some((_, Ok(connected))) => return Ok(connected),
            Some((address, Err(error))) => failed.push((address, error)),
            None => return Err(failed),
        }
    }
}

/// Alternates between the address families, starting with that of the first address. Within a family, the resolver's order is kept.
fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_family = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let mut seen = HashSet::new();
    let (first, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .filter(|address| seen.insert(*address))
        .partition(|address| address.is_ipv6() == first_family);
    let (mut first, mut other) = (first.into_iter(), other.into_iter());
    std::iter::from_fn(|| {
        let pair: Vec<_> = first.next().into_iter().chain(other.next()).collect();
        (!pair.is_empty()).then_some(pair)
    })
    .flatten()
    .take(MAX_ADDRESSES)
    .collect()
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = {
        let _occupied = OccupyStandard::new();
        Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?
    };
    socket.set_nonblocking(true)?;
    // The connection works without these options, too.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(KEEPALIVE_RETRIES);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
    let stream = TcpSocket::from_std_stream(socket.into()).connect(address).await?;
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().expect(text)).collect()
    }

    /// Red when the resolver's order is kept: all addresses of the first family come first.
    #[test]
    fn address_families_alternate_without_duplicates() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::1]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let expected = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleaved(given), expected);
        assert_eq!(interleaved(addresses(&["1.1.1.1:1", "[::1]:1"])), addresses(&["1.1.1.1:1", "[::1]:1"]));
        assert!(interleaved(Vec::new()).is_empty());
        let many = (0..100).map(|n| SocketAddr::from(([10, 0, 0, n], 1))).collect();
        assert_eq!(interleaved(many).len(), MAX_ADDRESSES);
    }

    /// Red when the next address is tried only after the previous attempt has failed: the first never fails.
    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_while_an_attempt_is_pending() {
        let started = RefCell::new(Vec::new());
        let given = addresses(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "4.4.4.4:1"]);
        let attempts = Rc::new(());
        let start = tokio::time::Instant::now();
        let connected = race(given.clone(), ATTEMPT_DELAY, |address| {
            started.borrow_mut().push((address, start.elapsed().as_millis()));
            let of_an_attempt = Rc::clone(&attempts);
            let nth = started.borrow().len();
            async move {
                let outcome = match nth {
                    1 => std::future::pending().await,
                    2 => Err(io::ErrorKind::ConnectionRefused.into()),
                    nth => Ok(nth),
                };
                drop(of_an_attempt);
                outcome
            }
        })
        .await;
        assert_eq!(connected.expect("the third succeeds"), 3);
        // The paused clock advances only while waiting: the second attempt fails at once, and so the third starts at once.
        assert_eq!(*started.borrow(), [(given[0], 0), (given[1], 250), (given[2], 250)]);
        assert_eq!(Rc::strong_count(&attempts), 1, "the first attempt was dropped");
    }

    /// Red when only the first failure is reported.
    #[tokio::test(start_paused = true)]
    async fn if_all_attempts_fail_each_is_reported() {
        let given = addresses(&["1.1.1.1:1", "[::1]:2"]);
        let failed = race(given, ATTEMPT_DELAY, |_| async { Err::<(), _>(io::Error::other("no")) }).await;
        let message = AllFailed(failed.expect_err("no address accepts")).to_string();
        assert_eq!(message, "1.1.1.1:1: no; [::1]:2: no");
        let failed = race(Vec::new(), ATTEMPT_DELAY, |_| async { Ok(()) }).await;
        assert_eq!(AllFailed(failed.expect_err("there is no address")).to_string(), "the host name has no address");
    }
}
