//! A connection that lets others have their turn: a peer that always has more to send gets the I/O thread for so many bytes
//! at a time.
//!
//! hyper reads and parses as long as bytes are there, and tokio's own budget counts reads, each of which may be hundreds of
//! KiB: with a peer that is fast enough one poll of its connection takes seconds. This lies beneath TLS, so what a peer hides in
//! TLS records that carry nothing counts too.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower_service::Service;

use super::connect::BoxError;
use super::resolver::Resolver;
use super::waiting::{self, Step};

/// So much is read at a time and in a turn, where it is dealt with at the speed of a good answer.
const MOST: usize = 64 << 10;
/// At a time, where bytes take long: a chunk's size of zeros costs hyper a hundred times what a body does.
const LEAST: usize = 1 << 10;
/// How long a turn is. A call takes half a dozen of them, each after one turn of every peer that always has more.
const TURN: Duration = Duration::from_micros(500);

/// Makes connections that are paced.
#[derive(Clone)]
pub(super) struct PacedConnector {
    pub(super) tcp: HttpConnector<Resolver>,
    /// What comes after the connection.
    pub(super) next: Step,
}

impl Service<Uri> for PacedConnector {
    type Response = TokioIo<Paced<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let (connecting, next) = (self.tcp.call(to), self.next);
        Box::pin(async move {
            waiting::on(Step::Connection);
            let stream = connecting.await?.into_inner();
            waiting::on(next);
            Ok(TokioIo::new(Paced::new(stream)))
        })
    }
}

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
    /// When the last slice was handed out.
    handed: Option<Instant>,
}

impl<T> Paced<T> {
    pub(super) fn new(inner: T) -> Self {
        Self { inner, turn: Turn { bytes: MOST, time: TURN, slice: MOST, handed: None } }
    }
}

impl Turn {
    /// Whether there is any left, now that the last slice has been dealt with.
    fn goes_on(&mut self, now: Instant) -> bool {
        let Some(handed) = self.handed.take() else { return true };
        let took = now.saturating_duration_since(handed);
        if took > TURN {
            self.slice = (self.slice / 4).max(LEAST);
        } else if took < TURN / 4 {
            self.slice = (self.slice * 2).min(MOST);
        }
        self.time = self.time.saturating_sub(took);
        self.bytes > 0 && !self.time.is_zero()
    }

    fn hand_out(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
        self.handed = Some(Instant::now());
    }

    fn end(&mut self) {
        (self.bytes, self.time, self.handed) = (MOST, TURN, None);
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
        let outcome = if buf.remaining() <= turn.slice {
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

impl<T: Connection> Connection for Paced<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
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
        let mut space = vec![0; 4 * MOST];
        let mut all = 0;
        std::future::poll_fn(|cx| {
            while all < 64 * MOST {
                let mut buf = ReadBuf::new(&mut space);
                match Pin::new(&mut *paced).poll_read(cx, &mut buf) {
                    Poll::Ready(outcome) => outcome.expect("there is more"),
                    Poll::Pending => break,
                }
                all += buf.filled().len();
                // As if it had been handed out so long ago.
                let cost = cost(buf.filled().len());
                paced.turn.handed = paced.turn.handed.and_then(|handed| handed.checked_sub(cost));
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
            assert!((1..=2 * MOST).contains(&read), "turn {turn} read {read}");
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
        assert_eq!(read, LEAST);
        for _ in 0..8 {
            one_turn(&mut paced, |_| Duration::ZERO).await;
        }
        assert!(one_turn(&mut paced, |_| Duration::ZERO).await >= MOST / 2);
    }
}
