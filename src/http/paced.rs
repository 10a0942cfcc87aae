//! A connection that yields to other tasks: a peer that always has more to send cannot keep the I/O thread.
//!
//! hyper reads and parses as long as data is available, and tokio's cooperative budget counts reads, each of which may return
//! hundreds of KiB: with a fast peer, one poll of its connection takes seconds. This layer is below TLS too, so that TLS records
//! without payload count.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, ReadBuf};

use super::stream::{Layer, Layered};

/// The maximum size of a read, and of all reads between two yields.
///
/// hyper's buffer is limited to the same size, so that it is passed on as it is. While processing is slow, reads go through a buffer
/// of ours: a slice of hyper's would have to be zeroed each time.
pub(super) const MAX_READ: usize = 64 << 10;
/// The minimum size of a read, used while processing is slow: a chunk size padded with zeros costs hyper a hundred times as much as
/// a body of that length.
const MIN_READ: usize = 1 << 10;
/// The maximum time between two yields. A call needs about six polls, and each may wait for one such slice of every busy peer.
const MAX_TIME: Duration = Duration::from_micros(500);

/// A connection whose task yields when its budget is spent.
pub(super) type Paced<T> = Layered<T, Budget>;

/// What may be read before the next yield.
pub(super) struct Budget {
    bytes: usize,
    time: Duration,
    /// The size of a read: as much as can be processed in `MAX_TIME`.
    read_size: usize,
    /// When the last read returned, and how many chunks had been taken by then.
    last_read: Option<(Instant, u64)>,
    /// For reads that are smaller than the caller's buffer.
    small: Vec<u8>,
}

thread_local! {
    static CHUNKS: Cell<u64> = const { Cell::new(0) };
}

/// Called when a task takes a chunk of a response body: the time since the last read was spent by that task then.
pub(super) fn chunk_taken() {
    CHUNKS.set(CHUNKS.get().wrapping_add(1));
}

pub(super) fn new<T>(inner: T) -> Paced<T> {
    let layer = Budget { bytes: MAX_READ, time: MAX_TIME, read_size: MAX_READ, last_read: None, small: Vec::new() };
    Layered { inner, layer }
}

impl Budget {
    /// Charges the processing of the last read. Returns whether any budget is left.
    fn has_remaining(&mut self, now: impl FnOnce() -> Instant) -> bool {
        let Some((read_at, chunks)) = self.last_read.take() else { return true };
        let took = if chunks == CHUNKS.get() { now().saturating_duration_since(read_at) } else { Duration::ZERO };
        if took > MAX_TIME {
            self.read_size = (self.read_size / 4).max(MIN_READ);
        } else if took < MAX_TIME / 4 {
            self.read_size = (self.read_size * 2).min(MAX_READ);
            if self.read_size == MAX_READ {
                self.small = Vec::new();
            }
        }
        self.time = self.time.saturating_sub(took);
        self.bytes > 0 && !self.time.is_zero()
    }

    fn charge(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.last_read = Some((Instant::now(), CHUNKS.get()));
    }

    fn reset(&mut self) {
        (self.bytes, self.time, self.last_read) = (MAX_READ, MAX_TIME, None);
    }
}

impl<T: AsyncRead> Layer<T> for Budget {
    fn poll_read(&mut self, inner: Pin<&mut T>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.has_remaining(Instant::now) {
            self.reset();
            // `yield_now` wakes the task after the runtime has polled I/O and timers, and so after all other tasks. Waking it here
            // would put it before them.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let outcome = if self.read_size == MAX_READ || buf.remaining() <= self.read_size {
            inner.poll_read(cx, buf)
        } else {
            self.small.resize(self.read_size.max(self.small.len()), 0);
            let mut small = ReadBuf::new(&mut self.small[..self.read_size]);
            let outcome = inner.poll_read(cx, &mut small);
            buf.put_slice(small.filled());
            outcome
        };
        match outcome {
            Poll::Ready(_) => self.charge(buf.filled().len() - before),
            Poll::Pending => self.reset(),
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that always has more to send.
    struct Endless;

    impl AsyncRead for Endless {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let all = buf.remaining();
            buf.initialize_unfilled().fill(b'x');
            buf.advance(all);
            Poll::Ready(Ok(()))
        }
    }

    /// Returns how much is read up to the next yield, or 4 MiB if there is none, where processing a read takes `cost`.
    async fn read_until_yield(paced: &mut Paced<Endless>, cost: impl Fn(usize) -> Duration) -> usize {
        // The size of hyper's reads.
        let mut space = vec![0; MAX_READ];
        let mut all = 0;
        std::future::poll_fn(|cx| {
            while all < 64 * MAX_READ {
                let mut buf = ReadBuf::new(&mut space);
                match Pin::new(&mut *paced).poll_read(cx, &mut buf) {
                    Poll::Ready(outcome) => outcome.expect("there is more"),
                    Poll::Pending => break,
                }
                all += buf.filled().len();
                // As if the read had returned that long ago.
                let cost = cost(buf.filled().len());
                let budget = &mut paced.layer;
                budget.last_read =
                    budget.last_read.and_then(|(read_at, chunks)| Some((read_at.checked_sub(cost)?, chunks)));
            }
            Poll::Ready(())
        })
        .await;
        all
    }

    /// Red when `has_remaining` ignores the bytes: at least 4 MiB without a yield.
    #[tokio::test]
    async fn a_busy_peer_yields_after_a_limited_number_of_bytes() {
        let mut paced = new(Endless);
        for round in 0..3 {
            let read = read_until_yield(&mut paced, |_| Duration::ZERO).await;
            assert!((1..=2 * MAX_READ).contains(&read), "round {round}: {read}");
        }
    }

    /// Red when `read_size` is constant: more than 1024 bytes are read. It grows again once processing is fast.
    #[tokio::test]
    async fn slow_processing_makes_reads_smaller() {
        let mut paced = new(Endless);
        for _ in 0..4 {
            read_until_yield(&mut paced, |bytes| Duration::from_micros(bytes as u64)).await;
        }
        let read = read_until_yield(&mut paced, |bytes| Duration::from_micros(bytes as u64)).await;
        assert_eq!(read, MIN_READ);
        for _ in 0..8 {
            read_until_yield(&mut paced, |_| Duration::ZERO).await;
        }
        assert!(read_until_yield(&mut paced, |_| Duration::ZERO).await >= MAX_READ / 2);
    }
}
