//! Generated events: their properties and JSON text.

use crate::json_text::{ObjectWriter, Spelling};
use crate::members::{Member, stream, workspace_id};
use crate::names;
use crate::rng::Rng;
use crate::timestamp::{self, Micros};

pub(crate) const EVENT_TYPES: &[&str] = &["create", "update", "delete", "comment", "assign"];
pub(crate) const RESOURCE_TYPES: &[&str] = &["task", "record", "experiment", "program"];

// Events are spread over this year, independent of their number.
const FIRST: Micros = 1_735_718_400_000_000; // 2025-01-01T08:00:00Z
const SPAN: u64 = 364 * 86_400_000_000;

// One bulk operation in every 40 events: a parent followed by the events it caused.
const BULK_PERIOD: u64 = 40;
const BULK_PARENT: u64 = 30;
const BULK_CHILDREN: u64 = 5;

/// The properties of an event that filters use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    /// Position in `EVENT_TYPES`.
    pub(crate) event_type: usize,
    /// Position in `RESOURCE_TYPES`.
    pub(crate) resource_type: Option<usize>,
    /// Index of the acting member.
    pub(crate) member: Option<usize>,
}

/// Generates the event of any index without generating those before it.
#[derive(Debug)]
pub(crate) struct EventMaker {
    seed: u64,
    actors: Vec<Actor>,
    workspace_id: String,
}

/// The fields of the acting member that an event contains; cached, because each member acts many times.
#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) id: String,
    pub(crate) full_name: Option<String>,
    pub(crate) preferred_name: Option<String>,
}

/// What a test chooses of a generated event; the rest is random.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice<'a> {
    pub(crate) event_type: Option<&'a str>,
    pub(crate) resource_type: Option<&'a str>,
    pub(crate) resource_id: Option<&'a str>,
    /// Index of the acting member.
    pub(crate) member: Option<usize>,
}

impl EventMaker {
    pub(crate) fn new(seed: u64, members: u64) -> Self {
        let actor = |index| {
            let member = Member::new(seed, index);
            Actor { id: member.id, full_name: Some(member.full_name), preferred_name: member.preferred_name }
        };
        Self::of(seed, workspace_id(seed), (0..members).map(actor).collect())
    }

    /// Events of a workspace whose records are given.
    pub(crate) fn of(seed: u64, workspace_id: String, actors: Vec<Actor>) -> Self {
        Self { seed, actors, workspace_id }
    }

    /// Index of the member with this id.
    pub(crate) fn member(&self, id: &str) -> Option<usize> {
        self.actors.iter().position(|actor| actor.id == id)
    }

    pub(crate) fn members(&self) -> usize {
        self.actors.len()
    }

    pub(crate) fn actor_id(&self, member: usize) -> &str {
        &self.actors[member].id
    }

    /// The ids of all acting members, indexed by `Traits::member`.
    pub(crate) fn actor_ids(&self) -> impl Iterator<Item = &str> {
        self.actors.iter().map(|actor| actor.id.as_str())
    }

    pub(crate) fn id(&self, index: u64) -> String {
        Rng::new(self.seed, stream::EVENT_ID, index).uuid()
    }

    pub(crate) fn traits(&self, index: u64) -> Traits {
        let mut rng = Rng::new(self.seed, stream::EVENT_TRAITS, index);
        // Updates are the most frequent, deletions the least.
        let event_type = [1, 0, 1, 3, 1, 4, 1, 0, 3, 2][rng.position(10)];
        Traits {
            event_type,
            resource_type: (!rng.percent(4)).then(|| rng.position(RESOURCE_TYPES.len())),
            member: (!self.actors.is_empty()).then(|| rng.position(self.actors.len())),
        }
    }

    /// The instants of the first `count` events, oldest first; some are equal.
    pub(crate) fn times(&self, count: usize) -> Vec<Micros> {
        let mut rng = Rng::new(self.seed, stream::EVENT_TIMES, 0);
        let gap = SPAN / (count as u64).max(1);
        let mut latest = FIRST;
        (0..count as u64)
            .map(|index| {
                let clock = FIRST + i64::try_from(index * gap + rng.below(gap)).unwrap_or(0);
                let together = bulk_parent(index).is_some() || rng.percent(8);
                if !together {
                    // Two formats need whole milliseconds or a fraction that ends in zeros.
                    let grain = [1000, 1000, 10, 1][rng.position(4)];
                    latest = latest.max(clock / grain * grain);
                }
                latest
            })
            .collect()
    }

