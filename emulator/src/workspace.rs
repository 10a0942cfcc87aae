//! A workspace: the clients that may read it, its records, and the cached pages of its events.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::Config;
use crate::data::{ApiClient, Parts};
use crate::event_query::EventQuery;
use crate::event_record::{Actor, EventMaker};
use crate::event_store::EventStore;
use crate::group_members;
use crate::members;
use crate::record_check::check_user_ids;
use crate::rendered::{PageCache, Rendered};
use crate::rng::Rng;
use crate::timestamp::Micros;

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) clients: Vec<ApiClient>,
    /// The seed of events that are generated for it.
    pub(crate) seed: u64,
    record: Arc<Rendered>,
    members: Arc<Rendered>,
    groups: Arc<Rendered>,
    events: EventStore,
    pages: Mutex<PageCache>,
}

/// A response body that an admin request can replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    Workspace,
    Members,
    Groups,
}

/// The number of records. None: the document is not a list.
pub(crate) struct Summary {
    pub(crate) clients: Vec<String>,
    pub(crate) members: Option<usize>,
    pub(crate) groups: Option<usize>,
    pub(crate) events: usize,
}

impl Workspace {
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            clients: self.clients.iter().map(|client| client.id.clone()).collect(),
            members: self.members.items(),
            groups: self.groups.items(),
            events: self.events.len(),
        }
    }

    /// Generated records.
    pub(crate) fn generated(config: &Config) -> Self {
        let seed = config.seed;
        Self {
            clients: vec![default_client(config)],
            seed,
            record: Rendered::new(members::render_workspace(seed)),
            members: Rendered::new(members::render_members(seed, config.members)),
            groups: Rendered::new(members::render_groups(seed, config.groups, config.members)),
            events: EventStore::new(config),
            pages: Mutex::default(),
        }
    }

    /// A workspace without records.
    pub(crate) fn empty(config: &Config, seed: u64) -> Self {
        Self::with_events(config, seed, EventStore::with(EventMaker::new(seed, 0), 0, config.order))
    }

    /// A workspace without other records than events.
    pub(crate) fn with_events(config: &Config, seed: u64, events: EventStore) -> Self {
        Self {
            clients: vec![default_client(config)],
            seed,
            record: Rendered::new("null"),
            members: Rendered::new("[]"),
            groups: Rendered::new("[]"),
            events,
            pages: Mutex::default(),
        }
    }

    /// The given records, of the workspace at this position. The lists that are not given are empty.
    pub(crate) fn of(config: &Config, position: usize, parts: &Parts, now: Micros) -> Self {
        let seed = match position {
            0 => config.seed,
            // Otherwise the events of two workspaces would have the same ids.
            _ => Rng::new(config.seed, members::stream::WORKSPACE, position as u64).draw(),
        };
        let mut workspace = Self::empty(config, seed);
        workspace.set_parts(parts, now);
        workspace
    }

    /// Whether the given groups name members that are given or there already.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), String> {
        match (&parts.groups, &parts.members) {
            (Some(groups), None) if !parts.unchecked => check_user_ids(groups, "groups", &self.member_ids()),
            _ => Ok(()),
        }
    }

    pub(crate) fn set_parts(&mut self, parts: &Parts, now: Micros) {
        if let Some(clients) = &parts.clients {
            self.clients.clone_from(clients);
        }
        let documents = [
            (Document::Workspace, &parts.workspace),
            (Document::Members, &parts.members),
            (Document::Groups, &parts.groups),
        ];
        for (document, text) in documents {
            if let Some(text) = text {
                *self.cell(document) = Rendered::new(text.get().to_owned());
            }
        }
        if parts.members.is_some() && parts.groups.is_none() && !parts.unchecked {
            self.remove_absent_members();
        }
        if parts.workspace.is_some() || parts.members.is_some() {
            self.update_maker();
        }
        if let Some(events) = &parts.events {
            self.change_events(|store| {
                store.clear();
                store.append_raw(events, now);
            });
        }
    }

    pub(crate) fn document(&self, document: Document) -> &Arc<Rendered> {
        match document {
            Document::Workspace => &self.record,
            Document::Members => &self.members,
            Document::Groups => &self.groups,
        }
    }

    fn cell(&mut self, document: Document) -> &mut Arc<Rendered> {
        match document {
            Document::Workspace => &mut self.record,
            Document::Members => &mut self.members,
            Document::Groups => &mut self.groups,
        }
    }

    pub(crate) fn replace(&mut self, document: Document, text: String) {
        *self.cell(document) = Rendered::new(text);
        if document != Document::Groups {
            self.update_maker();
        }
    }

    /// The page of events for a query.
    pub(crate) fn page<E>(
        &self,
        query: &str,
        parse: impl FnOnce() -> Result<EventQuery, E>,
    ) -> Result<Arc<Rendered>, E> {
        if let Some(page) = self.pages.lock().get(query) {
            return Ok(page);
        }
        let page = Rendered::new(self.events.page(&parse()?));
        self.pages.lock().insert(query, Arc::clone(&page));
        Ok(page)
    }

    pub(crate) fn events(&self) -> &EventStore {
        &self.events
    }

    pub(crate) fn change_events<T>(&mut self, change: impl FnOnce(&mut EventStore) -> T) -> T {
        let result = change(&mut self.events);
        self.pages.lock().clear();
        result
    }

    /// Lets the members that there are now act in the events that are generated from now on.
    fn update_maker(&mut self) {
        let workspace: Value = serde_json::from_slice(&self.record.plain()).unwrap_or_default();
        let id = workspace["id"].as_str().map_or_else(|| members::workspace_id(self.seed), str::to_owned);
        let maker = EventMaker::of(self.seed, id, self.actors());
        self.events.use_maker(maker);
    }

    fn remove_absent_members(&mut self) {
        let groups = self.groups.plain();
        let groups = std::str::from_utf8(&groups).unwrap_or_default();
        if let Some(groups) = group_members::without_absent(groups, &self.member_ids()) {
            self.groups = Rendered::new(groups);
        }
    }

    fn member_ids(&self) -> HashSet<String> {
        self.actors().into_iter().map(|actor| actor.id).collect()
    }

    /// The members that have an id.
    fn actors(&self) -> Vec<Actor> {
        let text = self.members.plain();
        let members: Vec<&RawValue> = serde_json::from_slice(&text).unwrap_or_default();
        let actor = |member: &&RawValue| {
            // Of a member with odd fields those are taken that are strings.
            let fields: Fields = serde_json::from_str(member.get()).ok()?;
            let text = |value: Option<&RawValue>| value.and_then(|value| serde_json::from_str(value.get()).ok());
            Some(Actor {
                id: text(fields.id)?,
                full_name: text(fields.full_name),
                preferred_name: text(fields.preferred_name),
            })
        };
        members.iter().filter_map(actor).collect()
    }
}

#[derive(serde::Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    full_name: Option<&'a RawValue>,
    #[serde(borrow)]
    preferred_name: Option<&'a RawValue>,
}

fn default_client(config: &Config) -> ApiClient {
    ApiClient { id: config.client_id.clone(), secret: config.client_secret.clone(), expires_in: None }
}
