//! All events, ordered by time, and pages of them.

use std::collections::{BTreeSet, HashSet};
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::{Config, EventOrder};
use crate::event_ids::{EventIds, GENERATED_ID};
use crate::event_query::EventQuery;
use crate::event_record::{Choice, EVENT_TYPES, EventMaker, RESOURCE_TYPES};
use crate::generated::Generated;
use crate::timestamp::{self, Micros};
use crate::words::{NONE, Wanted, Words};

/// Number of consecutive events that are rendered together on first access. A million events thus cost only their index
/// at start, and their text only where it is read.
const BLOCK: usize = 64;

#[derive(Debug)]
struct Block {
    text: Box<[u8]>,
    /// Where each event ends.
    ends: Box<[u32]>,
}

/// The fields that filters use; small, because a filter without dates scans all of them.
#[derive(Debug, Clone, Copy)]
struct Entry {
    created_at: Micros,
    event_type: u32,
    resource_type: u32,
    user: u32,
    /// Index of a generated event, or, beyond their number, of an appended one.
    source: u32,
}

/// The fields of a raw event that filters use; all others may have any value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawFields {
    id: serde_json::Value,
    created_at: serde_json::Value,
    event_type: serde_json::Value,
    resource_type: serde_json::Value,
    event_user_id: serde_json::Value,
}

/// An event that was added since the start.
#[derive(Debug)]
struct Appended {
    id: Option<Box<str>>,
    text: Bytes,
}

#[derive(Debug)]
pub(crate) struct EventStore {
    maker: EventMaker,
    /// Makes the events that are added once members or workspace have been replaced.
    later_maker: Option<EventMaker>,
    order: EventOrder,
    /// Oldest first; equal instants in the order of insertion.
    entries: Vec<Entry>,
    /// Instants of the generated events by index; appending does not change them.
    times: Box<[Micros]>,
    blocks: Box<[OnceLock<Block>]>,
    appended: Vec<Appended>,
    pub(crate) ids: EventIds,
    /// Index of the next generated event. It only grows, so that the id of a removed event does not return.
    next_index: u64,
    event_types: Words,
    resource_types: Words,
    users: Words,
}

impl EventStore {
    /// Generated events.
    pub(crate) fn new(config: &Config) -> Self {
        Self::with(EventMaker::new(config.seed, config.members as u64), config.events, config.order)
    }

    pub(crate) fn with(maker: EventMaker, count: usize, order: EventOrder) -> Self {
        let times = maker.times(count).into_boxed_slice();
        // Interned in order, so that an index into the list is also the string's number.
        let users = Words::with(maker.actor_ids());
        let entries = (0u32..)
            .zip(&times)
            .map(|(index, &created_at)| {
                let traits = maker.traits(u64::from(index));
                Entry {
                    created_at,
                    event_type: small(traits.event_type),
                    resource_type: traits.resource_type.map_or(NONE, small),
                    user: traits.member.map_or(NONE, small),
                    source: index,
                }
            })
            .collect();
        Self {
            maker,
            later_maker: None,
            order,
            entries,
            blocks: (0..times.len().div_ceil(BLOCK)).map(|_| OnceLock::new()).collect(),
            next_index: times.len() as u64,
            times,
            appended: Vec::new(),
            ids: EventIds::default(),
            event_types: Words::with(EVENT_TYPES.iter().copied()),
            resource_types: Words::with(RESOURCE_TYPES.iter().copied()),
            users,
        }
    }

    /// Generated events, as there were when [`generated`](Self::generated) described them.
    pub(crate) fn restored(seed: u64, generated: &Generated, order: EventOrder) -> Self {
        let mut store = Self::with(EventMaker::new(seed, generated.members as u64), generated.events, order);
        let removed: HashSet<usize> = generated.removed.iter().copied().collect();
        store.entries.retain(|entry| !removed.contains(&(entry.source as usize)));
        store
    }

