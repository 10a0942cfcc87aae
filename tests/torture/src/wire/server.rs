//! The server: a thread for each connection, which follows the script.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::request::Asked;

/// A server's behaviour for connections and requests.
pub trait Script: Send + Sync + 'static {
    /// The kind of a new connection.
    fn carrier(&self) -> Carrier {
        Carrier::Plain
    }

    /// The steps for a request. After the last one the connection waits for the next request.
    fn answer(&self, asked: &Asked) -> Vec<Step>;
}

/// The kind of a connection.
#[derive(Clone)]
pub enum Carrier {
    /// TCP.
    Plain,
    /// TLS over it.
    Tls(Arc<ServerConfig>),
    /// Not valid TLS.
    Broken(Handshake),
}

/// Faults of a connection before its first request.
#[derive(Clone)]
pub enum Handshake {
    /// Closed at once.
    Close,
    /// Reset at once.
    Reset,
    /// Open and silent.
    Silence,
    /// Sends these bytes, then closes.
    Bytes(Vec<u8>),
    /// Sends the first bytes once, then the others repeatedly.
    Forever(Vec<u8>, Vec<u8>),
    /// The server's side of a handshake, one byte at a time.
    Drip(Arc<ServerConfig>, Duration),
    /// The first bytes of the server's side of a handshake, then the end; by a RST, if `reset`.
    Flight {
        /// The TLS configuration.
        config: Arc<ServerConfig>,
        /// In 256ths of it.
        part: usize,
        /// How it ends.
        reset: bool,
    },
}

/// A step of the response to a request.
#[derive(Clone, Debug)]
pub enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Sends these bytes repeatedly until the client disconnects.
    Forever(Vec<u8>),
    /// The same, over TLS with each byte in a separate record.
    Records(Vec<u8>),
    /// Over TLS: repeated key updates.
    KeyUpdates,
    /// Sends these bytes to the socket, bypassing TLS.
    Beneath(Vec<u8>),
    /// Waits for the client to disconnect.
    Silence,
    /// Waits.
    Pause(Duration),
    /// Closes the connection properly.
    Close,
    /// Closes the connection without a TLS `close_notify`.
    Cut,
    /// Closes the connection with a RST.
    Reset,
}

/// A server that runs until it is dropped.
pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    script: Box<dyn Script>,
    stopping: AtomicBool,
    accepted: AtomicU64,
    open: Mutex<HashMap<u64, TcpStream>>,
}

