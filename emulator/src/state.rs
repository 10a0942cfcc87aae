//! State shared by all connections.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard, RwLock};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use crate::answer::Answer;
use crate::config::Config;
use crate::event_query::EventQuery;
use crate::event_store::EventStore;
use crate::fault_list::FaultList;
use crate::journal::Journal;
use crate::members;
use crate::rendered::{PageCache, Rendered};
use crate::rng::Rng;
use crate::timestamp::Micros;
use crate::tokens::TokenStore;

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    tokens: Mutex<TokenStore>,
    faults: Mutex<FaultList>,
    journal: Mutex<Journal>,
    request_ids: Mutex<Rng>,
    reset: Notify,
    workspace: RwLock<Arc<Rendered>>,
    members: RwLock<Arc<Rendered>>,
    groups: RwLock<Arc<Rendered>>,
    events: RwLock<EventStore>,
    /// Changed only under the lock of `events`; otherwise it could keep a page that is out of date.
    pages: Mutex<PageCache>,
}

/// A response body that an admin request can replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Workspace,
    Members,
    Groups,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let seed = config.seed;
        let document = |text: Vec<u8>| RwLock::new(Rendered::new(text));
        Self {
            tokens: Mutex::new(TokenStore::new(Duration::from_secs(config.expires_in))),
            faults: Mutex::default(),
            journal: Mutex::default(),
            request_ids: Mutex::new(Rng::unrepeatable()),
            reset: Notify::new(),
            workspace: document(members::render_workspace(seed)),
            members: document(members::render_members(seed, config.members)),
            groups: document(members::render_groups(seed, config.groups, config.members)),
            events: RwLock::new(EventStore::new(&config)),
            pages: Mutex::default(),
            config,
        }
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

    /// Clears faults, counts and recorded requests, and ends requests that hang; data and tokens are kept.
    pub(crate) fn reset(&self) {
        self.faults().clear();
        self.journal().reset();
        self.reset.notify_waiters();
    }

    /// Completes at the next reset.
    pub(crate) async fn next_reset(&self) {
        self.reset.notified().await;
    }

    fn cell(&self, document: Document) -> &RwLock<Arc<Rendered>> {
        match document {
            Document::Workspace => &self.workspace,
            Document::Members => &self.members,
            Document::Groups => &self.groups,
        }
    }

    pub(crate) fn document(&self, document: Document) -> Arc<Rendered> {
        self.cell(document).read().clone()
    }

    pub(crate) fn replace(&self, document: Document, text: impl Into<Vec<u8>>) {
        *self.cell(document).write() = Rendered::new(text.into());
    }

    /// Returns the page of events for a query, or an error response.
    pub(crate) fn events(&self, query: &str) -> Result<Arc<Rendered>, Answer> {
        if let Some(page) = self.pages.lock().get(query) {
            return Ok(page);
        }
        let wanted = EventQuery::read(query, &self.config)?;
        let events = self.events.read();
        let page = Rendered::new(events.page(&wanted));
        self.pages.lock().insert(query, Arc::clone(&page));
        Ok(page)
    }

    pub(crate) fn event_count(&self) -> usize {
        self.events.read().len()
    }

    pub(crate) fn append_events(
        &self,
        count: usize,
        created_at: Option<Micros>,
        event_type: Option<&str>,
    ) -> Vec<String> {
        self.change_events(|events| events.append_generated(count, created_at, event_type))
    }

    pub(crate) fn append_raw_events(&self, raw: &[Box<RawValue>]) -> Vec<Option<String>> {
        self.change_events(|events| raw.iter().map(|event| events.append_raw(event)).collect())
    }

    fn change_events<T>(&self, change: impl FnOnce(&mut EventStore) -> T) -> T {
        let mut events = self.events.write();
        let result = change(&mut events);
        self.pages.lock().clear();
        result
    }
}
