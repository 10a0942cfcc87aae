//! A connection that lets others have their turn: a peer that always has more to send gets the I/O thread for so many bytes
//! at a time.
//!
//! hyper reads and parses as long as bytes are there, and tokio's own budget counts reads, each of which may be hundreds of
//! KiB: with a peer that is fast enough one poll of its connection takes seconds. This lies beneath TLS, so what a peer hides in
//! TLS records that carry nothing counts too.

use std::cell::Cell;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much is read at a time and in a turn, where it is dealt with at the speed of a good answer.
///
/// hyper is told to read no more, so that its buffer is handed on as it is: a part of it would have to be cleared first. That is
/// done only where bytes take long.
pub(super) const MAX_READ: usize = 64 << 10;
/// At a time, where bytes take long: a chunk's size of zeros costs hyper a hundred times what a body does.
const MIN_READ: usize = 1 << 10;
/// How long a turn is. A call takes half a dozen of them, each after one turn of every peer that always has more.
const TURN: Duration = Duration::from_micros(500);

/// A connection that ends its task's turn, after so much time or so many bytes.
pub(super) struct Paced<T> {
    inner: T,
    turn: Turn,
}

/// How far a turn is.
struct Turn {
    /// So much of it is left.
    bytes: usize,
    time: Duration,
    /// How much is read at a time: what can be dealt with in a turn.
    slice: usize,
    /// When the last slice was handed out, and how many chunks had been taken by then.
    handed: Option<(Instant, u64)>,
}

thread_local! {
    static CHUNKS: Cell<u64> = const { Cell::new(0) };
}

/// A chunk of a body came to the task that wants it. The time since a slice was handed out is that task's then.
pub(super) fn chunk_taken() {
    CHUNKS.set(CHUNKS.get().wrapping_add(1));
}

impl<T> Paced<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, turn: Turn { bytes: MAX_READ, time: TURN, slice: MAX_READ, handed: None } }
    }
}

impl Turn {
    /// Whether there is any left, now that the last slice has been dealt with.
    fn goes_on(&mut self, now: Instant) -> bool {
        let Some((handed, chunks)) = self.handed.take() else { return true };
        let took = if chunks == CHUNKS.get() { now.saturating_duration_since(handed) } else { Duration::ZERO };
        if took > TURN {
            self.slice = (self.slice / 4).max(MIN_READ);
        } else if took < TURN / 4 {
            self.slice = (self.slice * 2).min(MAX_READ);
        }
        self.time = self.time.saturating_sub(took);
        self.bytes > 0 && !self.time.is_zero()
    }

    fn hand_out(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.handed = Some((Instant::now(), CHUNKS.get()));
    }

    fn end(&mut self) {
        (self.bytes, self.time, self.handed) = (MAX_READ, TURN, None);
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Paced<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { inner, turn } = &mut *self;
        if !turn.goes_on(Instant::now()) {
            turn.end();
            // The task is woken after the runtime has looked for I/O and timers, and so after everybody else. To wake it here
            // would put it before them.
            let _ = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let outcome = if turn.slice == MAX_READ || buf.remaining() <= turn.slice {
            Pin::new(inner).poll_read(cx, buf)
        } else {
            let mut slice = ReadBuf::new(buf.initialize_unfilled_to(turn.slice));
            let outcome = Pin::new(inner).poll_read(cx, &mut slice);
            let read = slice.filled().len();
            buf.advance(read);
            outcome
        };
        match outcome {
            Poll::Ready(_) => turn.hand_out(buf.filled().len() - before),
            Poll::Pending => turn.end(),
        }
        outcome
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Paced<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Always has more.
    struct Endless;

    impl AsyncRead for Endless {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let all = buf.remaining();
            buf.initialize_unfilled().fill(b'x');
            buf.advance(all);
            Poll::Ready(Ok(()))
        }
    }

    /// How much one turn reads, when each slice takes so long. A peer that nobody stops is stopped here.
    async fn one_turn(paced: &mut Paced<Endless>, cost: impl Fn(usize) -> Duration) -> usize {
        // As much as hyper asks for at a time.
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
                // As if it had been handed out so long ago.
                let cost = cost(buf.filled().len());
                paced.turn.handed =
                    paced.turn.handed.and_then(|(handed, chunks)| Some((handed.checked_sub(cost)?, chunks)));
            }
            Poll::Ready(())
        })
        .await;
        all
    }

    /// Red when `goes_on` does not look at the bytes: 4 MiB and more in one turn.
    #[tokio::test]
    async fn a_peer_that_always_has_more_gets_one_turn_after_another() {
        let mut paced = Paced::new(Endless);
        for turn in 0..3 {
            let read = one_turn(&mut paced, |_| Duration::ZERO).await;
            assert!((1..=2 * MAX_READ).contains(&read), "turn {turn} read {read}");
        }
    }

    /// Red when `slice` stays as it is: a turn reads more than 1024 bytes. It grows again when bytes cost nothing any more.
    #[tokio::test]
    async fn where_bytes_take_long_a_turn_has_few_of_them() {
        let mut paced = Paced::new(Endless);
        for _ in 0..4 {
            one_turn(&mut paced, |bytes| Duration::from_micros(bytes as u64)).await;
        }
        let read = one_turn(&mut paced, |bytes| Duration::from_micros(bytes as u64)).await;
        assert_eq!(read, MIN_READ);
        for _ in 0..8 {
            one_turn(&mut paced, |_| Duration::ZERO).await;
        }
        assert!(one_turn(&mut paced, |_| Duration::ZERO).await >= MAX_READ / 2);
    }
}
