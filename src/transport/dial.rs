//! A TCP connection to one of several addresses: the next is tried while the one before still waits (RFC 8305).

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

/// How long an address has to itself before the next is tried beside it; less where there are more than the time allows.
const HEAD_START: Duration = Duration::from_millis(250);
/// No name that means well has more; each is a socket while it waits.
const MAX_ADDRESSES: usize = 32;
/// Notices a peer that went away without a word.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;
/// How long what was sent may stay unacknowledged.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// No address could be connected to.
#[derive(Debug)]
pub(super) struct NoneConnected(Vec<(SocketAddr, io::Error)>);

impl fmt::Display for NoneConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0[..] {
            [] => f.write_str("the name has no address"),
            // Of a host with one address, which is named already.
            [(_, error)] => f.write_str(&reason(error)),
            all => {
                let each = all.iter().map(|(address, error)| format!("{address}: {}", reason(error)));
                f.write_str(&each.collect::<Vec<_>>().join("; "))
            }
        }
    }
}

impl std::error::Error for NoneConnected {}

/// A connection to whichever address answers first. The caller sees to it that it ends after `timeout`, within which each address
/// gets its turn.
pub(super) async fn dial(addresses: Vec<SocketAddr>, timeout: Duration) -> Result<TcpStream, NoneConnected> {
    let addresses = interleaved(addresses);
    let turns = u32::try_from(addresses.len() + 1).unwrap_or(u32::MAX);
    let head_start = HEAD_START.min(timeout / turns);
    race(addresses, head_start, connect).await.map_err(NoneConnected)
}

/// The outcome of the first attempt that succeeds, or all that failed. An attempt begins when the one before has failed or had its
/// head start.
async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    head_start: Duration,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<(SocketAddr, io::Error)>> {
    let attempt = |address| {
        let attempt = attempt(address);
        async move { (address, attempt.await) }
    };
    let mut failed = Vec::new();
    let mut under_way = FuturesUnordered::new();
    let mut addresses = addresses.into_iter();
    loop {
        let next = addresses.next();
        let more = next.is_some();
        under_way.extend(next.map(attempt));
        let ended = tokio::select! {
            ended = under_way.next() => ended,
            () = tokio::time::sleep(head_start), if more => continue,
        };
        match ended {
            Some((_, Ok(connected))) => return Ok(connected),
            Some((address, Err(error))) => failed.push((address, error)),
            None => return Err(failed),
        }
    }
}

/// The families by turns, the first address's first, each in the order that the resolver gave.
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
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // The connection is as good without these.
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE).with_retries(KEEPALIVE_RETRIES);
    let _ = socket.set_tcp_keepalive(&keepalive);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
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

    /// Red when the addresses stay as the resolver gave them: both of the first family come first.
    #[test]
    fn families_take_turns_and_each_address_has_one() {
        let given = addresses(&["[::1]:1", "[::2]:1", "[::1]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"]);
        let expected = addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"]);
        assert_eq!(interleaved(given), expected);
        assert_eq!(interleaved(addresses(&["1.1.1.1:1", "[::1]:1"])), addresses(&["1.1.1.1:1", "[::1]:1"]));
        assert!(interleaved(Vec::new()).is_empty());
        let many = (0..100).map(|n| SocketAddr::from(([10, 0, 0, n], 1))).collect();
        assert_eq!(interleaved(many).len(), MAX_ADDRESSES);
    }

    /// Red when the next address is tried only after the one before has failed: the first never does.
    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_while_the_one_before_still_waits() {
        let begun = RefCell::new(Vec::new());
        let given = addresses(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "4.4.4.4:1"]);
        let attempts = Rc::new(());
        let start = tokio::time::Instant::now();
        let connected = race(given.clone(), HEAD_START, |address| {
            begun.borrow_mut().push((address, start.elapsed().as_millis()));
            let of_an_attempt = Rc::clone(&attempts);
            let nth = begun.borrow().len();
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
        assert_eq!(connected.expect("the third answers"), 3);
        // The clock is tokio's own and stands still but for waits: the second fails at once, and so the third begins at once.
        assert_eq!(*begun.borrow(), [(given[0], 0), (given[1], 250), (given[2], 250)]);
        assert_eq!(Rc::strong_count(&attempts), 1, "nobody waits for the first any more");
    }

    /// Red when only the first failure is told.
    #[tokio::test(start_paused = true)]
    async fn when_none_answers_each_is_told() {
        let given = addresses(&["1.1.1.1:1", "[::1]:2"]);
        let failed = race(given, HEAD_START, |_| async { Err::<(), _>(io::Error::other("no")) }).await;
        let told = NoneConnected(failed.expect_err("nobody answers")).to_string();
        assert_eq!(told, "1.1.1.1:1: no; [::1]:2: no");
        let failed = race(Vec::new(), HEAD_START, |_| async { Ok(()) }).await;
        assert_eq!(NoneConnected(failed.expect_err("nobody is there")).to_string(), "the name has no address");
    }
}
