//! Events that a test adds: generated ones of which it chooses some fields, or given ones.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::MAX_EVENTS;
use crate::event_record::Choice;
use crate::event_store::EventStore;
use crate::json_object::{read_fields, read_list, read_open_object};
use crate::record_check::check_events;
use crate::timestamp::{self, Micros};

/// Generated events to add, and those of their fields that are chosen.
///
/// ```
/// # use kal_emulator::{Config, Emulator, NewEvents};
/// # let emulator = Emulator::start(Config::default())?;
/// let new = NewEvents { count: 2, event_type: Some("archive".into()), ..NewEvents::default() };
/// assert_eq!(emulator.add_events(None, &new)?.len(), 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewEvents {
    /// How many, up to 1,000,000.
    pub count: usize,
    /// Their instant (RFC 3339). Otherwise each is newer than all events before it.
    pub created_at: Option<String>,
    /// Their event type.
    pub event_type: Option<String>,
    /// The id of the member who acts in them, whose names they have.
    pub event_user_id: Option<String>,
    /// The id of what they are about.
    pub resource_id: Option<String>,
    /// The kind of what they are about.
    pub resource_type: Option<String>,
}

/// Why events are not added.
pub(crate) enum Refused {
    /// The request is not valid.
    Request(String),
    /// A record is not valid.
    Record(String),
}

/// Events to add to a workspace.
pub(crate) enum Events {
    Generated(NewEvents),
    Given { events: Vec<Box<RawValue>>, unchecked: bool },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenEvents {
    events: Box<RawValue>,
    #[serde(default)]
    unchecked: bool,
}

impl Events {
    /// Reads the body of a request.
    pub(crate) fn read(body: &RawValue) -> Result<Self, Refused> {
        let is_given = read_open_object(body, "")
            .map_err(Refused::Request)?
            .0
            .iter()
            .any(|(name, _)| name == "events" || name == "unchecked");
        if !is_given {
            return Ok(Self::Generated(read_fields(body, "").map_err(Refused::Request)?));
        }
        let given: GivenEvents = read_fields(body, "").map_err(Refused::Request)?;
        if !given.unchecked {
            check_events(&given.events, "events").map_err(Refused::Record)?;
        }
        let events = read_list(&given.events, "events", MAX_EVENTS).map_err(Refused::Record)?;
        let events = events.into_iter().map(ToOwned::to_owned).collect();
        Ok(Self::Given { events, unchecked: given.unchecked })
    }

    /// Adds them, after removing all others if they `replace` them, and returns their ids. Changes nothing if it fails.
    pub(crate) fn add(
        &self,
        store: &mut EventStore,
        now: Micros,
        replace: bool,
    ) -> Result<Vec<Option<String>>, String> {
        match self {
            Self::Generated(new) => {
                let (created_at, choice) = new.choice(store)?;
                // The members stay, and with them the one that was chosen.
                if replace {
                    store.clear();
                }
                let ids = store.append_generated(new.count, created_at, now, choice);
                Ok(ids.into_iter().map(Some).collect())
            }
            Self::Given { events, unchecked } => {
                if replace {
                    store.clear();
                } else if !unchecked {
                    self.check_ids(store)?;
                }
                Ok(store.append_raw(events, now))
            }
        }
    }

    fn check_ids(&self, store: &EventStore) -> Result<(), String> {
        #[derive(Deserialize)]
        struct Id {
            id: String,
        }
        let Self::Given { events, .. } = self else { return Ok(()) };
        let ids: Vec<String> = events
            .iter()
            .filter_map(|event| serde_json::from_str::<Id>(event.get()).ok())
            .map(|Id { id }| id)
            .collect();
        match store.first_known(ids.iter().map(String::as_str)) {
            Some(known) => {
                let index = ids.iter().position(|id| id == known).unwrap_or(0);
                Err(format!("events[{index}].id: {known:?} is the id of an event that is there already"))
            }
            None => Ok(()),
        }
    }
}

impl NewEvents {
    fn choice(&self, store: &EventStore) -> Result<(Option<Micros>, Choice<'_>), String> {
        if self.count > MAX_EVENTS {
            return Err(format!("count is {}, the maximum is {MAX_EVENTS}", self.count));
        }
        let date = |text: &String| {
            timestamp::parse(text).ok_or_else(|| format!("created_at: {text:?} is not a date of the years 0 to 9999"))
        };
        let created_at = self.created_at.as_ref().map(date).transpose()?;
        let known =
            |id: &String| store.maker().member(id).ok_or_else(|| format!("event_user_id: no member has the id {id:?}"));
        let choice = Choice {
            event_type: self.event_type.as_deref(),
            resource_type: self.resource_type.as_deref(),
            resource_id: self.resource_id.as_deref(),
            member: self.event_user_id.as_ref().map(known).transpose()?,
        };
        Ok((created_at, choice))
    }
}
