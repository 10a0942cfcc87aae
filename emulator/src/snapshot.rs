//! A copy of data, tokens and clock as JSON, which restores the same behaviour later or elsewhere.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::Setting;
use crate::config::Config;
use crate::data::ApiClient;
use crate::event_store::EventStore;
use crate::generated::Generated;
use crate::json_object::{Object, read_fields, read_open_object};
use crate::timestamp::{self, Micros};
use crate::tokens::{TokenState, TokenStore};
use crate::workspace::{Document, Workspace};

/// The version of the format, and of what is generated.
const VERSION: u64 = 1;
/// Of the numbers that grow after a snapshot is restored.
const MAX_NUMBER: u64 = 1 << 53;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Snapshot {
    #[serde(rename = "snapshot")]
    version: u64,
    pub(crate) clock: Setting,
    pub(crate) tokens: TokenState,
    workspaces: Vec<WorkspaceState>,
}

/// Read one by one, so that errors name the place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotParts {
    #[serde(rename = "snapshot")]
    version: u64,
    clock: Setting,
    tokens: Box<RawValue>,
    workspaces: Vec<Box<RawValue>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkspaceState {
    clients: Vec<ApiClient>,
    workspace: Box<RawValue>,
    members: Box<RawValue>,
    groups: Box<RawValue>,
    /// The events that were generated at the start; their number and not their text, which may be a gigabyte.
    generated: Generated,
    /// The other events, oldest first.
    events: Vec<Box<RawValue>>,
    /// The instants of those of them whose `created_at` is not theirs, by position.
    instants: Vec<(usize, Micros)>,
    /// What the next generated events depend on.
    seed: u64,
    next_event: u64,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    removed_ids: BTreeSet<Box<str>>,
}

/// Whether a document is meant to be a snapshot.
pub(crate) fn is_snapshot(document: &RawValue) -> bool {
    read_open_object(document, "").is_ok_and(|Object(keys)| keys.iter().any(|(name, _)| name == "snapshot"))
}

impl Snapshot {
    pub(crate) fn of(workspaces: &[Workspace], tokens: &TokenStore, clock: Setting) -> Self {
        Self {
            version: VERSION,
            clock,
            tokens: tokens.state(),
            workspaces: workspaces.iter().map(WorkspaceState::of).collect(),
        }
    }

    pub(crate) fn read(document: &RawValue) -> Result<Self, String> {
        let snapshot = Self::read_parts(document).map_err(|why| format!("not a snapshot: {why}"))?;
        snapshot.check().map(|()| snapshot)
    }

    fn read_parts(document: &RawValue) -> Result<Self, String> {
        let parts: SnapshotParts = read_fields(document, "")?;
        let workspaces = parts.workspaces.iter().enumerate();
        let workspaces = workspaces.map(|(index, text)| read_fields(text, &format!("workspaces[{index}]")));
        Ok(Self {
            version: parts.version,
            clock: parts.clock,
            tokens: read_fields(&parts.tokens, "tokens")?,
            workspaces: workspaces.collect::<Result<_, String>>()?,
        })
    }

    fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("snapshot: version {}, expected {VERSION}", self.version));
        }
        self.clock.check().map_err(|why| format!("clock: {why}"))?;
        if self.workspaces.is_empty() {
            return Err("workspaces is empty, expected at least one".into());
        }
        let clients: HashSet<_> =
            self.workspaces.iter().flat_map(|workspace| &workspace.clients).map(|client| client.id.as_str()).collect();
        self.tokens.check(|client| clients.contains(client))?;
        if self.tokens.families > MAX_NUMBER {
            return Err(format!("tokens.families is {}, the maximum is {MAX_NUMBER}", self.tokens.families));
        }
        let mut workspaces = self.workspaces.iter().enumerate();
        workspaces.try_for_each(|(position, workspace)| {
            workspace.check().map_err(|why| format!("workspaces[{position}].{why}"))
        })
    }

    pub(crate) fn workspaces(&self, config: &Config) -> Vec<Workspace> {
        self.workspaces.iter().map(|state| state.restore(config)).collect()
    }
}

impl WorkspaceState {
    fn check(&self) -> Result<(), String> {
        if self.clients.is_empty() {
            return Err("clients is empty, expected at least one".into());
        }
        self.generated.check().map_err(|why| format!("generated.{why}"))?;
        let count = self.events.len();
        if let Some((event, _)) = self.instants.iter().find(|(event, _)| *event >= count) {
            return Err(format!("instants: there is no event {event}, only {count} events"));
        }
        if let Some((event, instant)) = self.instants.iter().find(|(_, instant)| !timestamp::is_shown(*instant)) {
            return Err(format!("instants: {instant}, of event {event}, is not within the years 0 to 9999"));
        }
        if self.next_event > MAX_NUMBER {
            return Err(format!("next_event is {}, the maximum is {MAX_NUMBER}", self.next_event));
        }
        Ok(())
    }

    fn of(workspace: &Workspace) -> Self {
        let document = |document| owned(&workspace.document(document).plain());
        let mut instants = Vec::new();
        let events = workspace.events().appended().enumerate().map(|(position, (text, instant))| {
            if created_at(text) != Some(instant) {
                instants.push((position, instant));
            }
            owned(text)
        });
        Self {
            generated: workspace.events().generated(),
            events: events.collect(),
            clients: workspace.clients.clone(),
            workspace: document(Document::Workspace),
            members: document(Document::Members),
            groups: document(Document::Groups),
            instants,
            seed: workspace.seed,
            next_event: workspace.events().next_index(),
            removed_ids: workspace.events().ids.removed().clone(),
        }
    }

    fn restore(&self, config: &Config) -> Workspace {
        let events = EventStore::restored(self.seed, &self.generated, config.order);
        let mut workspace = Workspace::with_events(config, self.seed, events);
        workspace.clients.clone_from(&self.clients);
        workspace.replace(Document::Workspace, self.workspace.get().to_owned());
        workspace.replace(Document::Members, self.members.get().to_owned());
        workspace.replace(Document::Groups, self.groups.get().to_owned());
        let mut instants = vec![None; self.events.len()];
        for (event, instant) in &self.instants {
            instants[*event] = Some(*instant);
        }
        workspace.change_events(|events| {
            events.append_at(&self.events, &instants, Micros::MIN);
            events.set_next(self.next_event, self.removed_ids.clone());
        });
        workspace
    }
}

/// A text that the emulator serves is JSON: it was checked when it came, or made here.
fn owned(text: &[u8]) -> Box<RawValue> {
    serde_json::from_slice(text).unwrap_or_default()
}

fn created_at(event: &[u8]) -> Option<Micros> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Field {
        created_at: serde_json::Value,
    }
    let field: Field = serde_json::from_slice(event).unwrap_or_default();
    timestamp::parse(field.created_at.as_str()?)
}
