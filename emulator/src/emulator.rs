//! A running emulator, for tests written in Rust.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::fault::Fault;
use crate::fault_list::ListedFault;
use crate::journal::{Counts, RecordedRequest};
use crate::server::{Command, Server};
use crate::state::{Document, State};
use crate::tls::Tls;

/// An emulator on its own thread; dropping it closes all connections and joins the thread.
///
/// ```
/// let emulator = kal_emulator::Emulator::start(kal_emulator::Config::default())?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(emulator.counts().total, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Emulator {
    state: Arc<State>,
    url: String,
    ca_pem: Option<String>,
    client_pem: Option<(String, String)>,
    // Dropping the sender stops the thread.
    commands: Option<UnboundedSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Generates the data, starts the thread and returns when the port is open.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if an option is out of range; otherwise what failed and why, such as the port that is in use.
    pub fn start(config: Config) -> io::Result<Self> {
        config.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let tls = if config.tls {
            Some(Tls::new(config.client_auth).map_err(failed("cannot make certificates"))?)
        } else {
            None
        };
        let scheme = if config.tls { "https" } else { "http" };
        let threads = config.threads;
        let state = Arc::new(State::new(config));
        let acceptor = tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.server)));
        let (commands, inbox) = unbounded_channel();
        let (started, address) = sync_channel(1);
        let shared = Arc::clone(&state);
        // The runtime is made and dropped on its thread: the caller's may be one of another runtime, where that panics.
        let serve = move || match bind(shared, acceptor, threads) {
            Err(why) => drop(started.send(Err(why))),
            Ok((runtime, server)) => {
                drop(started.send(Ok(server.address())));
                runtime.block_on(server.run(inbox));
                // Not even a body that is being made delays the end.
                runtime.shutdown_background();
            }
        };
        let thread = std::thread::Builder::new()
            .name("kal-emulator".into())
            .spawn(serve)
            .map_err(failed("cannot start a thread"))?;
        let address = address.recv().map_err(|_| gone())??;
        let url = format!("{scheme}://{address}");
        let (ca_pem, client_pem) = tls.map(|tls| (tls.ca_pem, tls.client_pem)).unzip();
        Ok(Self { state, url, ca_pem, client_pem, commands: Some(commands), thread: Some(thread) })
    }

    /// The base URL, such as `http://127.0.0.1:4711`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// With TLS, the CA certificate (PEM) that clients must trust.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A certificate of a client that the CA signed, and its key, as PEM, with [`Config::tls`].
    pub fn client_pem(&self) -> Option<(&str, &str)> {
        self.client_pem.as_ref().map(|(certificate, key)| (certificate.as_str(), key.as_str()))
    }

    /// The client id that the token endpoint accepts.
    pub fn client_id(&self) -> &str {
        &self.state.config.client_id
    }

    /// The client secret that the token endpoint accepts.
    pub fn client_secret(&self) -> &str {
        &self.state.config.client_secret
    }

    /// Appends a fault to the active ones and returns its id.
    ///
    /// # Panics
    ///
    /// If the fault cannot be represented in HTTP, such as status 42 or a header name with spaces.
    pub fn fault(&self, fault: Fault) -> u64 {
        if let Err(why) = fault.check() {
            panic!("invalid fault: {why}");
        }
        self.state.faults().add(fault)
    }

    /// The faults since the start or the last reset, and how often each was used.
    pub fn faults(&self) -> Vec<ListedFault> {
        self.state.faults().list()
    }

    /// Removes a fault. Returns whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.state.faults().remove(id)
    }

    /// The counts since the start or the last reset.
    pub fn counts(&self) -> Counts {
        self.state.journal().counts()
    }

    /// The last 10,000 requests, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.journal().requests()
    }

    /// Expires all access tokens now.
    pub fn expire_tokens(&self) {
        self.state.tokens().expire_access();
    }

    /// Revokes all refresh tokens now; access tokens stay valid.
    pub fn revoke_refresh_tokens(&self) {
        self.state.tokens().revoke_refresh();
    }

    /// Appends generated events, each newer than all before it, and returns their ids, oldest first.
    pub fn append_events(&self, count: usize) -> Vec<String> {
        self.state.append_events(count, None, None)
    }

    /// Appends events unchanged, ordered by `created_at`, or as the newest without a valid one.
    pub fn append_raw_events(&self, events: impl IntoIterator<Item = Value>) {
        // `to_raw_value` cannot fail for a `Value`.
        let raw: Vec<_> = events.into_iter().filter_map(|event| serde_json::value::to_raw_value(&event).ok()).collect();
        self.state.append_raw_events(&raw);
    }

    /// Replaces the list of members.
    pub fn set_members(&self, members: Vec<Value>) {
        self.state.replace(Document::Members, Value::Array(members).to_string());
    }

    /// Replaces the list of groups.
    pub fn set_groups(&self, groups: Vec<Value>) {
        self.state.replace(Document::Groups, Value::Array(groups).to_string());
    }

    /// Replaces the workspace.
    pub fn set_workspace(&self, workspace: &Value) {
        self.state.replace(Document::Workspace, workspace.to_string());
    }

    /// Clears faults, counts and recorded requests; data and tokens are kept.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Closes the listener and all connections; connections are refused until [`resume`](Self::resume).
    pub fn pause(&self) -> io::Result<()> {
        self.command(Command::Pause)
    }

    /// Listens again on the same port. No effect if it is listening already.
    ///
    /// # Errors
    ///
    /// If another process has bound the port in the meantime.
    pub fn resume(&self) -> io::Result<()> {
        self.command(Command::Resume)
    }

    fn command(&self, command: impl FnOnce(SyncSender<io::Result<()>>) -> Command) -> io::Result<()> {
        let (done, outcome) = sync_channel(1);
        let commands = self.commands.as_ref().ok_or_else(gone)?;
        commands.send(command(done)).map_err(|_| gone())?;
        outcome.recv().map_err(|_| gone())?
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported already; another one in `drop` would abort.
            let _ = thread.join();
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the emulator's thread has ended")
}

/// Puts what failed before the reason.
fn failed(what: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |why| io::Error::new(why.kind(), format!("{what}: {why}"))
}

fn bind(state: Arc<State>, tls: Option<TlsAcceptor>, threads: usize) -> io::Result<(Runtime, Server)> {
    let address = SocketAddr::new(state.config.host, state.config.port);
    let runtime = runtime(threads).map_err(failed("cannot start the server's threads"))?;
    // A socket registers with the runtime in whose context it is created.
    let inside = runtime.enter();
    let server = Server::bind(state, tls, address).map_err(failed(&format!("cannot listen on {address}")))?;
    drop(inside);
    Ok((runtime, server))
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = if threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    // The accept loop runs on the emulator's own thread, which counts as one.
    builder.worker_threads(threads.max(2) - 1).thread_name("kal-emulator").enable_io().enable_time().build()
}