    pub(crate) fn generated(&self) -> Generated {
        let mut is_there = vec![false; self.times.len()];
        for entry in &self.entries {
            if let Some(is_there) = is_there.get_mut(entry.source as usize) {
                *is_there = true;
            }
        }
        let removed = is_there.iter().enumerate().filter(|(_, is_there)| !**is_there).map(|(index, _)| index);
        Generated { members: self.maker.members(), events: self.times.len(), removed: removed.collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The JSON list that answers a query.
    pub(crate) fn page(&self, query: &EventQuery) -> Vec<u8> {
        let from = self.entries.partition_point(|entry| entry.created_at < query.from);
        let until = self.entries.partition_point(|entry| entry.created_at <= query.until);
        let range = self.entries.get(from..until).unwrap_or_default();
        let (skip, take) = (clamp(query.skip), clamp(query.take));
        let chosen: Vec<&Entry> = if query.has_filters() {
            let types = Wanted::new(&self.event_types, query.event_types.as_deref());
            let users = Wanted::new(&self.users, query.event_user_ids.as_deref());
            let resource = query.resource_type.as_ref().map(std::slice::from_ref);
            let resources = Wanted::new(&self.resource_types, resource);
            let wanted = |entry: &&Entry| {
                types.has(entry.event_type) && users.has(entry.user) && resources.has(entry.resource_type)
            };
            match self.order {
                EventOrder::Asc => range.iter().filter(wanted).skip(skip).take(take).collect(),
                EventOrder::Desc => range.iter().rev().filter(wanted).skip(skip).take(take).collect(),
            }
        } else {
            let skip = skip.min(range.len());
            let take = take.min(range.len() - skip);
            match self.order {
                EventOrder::Asc => range[skip..skip + take].iter().collect(),
                EventOrder::Desc => {
                    let end = range.len() - skip;
                    range[end - take..end].iter().rev().collect()
                }
            }
        };
        self.list(&chosen)
    }

    fn list(&self, entries: &[&Entry]) -> Vec<u8> {
        // A page is large: compute its size first, because growing the buffer would cost more than filling it.
        let octets: usize = entries.iter().map(|entry| self.text(entry).len() + 1).sum();
        let mut list = Vec::with_capacity(octets + 2);
        list.push(b'[');
        for entry in entries {
            if list.len() > 1 {
                list.push(b',');
            }
            list.extend_from_slice(self.text(entry));
        }
        list.push(b']');
        list
    }

    fn text(&self, entry: &Entry) -> &[u8] {
        let source = entry.source as usize;
        if source >= self.times.len() {
            return &self.appended[source - self.times.len()].text;
        }
        let block = self.blocks[source / BLOCK].get_or_init(|| self.render_block(source / BLOCK));
        let place = source % BLOCK;
        let start = if place == 0 { 0 } else { block.ends[place - 1] as usize };
        &block.text[start..block.ends[place] as usize]
    }

    fn render_block(&self, number: usize) -> Block {
        let first = number * BLOCK;
        let times = &self.times[first..self.times.len().min(first + BLOCK)];
        let mut text = Vec::with_capacity(times.len() * 700);
        let ends = (first as u64..)
            .zip(times)
            .map(|(index, &created_at)| {
                self.maker.render(index, created_at, Choice::default(), &mut text);
                small(text.len())
            })
            .collect();
        Block { text: text.into_boxed_slice(), ends }
    }

    /// Makes the events that are added from now on.
    pub(crate) fn use_maker(&mut self, maker: EventMaker) {
        self.later_maker = Some(maker);
    }

    pub(crate) fn maker(&self) -> &EventMaker {
        self.later_maker.as_ref().unwrap_or(&self.maker)
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.next_index
    }

    pub(crate) fn set_next(&mut self, index: u64, removed_ids: BTreeSet<Box<str>>) {
        self.next_index = index.max(self.times.len() as u64);
        self.ids.set_removed(removed_ids);
    }

    /// Appends generated events and returns their ids. Without `created_at` each is newer than all before it, and not
    /// older than `now`, so that a client that follows events receives it.
    pub(crate) fn append_generated(
        &mut self,
        count: usize,
        created_at: Option<Micros>,
        now: Micros,
        choice: Choice<'_>,
    ) -> Vec<String> {
        let mut latest = self.latest();
        let mut entries = Vec::with_capacity(count);
        let ids = (0..count).map(|_| {
            self.skip_known_ids();
            let index = self.next_index;
            let created_at = created_at.unwrap_or_else(|| newer(latest, now));
            latest = latest.max(Some(created_at));
            let mut text = Vec::new();
            let maker = self.later_maker.as_ref().unwrap_or(&self.maker);
            let traits = maker.traits(index);
            maker.render(index, created_at, choice, &mut text);
            let id = maker.id(index);
            let member = choice.member.or(traits.member).map(|member| maker.actor_id(member));
            let entry = Entry {
                created_at,
                event_type: self.event_types.number(choice.event_type.unwrap_or(EVENT_TYPES[traits.event_type])),
                resource_type: match choice.resource_type {
                    Some(word) => self.resource_types.number(word),
                    None => traits.resource_type.map_or(NONE, small),
                },
                user: self.users.optional(member),
                source: 0,
            };
            entries.push(self.keep(entry, Some(&id), text.into(), false));
            id
        });
        let ids = ids.collect();
        self.insert(entries);
        ids
    }

    /// Appends events unchanged and returns their ids, if any. One without a valid `created_at` is newer than all
    /// before it.
    pub(crate) fn append_raw(&mut self, events: &[Box<RawValue>], now: Micros) -> Vec<Option<String>> {
        let instants = vec![None; events.len()];
        self.append_at(events, &instants, now)
    }

    /// The same; an instant takes precedence over `created_at`.
    pub(crate) fn append_at(
        &mut self,
        events: &[Box<RawValue>],
        instants: &[Option<Micros>],
        now: Micros,
    ) -> Vec<Option<String>> {
        let mut latest = self.latest();
        let mut entries = Vec::with_capacity(events.len());
        let ids = events.iter().zip(instants).map(|(event, instant)| {
            // Accepts any JSON value, to test clients with invalid events.
            let fields: RawFields = serde_json::from_str(event.get()).unwrap_or_default();
            let created_at = instant.or_else(|| fields.created_at.as_str().and_then(timestamp::parse));
            let created_at = created_at.unwrap_or_else(|| newer(latest, now));
            latest = latest.max(Some(created_at));
            let entry = Entry {
                created_at,
                event_type: self.event_types.optional(fields.event_type.as_str()),
                resource_type: self.resource_types.optional(fields.resource_type.as_str()),
                user: self.users.optional(fields.event_user_id.as_str()),
                source: 0,
            };
            entries.push(self.keep(entry, fields.id.as_str(), event.get().to_owned().into(), true));
            fields.id.as_str().map(str::to_owned)
        });
        let ids = ids.collect();
        self.insert(entries);
        ids
    }

    /// Given events may be copies of generated ones, whose ids must not be there twice, nor return.
    fn skip_known_ids(&mut self) {
        let maker = self.later_maker.as_ref().unwrap_or(&self.maker);
        while self.ids.is_taken(&maker.id(self.next_index)) {
            self.next_index += 1;
        }
    }

    fn latest(&self) -> Option<Micros> {
        self.entries.last().map(|last| last.created_at)
    }

    fn keep(&mut self, mut entry: Entry, id: Option<&str>, text: Bytes, is_given: bool) -> Entry {
        entry.source = small(self.times.len() + self.appended.len());
        self.next_index += 1;
        self.ids.add(id, is_given);
        self.appended.push(Appended { id: id.map(Box::from), text });
        entry
    }

    fn insert(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
        // It is stable, and fast on what is sorted already.
        self.entries.sort_by_key(|entry| entry.created_at);
    }

    /// Removes all events.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.times = Box::default();
        self.blocks = Box::default();
        self.appended.clear();
        self.ids.remove_all();
    }

    /// Removes the events with this id and returns whether there were any.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let mut entries = std::mem::take(&mut self.entries);
        let before = entries.len();
        entries.retain(|entry| !self.has_id(entry, id));
        self.entries = entries;
        self.ids.remove(id);
        self.entries.len() < before
    }

