//! What is claimed of a stream and of a follower, whatever the server does.

use std::collections::{BTreeMap, BTreeSet};

use super::super::cursor::Start;
use super::super::engine::Engine;
use super::drive::{MAX_IDS, Pause, Run, follow, stream};

pub(super) type Claim = Result<(), String>;

/// How many rounds a follower may need for what has arrived.
const MAX_ROUNDS: usize = 200;

macro_rules! ensure {
    ($claim:expr, $($message:tt)*) => { if !$claim { return Err(format!($($message)*)); } };
}

impl Run {
    /// A stream gives every event that existed at its first request and still does, once; or it fails where it cannot
    /// make sure.
    pub(super) fn check_stream(&mut self) -> Claim {
        let expected = self.server.ids();
        let (_, pause) = self.drive(stream(self.setup));
        self.given_once()?;
        if self.has_failed(pause)? {
            return Ok(());
        }
        ensure!(pause == Pause::End, "{pause:?} after {} requests", self.requests);
        self.none_missed(&expected)
    }

    /// The same for a server from which everything can be read.
    pub(super) fn check_complete_stream(&mut self) -> Claim {
        let expected = self.server.ids();
        let (_, pause) = self.drive(stream(self.setup));
        ensure!(pause == Pause::End, "{pause:?} after {} requests, {} given", self.requests, self.given.len());
        self.given_once()?;
        ensure!(!self.server.may_miss(), "not a server from which everything can be read");
        self.none_missed(&expected)
    }

    /// The same with restarts in between: what resumes from the cursor of a stream is a follower.
    pub(super) fn check_resumed_stream(&mut self) -> Claim {
        let (engine, pause) = self.drive(stream(self.setup));
        if self.has_failed(pause)? {
            return self.given_once();
        }
        let engine = self.resume(&engine);
        self.check_caught_up(engine, &BTreeSet::new())
    }

    /// A follower gives every event that arrives, once; from the beginning, also those before.
    pub(super) fn check_follower(&mut self, from_present: bool) -> Claim {
        if !from_present {
            return self.check_caught_up(follow(&Start::Beginning, self.setup), &BTreeSet::new());
        }
        let initial: BTreeSet<_> =
            self.server.events.iter().filter(|event| event.at.is_some()).map(|event| event.id.clone()).collect();
        let (engine, pause) = self.drive(follow(&Start::Present, self.setup));
        if self.has_failed(pause)? {
            return Ok(());
        }
        ensure!(pause == Pause::Wait, "the present: {pause:?} after {} requests", self.requests);
        let before = self.server.ids();
        self.check_caught_up(engine, &before)?;
        // An event without a time is known by ID alone, and the present does not reach that far down the list.
        let old: Vec<_> = self.given.iter().filter(|id| initial.contains(*id)).collect();
        ensure!(old.is_empty() || self.server.may_miss(), "given although older than the start: {old:?}");
        Ok(())
    }

    /// A cursor with too few IDs may repeat events, but loses none.
    pub(super) fn check_short_cursor(&mut self, from_stream: bool, max_ids: usize) -> Claim {
        self.max_ids = max_ids;
        let engine = if from_stream { stream(self.setup) } else { follow(&Start::Beginning, self.setup) };
        let (engine, pause) = self.drive(engine);
        if self.has_failed(pause)? {
            return Ok(());
        }
        let engine = self.resume(&engine);
        if self.catch_up(engine)? {
            return Ok(());
        }
        self.none_missed(&self.to_follow(&BTreeSet::new()))
    }

    fn check_caught_up(&mut self, engine: Engine, before: &BTreeSet<String>) -> Claim {
        let has_failed = self.catch_up(engine)?;
        self.given_once()?;
        if has_failed { Ok(()) } else { self.none_missed(&self.to_follow(before)) }
    }

    /// The events that a follower must give. Where dates exclude undated events, it sees those by luck.
    fn to_follow(&self, before: &BTreeSet<String>) -> BTreeSet<String> {
        let needs_time = self.server.traits.dates.drops_undated;
        let events = self.server.matching().filter(|event| event.at.is_some() || !needs_time);
        let late = self.server.late_in_the_dense();
        events.map(|event| event.id.clone()).filter(|id| !before.contains(id) && !late.contains(id)).collect()
    }

    /// Polls until no more events arrive. Returns whether it failed.
    pub(super) fn catch_up(&mut self, mut engine: Engine) -> Result<bool, String> {
        for _ in 0..MAX_ROUNDS {
            let was_quiet = self.disturbances.is_empty();
            engine.poll();
            let (next, pause) = self.drive(engine);
            engine = next;
            if pause == Pause::Failed {
                engine.clear_failure();
            }
            if self.has_failed(pause)? {
                return Ok(true);
            }
            ensure!(pause == Pause::Wait, "the follower: {pause:?} after {} requests", self.requests);
            if was_quiet && !engine.has_delivered() {
                return Ok(false);
            }
        }
        Err(format!("the follower gives events without end: {:?}", self.repeated()))
    }

    /// Whether it failed. An error if it had no reason to.
    fn has_failed(&self, pause: Pause) -> Result<bool, String> {
        let has_failed = matches!(pause, Pause::Failed | Pause::Rejected);
        ensure!(!has_failed || self.server.may_fail(), "{pause:?} after {} requests", self.requests);
        ensure!(pause != Pause::Endless, "without end: {} requests, {} given", self.requests, self.given.len());
        Ok(has_failed)
    }

    fn repeated(&self) -> Vec<(&String, usize)> {
        let mut times = BTreeMap::new();
        for id in &self.given {
            *times.entry(id).or_insert(0) += 1;
        }
        times.into_iter().filter(|(_, times)| *times > 1).collect()
    }

    pub(super) fn given_once(&self) -> Claim {
        // Whether a cursor was taken that cannot hold every ID.
        let is_cut = self.max_ids < MAX_IDS;
        let repeated = self.repeated();
        ensure!(is_cut || repeated.is_empty(), "{} given twice: {}", repeated.len(), list(repeated.iter()));
        Ok(())
    }

    pub(super) fn none_missed(&self, expected: &BTreeSet<String>) -> Claim {
        if self.server.may_miss() {
            return Ok(());
        }
        let given: BTreeSet<_> = self.given.iter().collect();
        let is_missed = |id: &&String| !given.contains(id) && !self.server.deleted.contains(*id);
        let missed: Vec<_> = expected.iter().filter(is_missed).collect();
        ensure!(missed.is_empty(), "{} of {} missed: {}", missed.len(), expected.len(), list(missed.iter()));
        Ok(())
    }
}

/// The first few.
fn list<T: std::fmt::Debug>(items: impl ExactSizeIterator<Item = T>) -> String {
    let more = if items.len() > 8 { " …" } else { "" };
    format!("{:?}{more}", items.take(8).collect::<Vec<_>>())
}
