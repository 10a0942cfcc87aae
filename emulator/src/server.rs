//! Accepts connections, and can stop and restart on the same port.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::abortable_stream::AbortableStream;
use crate::connection::Connection;
use crate::service;
use crate::state::State;
use crate::surplus::SurplusStream;

/// Commands from the owner of the emulator to its thread; each is acknowledged on completion.
#[derive(Debug)]
pub(crate) enum Command {
    /// Close the listener and all connections.
    Pause(SyncSender<io::Result<()>>),
    /// Listen again on the same port.
    Resume(SyncSender<io::Result<()>>),
}

pub(crate) struct Server {
    state: Arc<State>,
    tls: Option<TlsAcceptor>,
    address: SocketAddr,
    listener: Option<TcpListener>,
    connections: JoinSet<()>,
}

/// Binds with a backlog that is long enough for a benchmark's burst of connections.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Otherwise connections in TIME_WAIT would occupy the port and `resume` would fail.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}

impl Server {
    pub(crate) fn bind(state: Arc<State>, tls: Option<TlsAcceptor>, address: SocketAddr) -> io::Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        Ok(Self { state, tls, address, listener: Some(listener), connections: JoinSet::new() })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the sender of commands is dropped.
    pub(crate) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        loop {
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.execute(command).await,
                    None => break,
                },
                stream = accept(self.listener.as_ref()) => self.serve(stream),
                // Reaps finished connections; disabled while there are none.
                Some(_) = self.connections.join_next() => {}
            }
        }
        self.connections.shutdown().await;
    }

    async fn execute(&mut self, command: Command) {
        let (result, done) = match command {
            Command::Pause(done) => {
                self.listener = None;
                self.connections.shutdown().await;
                (Ok(()), done)
            }
            Command::Resume(done) if self.listener.is_some() => (Ok(()), done),
            Command::Resume(done) => {
                let listening = listen(self.address).map(|listener| self.listener = Some(listener));
                (listening, done)
            }
        };
        // The receiver may be gone; the command has been executed either way.
        let _ = done.send(result);
    }

    fn serve(&mut self, stream: TcpStream) {
        // Small responses must not wait for the acknowledgement of earlier ones.
        let _ = stream.set_nodelay(true);
        let connection = Connection::accepted(Arc::clone(&self.state));
        let state = Arc::clone(&self.state);
        match self.tls.clone() {
            None => self.connections.spawn(speak_http(
                state,
                Arc::clone(&connection),
                AbortableStream { stream, connection },
            )),
            Some(tls) => self.connections.spawn(async move {
                let stream = AbortableStream { stream, connection: Arc::clone(&connection) };
                // The client reports a failed handshake.
                if let Ok(stream) = tls.accept(stream).await {
                    speak_http(state, connection, stream).await;
                }
            }),
        };
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Usually too many open files; retrying immediately would not help.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn speak_http<S>(state: Arc<State>, connection: Arc<Connection>, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = SurplusStream::new(stream, Arc::clone(&connection));
    let answer = service_fn(|request| service::handle(Arc::clone(&state), Arc::clone(&connection), request));
    // An error means that the client closed the connection or that a fault applies.
    let _ = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(stream), answer).await;
}