    fn has_id(&self, entry: &Entry, id: &str) -> bool {
        match (entry.source as usize).checked_sub(self.times.len()) {
            Some(appended) => self.appended[appended].id.as_deref() == Some(id),
            // Their ids have one length; comparing it first spares making them.
            None => id.len() == GENERATED_ID && self.maker.id(u64::from(entry.source)) == id,
        }
    }

    /// The first of these ids that an event has already.
    pub(crate) fn first_known<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let mut generated = HashSet::new();
        for id in ids {
            if self.ids.is_there(id) {
                return Some(id);
            }
            if id.len() == GENERATED_ID {
                generated.insert(id);
            }
        }
        if generated.is_empty() {
            return None;
        }
        let made = self.entries.iter().filter(|entry| (entry.source as usize) < self.times.len());
        made.map(|entry| self.maker.id(u64::from(entry.source))).find_map(|id| generated.get(id.as_str()).copied())
    }

    /// The texts and instants of the events that were added since the start, oldest first.
    pub(crate) fn appended(&self) -> impl Iterator<Item = (&[u8], Micros)> {
        let added = self.entries.iter().filter(|entry| entry.source as usize >= self.times.len());
        added.map(|entry| (self.text(entry), entry.created_at))
    }
}

fn newer(latest: Option<Micros>, now: Micros) -> Micros {
    latest.map_or(now, |latest| now.max(latest + 1000).min(timestamp::LAST))
}

/// Bounded by the maximum number of events and members, far below 32 bits.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
