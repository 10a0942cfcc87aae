//! A running emulator, for tests written in Rust.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use crate::clock::Setting;
use crate::config::Config;
use crate::data::{Data, invalid, read_document};
use crate::event_record::Choice;
use crate::event_store::EventStore;
use crate::fault::Fault;
use crate::fault_list::ListedFault;
use crate::journal::{Counts, RecordedRequest};
use crate::new_events::{Events, NewEvents};
use crate::server::{Command, Server};
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::timestamp;
use crate::tls::Tls;
use crate::workspace::Document;

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
    /// `InvalidInput` if an option is out of range, `InvalidData` if its data is not valid; otherwise what failed and why, such as the port that is in use.
    pub fn start(config: Config) -> io::Result<Self> {
        config.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let tls = if config.tls {
            Some(Tls::new(config.client_auth, &config.allowed_hosts).map_err(failed("cannot make certificates"))?)
        } else {
            None
        };
        let scheme = if config.tls { "https" } else { "http" };
        let threads = config.threads;
        let state = Arc::new(State::new(config).map_err(invalid)?);
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
        let url = format!("{scheme}://{}", reachable(address));
        let (ca_pem, client_pem) = tls.map(|tls| (tls.ca_pem, tls.client_pem)).unzip();
        Ok(Self { state, url, ca_pem, client_pem, commands: Some(commands), thread: Some(thread) })
    }

    /// The base URL, such as `http://127.0.0.1:4711`, without a slash at the end; that of this machine with `0.0.0.0`.
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

    /// The client id of the options, which the token endpoint accepts unless the data has clients of its own.
    pub fn client_id(&self) -> &str {
        &self.state.config.client_id
    }

    /// The client secret of the options.
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
        let append = |events: &mut EventStore, now| Ok(events.append_generated(count, None, now, Choice::default()));
        self.state.change_events(None, append).unwrap_or_default()
    }

    /// Appends generated events to the workspace of a client, or to the first one, and returns their ids.
    ///
    /// # Errors
    ///
    /// `InvalidData` if there are too many, or if there is no such client, member or date.
    pub fn add_events(&self, client: Option<&str>, new: &NewEvents) -> io::Result<Vec<String>> {
        let events = Events::Generated(new.clone());
        let ids = self.state.change_events(client, |store, now| events.add(store, now, false)).map_err(invalid)?;
        Ok(ids.into_iter().flatten().collect())
    }

    /// Appends events unchanged, ordered by `created_at`, or as the newest without a valid one.
    pub fn append_raw_events(&self, events: impl IntoIterator<Item = Value>) {
        // `to_raw_value` cannot fail for a `Value`.
        let raw: Vec<_> = events.into_iter().filter_map(|event| serde_json::value::to_raw_value(&event).ok()).collect();
        let _ = self.state.change_events(None, |events, now| Ok(events.append_raw(&raw, now)));
    }

    /// Removes all events of the workspace of a client, or of the first one.
    ///
    /// # Errors
    ///
    /// `InvalidData` if there is no such client.
    pub fn remove_events(&self, client: Option<&str>) -> io::Result<()> {
        let clear = |events: &mut EventStore, _| {
            events.clear();
            Ok(())
        };
        self.state.change_events(client, clear).map_err(invalid)
    }

    /// Removes an event of the workspace of a client, or of the first one. Returns whether it was there.
    ///
    /// # Errors
    ///
    /// `InvalidData` if there is no such client.
    pub fn remove_event(&self, client: Option<&str>, id: &str) -> io::Result<bool> {
        self.state.change_events(client, |events, _| Ok(events.remove(id))).map_err(invalid)
    }

    /// Replaces all workspaces, or the given parts of the workspace of a client, or of the first one. Access and refresh
    /// tokens of clients that are gone are no longer valid; those of the others reach the new data. Members without groups remove
    /// the ids of members that are gone from the groups that stay.
    ///
    /// # Errors
    ///
    /// `InvalidData` if a group names a member that is not there, if two workspaces have the same client, or if there is
    /// no such client. Nothing is changed then.
    pub fn set_data(&self, client: Option<&str>, data: &Data) -> io::Result<()> {
        self.state.set_data(client, data).map_err(invalid)
    }

    /// Data, tokens and clock as JSON, for [`restore`](Self::restore) and [`Data::parse`].
    pub fn snapshot(&self) -> String {
        // Cannot fail: all keys are strings.
        serde_json::to_string(&self.state.snapshot()).unwrap_or_default()
    }

    /// Restores data, tokens and clock; faults, counts and recorded requests stay.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it is not a snapshot. Nothing is changed then.
    pub fn restore(&self, snapshot: &str) -> io::Result<()> {
        let read = read_document(snapshot.as_bytes()).and_then(Snapshot::read);
        read.and_then(|snapshot| self.state.restore(&snapshot)).map_err(invalid)
    }

    /// What the emulator's clock shows, such as `2026-01-02T03:04:05.678901+00:00`.
    pub fn now(&self) -> String {
        timestamp::offset_form(self.state.clock().now())
    }

    /// Stops the clock at an instant (RFC 3339). Lifetimes of tokens, generated events and the `Date` header follow it.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it is not a date of the years 0 to 9999.
    pub fn stop_clock(&self, now: &str) -> io::Result<()> {
        let instant =
            timestamp::parse(now).ok_or_else(|| invalid(format!("{now:?} is not a date of the years 0 to 9999")))?;
        self.state.clock().set(Setting::StoppedAt(instant)).map_err(invalid)
    }

    /// Moves the clock forward, whether it is stopped or not.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it would pass the year 9999.
    pub fn advance_clock(&self, by: Duration) -> io::Result<()> {
        self.state.clock().advance(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)).map_err(invalid)
    }

    /// Lets the clock show the machine's time again.
    pub fn use_real_clock(&self) {
        let _ = self.state.clock().set(Setting::Offset(0));
    }

    /// Replaces the list of members by any values.
    pub fn set_members(&self, members: Vec<Value>) {
        self.state.replace(Document::Members, Value::Array(members).to_string());
    }

    /// Replaces the list of groups by any values.
    pub fn set_groups(&self, groups: Vec<Value>) {
        self.state.replace(Document::Groups, Value::Array(groups).to_string());
    }

    /// Replaces the workspace by any value.
    pub fn set_workspace(&self, workspace: &Value) {
        self.state.replace(Document::Workspace, workspace.to_string());
    }

    /// Clears faults, counts and recorded requests; data, tokens and clock are kept.
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

/// Where this machine reaches what listens on an address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
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
