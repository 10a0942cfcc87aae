//! All events, ordered by time, and pages of them.

use std::collections::HashMap;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::{Config, EventOrder};
use crate::event_query::EventQuery;
use crate::event_record::{EVENT_TYPES, EventMaker, RESOURCE_TYPES};
use crate::timestamp::{self, Micros};

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

/// Interned strings. `NONE` stands for null and for a string that no event has.
#[derive(Debug, Default)]
struct Words(HashMap<String, u32>);

const NONE: u32 = u32::MAX;

impl Words {
    fn with<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        for word in words {
            list.number(word);
        }
        list
    }

    fn number(&mut self, word: &str) -> u32 {
        if let Some(number) = self.0.get(word) {
            return *number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(NONE);
        self.0.insert(word.to_owned(), number);
        number
    }

    fn optional(&mut self, word: Option<&str>) -> u32 {
        word.map_or(NONE, |word| self.number(word))
    }

    fn find(&self, word: &str) -> Option<u32> {
        self.0.get(word).copied()
    }
}

/// A filter by interned strings: `None` matches everything, an empty list nothing.
struct Wanted(Option<Vec<u32>>);

impl Wanted {
    fn new(words: &Words, wanted: Option<&[String]>) -> Self {
        Self(wanted.map(|wanted| wanted.iter().filter_map(|word| words.find(word)).collect()))
    }

    fn has(&self, number: u32) -> bool {
        self.0.as_ref().is_none_or(|wanted| wanted.contains(&number))
    }
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

#[derive(Debug)]
pub(crate) struct EventStore {
    maker: EventMaker,
    order: EventOrder,
    /// Oldest first; equal instants in the order of insertion.
    entries: Vec<Entry>,
    /// Instants of the generated events by index; appending does not change them.
    times: Box<[Micros]>,
    blocks: Box<[OnceLock<Block>]>,
    appended: Vec<Bytes>,
    event_types: Words,
    resource_types: Words,
    users: Words,
}

impl EventStore {
    pub(crate) fn new(config: &Config) -> Self {
        let maker = EventMaker::new(config.seed, config.members as u64);
        let times = maker.times(config.events).into_boxed_slice();
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
            order: config.order,
            entries,
            blocks: (0..times.len().div_ceil(BLOCK)).map(|_| OnceLock::new()).collect(),
            times,
            appended: Vec::new(),
            event_types: Words::with(EVENT_TYPES.iter().copied()),
            resource_types: Words::with(RESOURCE_TYPES.iter().copied()),
            users,
        }
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
            return &self.appended[source - self.times.len()];
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
                let event_type = EVENT_TYPES[self.maker.traits(index).event_type];
                self.maker.render(index, created_at, event_type, &mut text);
                small(text.len())
            })
            .collect();
        Block { text: text.into_boxed_slice(), ends }
    }

    /// An instant after all events and not in the past, so that a client that follows events receives it.
    fn newer_than_all(&self) -> Micros {
        let after_last = self.entries.last().map_or(Micros::MIN, |last| last.created_at.saturating_add(1000));
        timestamp::now().max(after_last)
    }

    /// Appends generated events and returns their ids. Without `created_at` each is newer than all before it.
    pub(crate) fn append_generated(
        &mut self,
        count: usize,
        created_at: Option<Micros>,
        event_type: Option<&str>,
    ) -> Vec<String> {
        (0..count)
            .map(|_| {
                let index = (self.times.len() + self.appended.len()) as u64;
                let traits = self.maker.traits(index);
                let created_at = created_at.unwrap_or_else(|| self.newer_than_all());
                let event_type = event_type.unwrap_or(EVENT_TYPES[traits.event_type]);
                let mut text = Vec::new();
                self.maker.render(index, created_at, event_type, &mut text);
                let entry = Entry {
                    created_at,
                    event_type: self.event_types.number(event_type),
                    resource_type: traits.resource_type.map_or(NONE, small),
                    user: traits.member.map_or(NONE, small),
                    source: 0,
                };
                self.insert(entry, text.into());
                self.maker.id(index)
            })
            .collect()
    }

    /// Appends an event unchanged and returns its id, if any. Without a valid `created_at` it is the newest.
    pub(crate) fn append_raw(&mut self, event: &RawValue) -> Option<String> {
        // Accepts any JSON value, to test clients with invalid events.
        let fields: RawFields = serde_json::from_str(event.get()).unwrap_or_default();
        let created_at = fields.created_at.as_str().and_then(timestamp::parse);
        let entry = Entry {
            created_at: created_at.unwrap_or_else(|| self.newer_than_all()),
            event_type: self.event_types.optional(fields.event_type.as_str()),
            resource_type: self.resource_types.optional(fields.resource_type.as_str()),
            user: self.users.optional(fields.event_user_id.as_str()),
            source: 0,
        };
        self.insert(entry, event.get().to_owned().into());
        fields.id.as_str().map(str::to_owned)
    }

    fn insert(&mut self, mut entry: Entry, text: Bytes) {
        entry.source = small(self.times.len() + self.appended.len());
        self.appended.push(text);
        let place = self.entries.partition_point(|earlier| earlier.created_at <= entry.created_at);
        self.entries.insert(place, entry);
    }
}

/// Bounded by the maximum number of events and members, far below 32 bits.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