    /// Appends the JSON text of an event.
    pub(crate) fn render(&self, index: u64, created_at: Micros, choice: Choice<'_>, out: &mut Vec<u8>) {
        let traits = self.traits(index);
        let event_type = choice.event_type.unwrap_or(EVENT_TYPES[traits.event_type]);
        let resource_type = choice.resource_type.or(traits.resource_type.map(|position| RESOURCE_TYPES[position]));
        let mut rng = Rng::new(self.seed, stream::EVENT_TEXT, index);
        let spelling = if rng.percent(15) { Spelling::Ascii } else { Spelling::Utf8 };
        let whole_millis = created_at % 1000 == 0;
        let created_at = if whole_millis && rng.percent(75) {
            timestamp::zulu(created_at)
        } else {
            timestamp::offset_form(created_at)
        };
        let member = choice.member.or(traits.member).map(|member| &self.actors[member]);
        let resource_id = (!rng.percent(8)).then(|| rng.uuid());
        let resource_id = choice.resource_id.or(resource_id.as_deref());
        let parent = bulk_parent(index).map(|parent| self.id(parent));

        let mut object = ObjectWriter::begin(out, spelling);
        object.string("id", &self.id(index));
        object.optional("full_name", member.and_then(|member| member.full_name.as_deref()));
        object.optional("preferred_name", member.and_then(|member| member.preferred_name.as_deref()));
        object.boolean("is_bot", rng.percent(5));
        attributes(&mut object, event_type, &mut rng);
        object.string("created_at", &created_at);
        object.optional("resource_id", resource_id);
        object.optional("resource_type", resource_type);
        object.string("event_type", event_type);
        object.number("event_type_version", 1 + rng.below(3));
        object.optional("event_user_id", member.map(|member| member.id.as_str()));
        object.optional("parent_bulk_event_id", parent.as_deref());
        object.boolean("is_bulk", index % BULK_PERIOD == BULK_PARENT);
        // The remaining fields are unknown to clients.
        object.string("workspace_id", &self.workspace_id);
        object.raw("session_id", "null");
        object.object("log", |log| {
            log.number("sequence", index);
            log.raw("took_ms", "12.75");
            log.strings("tags", ["web", "v2"]);
        });
        object.end();
    }
}

/// The event that caused this one, if it is part of a bulk operation.
fn bulk_parent(index: u64) -> Option<u64> {
    let place = index % BULK_PERIOD;
    let is_child = place > BULK_PARENT && place <= BULK_PARENT + BULK_CHILDREN;
    is_child.then(|| index - place + BULK_PARENT)
}

/// `event_attrs` depends on the event type, and is sometimes empty or missing.
fn attributes(object: &mut ObjectWriter<'_>, event_type: &str, rng: &mut Rng) {
    if rng.percent(4) {
        return;
    }
    object.object("event_attrs", |attrs| match event_type {
        "create" => {
            attrs.string("title", rng.pick(names::SUBJECTS));
            attrs.object("source", |source| {
                source.string("kind", rng.pick(&["manual", "import", "template"]));
                source.number("row", rng.below(500));
            });
        }
        "update" => {
            attrs.string("field", rng.pick(names::FIELDS));
            attrs.object("change", |change| {
                change.string("from", rng.pick(names::STATUSES));
                change.string("to", rng.pick(names::STATUSES));
            });
        }
        "comment" => {
            attrs.string("comment_id", &rng.uuid());
            let text = rng.pick(names::COMMENTS);
            attrs.string("text", text);
            attrs.object("rich_text", |rich| {
                rich.string("type", "doc");
                rich.raw("content", r#"[{"type":"paragraph","content":[{"type":"text","text":"\u2026"}]}]"#);
            });
        }
        "assign" => {
            let ids: Vec<String> = (0..=rng.below(2)).map(|_| rng.uuid()).collect();
            attrs.strings("added_user_ids", ids.iter().map(String::as_str));
            attrs.strings("removed_user_ids", []);
        }
        _ => {}
    });
}
