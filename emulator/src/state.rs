//! State shared by all connections.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::answer::Answer;
use crate::clock::Clock;
use crate::config::Config;
use crate::data::{ApiClient, Contents, Data, Parts};
use crate::event_query::EventQuery;
use crate::event_store::EventStore;
use crate::fault_list::FaultList;
use crate::journal::Journal;
use crate::rendered::Rendered;
use crate::rng::Rng;
use crate::snapshot::Snapshot;
use crate::timestamp::Micros;
use crate::tokens::{RefreshError, TokenPair, TokenStore};
use crate::workspace::{Document, Summary, Workspace};

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    clock: Clock,
    tokens: Mutex<TokenStore>,
    faults: Mutex<FaultList>,
    journal: Mutex<Journal>,
    request_ids: Mutex<Rng>,
    reset: Notify,
    /// Never empty; no two have a client in common. When locked with `tokens`, locked first.
    workspaces: RwLock<Vec<Workspace>>,
}

/// Tokens and their lifetime in seconds.
pub(crate) struct Granted {
    pub(crate) pair: TokenPair,
    pub(crate) expires_in: u64,
}

impl State {
    /// Fails if the data of the options is not that of whole workspaces.
    pub(crate) fn new(mut config: Config) -> Result<Self, String> {
        let data = config.data.take();
        let state = Self {
            clock: Clock::default(),
            tokens: Mutex::new(TokenStore::new()),
            faults: Mutex::default(),
            journal: Mutex::default(),
            request_ids: Mutex::new(Rng::unrepeatable()),
            reset: Notify::new(),
            workspaces: RwLock::default(),
            config,
        };
        match data.map(|Data(contents)| contents) {
            None => *state.workspaces.write() = vec![Workspace::generated(&state.config)],
            Some(Contents::One(parts)) => {
                parts.check_complete("")?;
                state.replace_all(&[*parts])?;
            }
            Some(Contents::All(all)) => state.replace_all(&all)?,
            Some(Contents::Snapshot(snapshot)) => state.restore(&snapshot)?,
        }
        Ok(state)
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, TokenStore> {
        self.tokens.lock()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultList> {
        self.faults.lock()
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock()
    }

    pub(crate) fn request_id(&self) -> String {
        self.request_ids.lock().uuid()
    }

    /// Clears faults, counts and recorded requests, and ends requests that hang; data, tokens and clock are kept.
    pub(crate) fn reset(&self) {
        self.faults().clear();
        self.journal().reset();
        self.reset.notify_waiters();
    }

    /// Completes at the next reset after this call.
    pub(crate) fn next_reset(&self) -> Notified<'_> {
        self.reset.notified()
    }

    /// Tokens for a client, if its secret is right.
    pub(crate) fn grant(&self, id: &str, secret: &str) -> Option<Granted> {
        // Locked until the token is issued: a client that is removed has none.
        let workspaces = self.workspaces.read();
        let client = client(&workspaces, id).filter(|client| client.secret == secret)?;
        let (now, expires_in) = (self.clock.now(), client.expires_in.unwrap_or(self.config.expires_in));
        Some(Granted { pair: self.tokens().grant(id, now, end(now, expires_in)), expires_in })
    }

    pub(crate) fn refresh(&self, token: &str) -> Result<Granted, RefreshError> {
        let workspaces = self.workspaces.read();
        let mut tokens = self.tokens();
        let id = tokens.client_of_refresh(token).ok_or(RefreshError::Unknown)?;
        let client = client(&workspaces, &id).ok_or(RefreshError::Unknown)?;
        let (now, expires_in) = (self.clock.now(), client.expires_in.unwrap_or(self.config.expires_in));
        Ok(Granted { pair: tokens.rotate(token, now, end(now, expires_in))?, expires_in })
    }

    /// The client that an access token is valid for.
    /// The number of access tokens that are valid now, and of refresh tokens that can be used.
    pub(crate) fn valid_tokens(&self) -> (usize, usize) {
        self.tokens().valid(self.clock.now())
    }

    pub(crate) fn client_of(&self, access: &str) -> Option<Arc<str>> {
        self.tokens().client_of(access, self.clock.now())
    }

    /// The document of a client's workspace.
    pub(crate) fn document(&self, client: &str, document: Document) -> Option<Arc<Rendered>> {
        let workspaces = self.workspaces.read();
        let position = position(&workspaces, client)?;
        Some(Arc::clone(workspaces[position].document(document)))
    }

    /// Returns the page of events for a query of a client, or an error response.
    pub(crate) fn events(&self, client: &str, query: &str) -> Option<Result<Arc<Rendered>, Answer>> {
        let workspaces = self.workspaces.read();
        let position = position(&workspaces, client)?;
        Some(workspaces[position].page(query, || EventQuery::read(query, &self.config)))
    }

    /// What each workspace has.
    pub(crate) fn summaries(&self) -> Vec<Summary> {
        self.workspaces.read().iter().map(Workspace::summary).collect()
    }

    /// Replaces a document of the first workspace by any text.
    pub(crate) fn replace(&self, document: Document, text: String) {
        self.workspaces.write()[0].replace(document, text);
    }

    /// Changes the events of a client's workspace, or of the first one.
    pub(crate) fn change_events<T>(
        &self,
        client: Option<&str>,
        change: impl FnOnce(&mut EventStore, Micros) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut workspaces = self.workspaces.write();
        let position = chosen(&workspaces, client)?;
        let now = self.clock.now();
        workspaces[position].change_events(|events| change(events, now))
    }

    /// Replaces data: the given parts of a client's workspace, or of the first one, or all workspaces. Changes nothing if
    /// it fails.
    pub(crate) fn set_data(&self, client: Option<&str>, data: &Data) -> Result<(), String> {
        let parts = match (&data.0, client) {
            (Contents::One(parts), _) => parts,
            (_, Some(_)) => return Err("all workspaces are replaced, not only that of a client".into()),
            (Contents::All(all), None) => return self.replace_all(all),
            (Contents::Snapshot(snapshot), None) => return self.restore(snapshot),
        };
        let mut workspaces = self.workspaces.write();
        let position = chosen(&workspaces, client)?;
        workspaces[position].check(parts)?;
        if let Some(clients) = &parts.clients {
            let others = workspaces.iter().enumerate().filter(|(other, _)| *other != position);
            check_clients(others.flat_map(|(_, workspace)| &workspace.clients).chain(clients))?;
        }
        workspaces[position].set_parts(parts, self.clock.now());
        self.tokens().keep_clients(|id| client_is_in(&workspaces, id));
        Ok(())
    }

    fn replace_all(&self, all: &[Parts]) -> Result<(), String> {
        let now = self.clock.now();
        let new = all.iter().enumerate().map(|(position, parts)| Workspace::of(&self.config, position, parts, now));
        let new = checked(new.collect())?;
        let mut workspaces = self.workspaces.write();
        *workspaces = new;
        self.tokens().keep_clients(|id| client_is_in(&workspaces, id));
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let workspaces = self.workspaces.read();
        Snapshot::of(&workspaces, &self.tokens(), self.clock.setting())
    }

    /// Changes nothing if it fails.
    pub(crate) fn restore(&self, snapshot: &Snapshot) -> Result<(), String> {
        let new = checked(snapshot.workspaces(&self.config))?;
        let mut workspaces = self.workspaces.write();
        self.clock.set(snapshot.clock)?;
        *workspaces = new;
        self.tokens().restore(snapshot.tokens.clone());
        Ok(())
    }
}

/// When a token expires.
fn end(now: Micros, expires_in: u64) -> Micros {
    now.saturating_add(i64::try_from(expires_in).unwrap_or(i64::MAX).saturating_mul(1_000_000))
}

fn client<'a>(workspaces: &'a [Workspace], id: &str) -> Option<&'a ApiClient> {
    workspaces.iter().flat_map(|workspace| &workspace.clients).find(|client| client.id == id)
}

fn client_is_in(workspaces: &[Workspace], id: &str) -> bool {
    client(workspaces, id).is_some()
}

fn position(workspaces: &[Workspace], client: &str) -> Option<usize> {
    workspaces.iter().position(|workspace| workspace.clients.iter().any(|known| known.id == client))
}

/// The position of a client's workspace; without a client, the first.
fn chosen(workspaces: &[Workspace], client: Option<&str>) -> Result<usize, String> {
    let Some(client) = client else { return Ok(0) };
    position(workspaces, client).ok_or_else(|| format!("no workspace has the client {client:?}"))
}

fn checked(workspaces: Vec<Workspace>) -> Result<Vec<Workspace>, String> {
    check_clients(workspaces.iter().flat_map(|workspace| &workspace.clients))?;
    Ok(workspaces)
}

/// A client belongs to one workspace.
fn check_clients<'a>(clients: impl Iterator<Item = &'a ApiClient>) -> Result<(), String> {
    let mut ids = HashSet::new();
    for client in clients {
        if !ids.insert(&client.id) {
            return Err(format!(
                "the client {:?} is there twice; a client belongs to one workspace, and one without clients has that of the options",
                client.id
            ));
        }
    }
    Ok(())
}