impl Server {
    /// Listens on a free loopback port.
    ///
    /// # Panics
    ///
    /// If it cannot.
    pub fn start(script: impl Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            stopping: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            open: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if own.stopping.load(Ordering::Acquire) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                own.serve(stream);
            }
        });
        Self { port, shared, accepting: Some(accepting) }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:port`
    pub fn http(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `https://127.0.0.1:port`
    pub fn https(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Acquire)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in self.shared.open().values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(self: &Arc<Self>, stream: TcpStream) {
        let number = self.accepted.fetch_add(1, Ordering::AcqRel);
        let _ = stream.set_nodelay(true);
        let Ok(own) = stream.try_clone() else { return };
        self.open().insert(number, own);
        let shared = Arc::clone(self);
        let connection = move || {
            // The client may close a connection at any time.
            let _ = shared.converse(&stream, number);
            // The copy in the entry would keep the connection open.
            shared.open().remove(&number);
        };
        if thread::Builder::new().stack_size(512 * 1024).spawn(connection).is_err() {
            self.open().remove(&number);
        }
    }

    fn converse(&self, stream: &TcpStream, number: u64) -> io::Result<()> {
        match self.script.carrier() {
            Carrier::Plain => self.requests(&mut &*stream, stream, number),
            Carrier::Tls(config) => {
                let tls = ServerConnection::new(config).map_err(io::Error::other)?;
                let mut tls = StreamOwned::new(tls, stream);
                self.requests(&mut tls, stream, number)
            }
            Carrier::Broken(handshake) => handshake.go_wrong(stream),
        }
    }

    fn requests(&self, carrier: &mut impl Carries, stream: &TcpStream, number: u64) -> io::Result<()> {
        for nth in 0.. {
            let Some(mut asked) = Asked::read(carrier)? else { return Ok(()) };
            (asked.nth, asked.connection) = (nth, number);
            for step in self.script.answer(&asked) {
                if self.stopping.load(Ordering::Acquire) || !step.take(carrier, stream)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// TCP, or TLS over it.
trait Carries: Read + Write {
    fn say_goodbye(&mut self) {}

    /// Sends each byte in a separate TLS record.
    fn records(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    /// Sends this many key updates, over TLS.
    fn key_updates(&mut self, _: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Carries for &TcpStream {}

impl Carries for StreamOwned<ServerConnection, &TcpStream> {
    fn say_goodbye(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
    }

    fn records(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.conn.writer().write_all(&[*byte])?;
        }
        self.flush()
    }

    fn key_updates(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            self.conn.refresh_traffic_keys().map_err(io::Error::other)?;
        }
        self.flush()
    }
}

impl Step {
    /// Performs the step; returns false if the connection has ended.
    fn take(self, carrier: &mut impl Carries, mut stream: &TcpStream) -> io::Result<bool> {
        match self {
            Self::Send(bytes) => {
                carrier.write_all(&bytes)?;
                carrier.flush()?;
            }
            Self::Drip(bytes, pause) => {
                for byte in bytes {
                    carrier.write_all(&[byte])?;
                    carrier.flush()?;
                    thread::sleep(pause);
                }
            }
            Self::Forever(bytes) => loop {
                carrier.write_all(&bytes)?;
                carrier.flush()?;
            },
            Self::Records(bytes) => loop {
                carrier.records(&bytes)?;
            },
            Self::KeyUpdates => loop {
                carrier.key_updates(64)?;
            },
            Self::Beneath(bytes) => stream.write_all(&bytes)?,
            Self::Silence => {
                wait_for_the_end(stream);
                return Ok(false);
            }
            Self::Pause(pause) => thread::sleep(pause),
            Self::Close => {
                carrier.say_goodbye();
                stream.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Self::Cut => {
                stream.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Self::Reset => {
                reset(stream)?;
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Handshake {
    fn go_wrong(self, mut stream: &TcpStream) -> io::Result<()> {
        match self {
            Self::Close => stream.shutdown(Shutdown::Both),
            Self::Reset => reset(stream),
            Self::Silence => {
                wait_for_the_end(stream);
                Ok(())
            }
            Self::Bytes(bytes) => {
                // Unread data would turn the close into a RST.
                let _ = stream.read(&mut [0; 16 * 1024])?;
                stream.write_all(&bytes)?;
                stream.shutdown(Shutdown::Write)?;
                wait_for_the_end(stream);
                Ok(())
            }
            Self::Forever(first, then) => {
                let _ = stream.read(&mut [0; 16 * 1024])?;
                stream.write_all(&first)?;
                loop {
                    stream.write_all(&then)?;
                }
            }
            Self::Drip(config, pause) => {
                for byte in first_flight(config, stream)? {
                    stream.write_all(&[byte])?;
                    thread::sleep(pause);
                }
                wait_for_the_end(stream);
                Ok(())
            }
            Self::Flight { config, part, reset: by_reset } => {
                let flight = first_flight(config, stream)?;
                stream.write_all(&flight[..flight.len() * part / 256])?;
                if by_reset { reset(stream) } else { stream.shutdown(Shutdown::Both) }
            }
        }
    }
}

fn first_flight(config: Arc<ServerConfig>, mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    while !tls.wants_write() {
        tls.read_tls(&mut stream)?;
        tls.process_new_packets().map_err(io::Error::other)?;
    }
    let mut flight = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut flight)?;
    }
    Ok(flight)
}

fn wait_for_the_end(mut stream: &TcpStream) {
    let mut ignored = [0; 4096];
    while matches!(stream.read(&mut ignored), Ok(1..)) {}
}

/// With a linger time of 0 the kernel sends a RST when the last copy of the socket is closed, which the caller does.
fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}
