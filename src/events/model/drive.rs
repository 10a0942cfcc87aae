//! The only part of the model that knows the engine's interface: how to start one, and how to serve what it asks for.

use std::collections::VecDeque;

use super::super::cursor::Start;
use super::super::engine::{Engine, Step};
use super::super::page::Item;
use super::super::request::Request;
use super::disturbance::{Delete, Disturbance};
use super::events::{EPOCH, SECOND, scramble};
use super::server::{Page, Server};
use crate::service::ListHabits;

pub(in super::super) use super::super::engine::Setup;
pub(in super::super) use super::super::snapshot::MAX_IDS;

/// How often a host repeats a call that fails with the same error, before it gives up.
const MAX_ERRORS: u32 = 3;

pub(in super::super) fn stream(setup: Setup) -> Engine {
    Engine::stream(setup)
}

pub(in super::super) fn follow(start: &Start, setup: Setup) -> Engine {
    Engine::follow(start, setup)
}

/// What an engine has learnt of the server, and another one can start with.
pub(in super::super) fn learned(engine: &Engine) -> ListHabits {
    engine.habits()
}

/// What another process makes of the cursor of this one.
pub(super) fn resume(engine: &Engine, max_ids: usize, setup: Setup) -> Engine {
    let text = engine.cursor_with(max_ids).into_text("f");
    // Nothing but the cursor survives.
    follow(&Start::parse(&text, "f").expect("its own cursor"), Setup { habits: ListHabits::default(), ..setup })
}

/// The size that a request has instead of the caller's.
fn size(request: Request) -> Option<u32> {
    request.size
}

/// Passes a page to the engine. Returns the new events on it.
pub(super) fn accept<'a, At: Copy + Into<Option<i64>>>(engine: &mut Engine, page: &'a [(String, At)]) -> Vec<&'a str> {
    let items: Vec<_> = page.iter().map(|(id, at)| Item { id: id.as_bytes(), at: (*at).into() }).collect();
    let new = engine.accept(&items);
    new.into_iter().map(|position| page[position as usize].0.as_str()).collect()
}

/// The same with a page requested ahead. None: it does not serve.
fn accept_ahead<'a>(engine: &mut Engine, request: Request, page: &'a Page) -> Option<Vec<&'a str>> {
    let items: Vec<_> = page.iter().map(|(id, at)| Item { id: id.as_bytes(), at: *at }).collect();
    let new = engine.accept_ahead(request, &items)?;
    Some(new.into_iter().map(|position| page[position as usize].0.as_str()).collect())
}

/// A page in a trace, with times in seconds since the server's epoch.
fn listed(page: &Page) -> String {
    let at = |at: Option<i64>| at.map_or("undated".to_owned(), seconds);
    page.iter().map(|(id, time)| format!("{id} {}", at(*time))).collect::<Vec<_>>().join(", ")
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn seconds(at: i64) -> String {
    format!("{}", (at - EPOCH) as f64 / SECOND as f64)
}

/// Why the engine stopped asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    End,
    Wait,
    /// It says that it cannot go on.
    Failed,
    /// The same request is rejected again and again, which the host sees as an error.
    Rejected,
    /// It asks without end.
    Endless,
}

/// The server, and what became of its events.
pub(super) struct Run {
    pub(super) server: Server,
    pub(super) setup: Setup,
    /// The maximum number of IDs in a cursor.
    pub(super) max_ids: usize,
    pub(super) disturbances: VecDeque<Disturbance>,
    /// Every event that was given, in this order.
    pub(super) given: Vec<String>,
    /// How many of them were given with the last page.
    pub(super) last_given: usize,
    pub(super) requests: usize,
    /// Pages are requested ahead, and how many of them served.
    pub(super) reads_ahead: bool,
    pub(super) served_ahead: usize,
    /// Prints every request.
    pub(super) is_traced: bool,
}

/// An answer that waits for its turn.
struct Answer {
    to: Request,
    is_ahead: bool,
    /// None: the request was rejected, or has failed.
    page: Option<Page>,
    disturbance: Disturbance,
}

/// Whether traces are wanted.
pub(super) fn is_traced() -> bool {
    std::env::var_os("KAL_MODEL_TRACE").is_some()
}

impl Run {
    pub(super) fn new(server: Server, disturbances: Vec<Disturbance>) -> Self {
        let setup =
            Setup { now: server.client_clock(), page_size: server.caller.page_size, habits: ListHabits::default() };
        Self {
            server,
            setup,
            max_ids: MAX_IDS,
            disturbances: disturbances.into(),
            given: Vec::new(),
            last_given: 0,
            requests: 0,
            reads_ahead: false,
            served_ahead: 0,
            is_traced: is_traced(),
        }
    }

    pub(super) fn trace(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("{}", line());
        }
    }

    /// Serves the engine until it ends, waits or fails.
    pub(super) fn drive(&mut self, mut engine: Engine) -> (Engine, Pause) {
        let (mut errors, mut turns) = (0, 0);
        let mut answers = VecDeque::new();
        loop {
            let request = match engine.next() {
                Step::Fetch(request) => request,
                Step::Wait => return (engine, Pause::Wait),
                Step::End => return (engine, Pause::End),
                Step::Failed(why) => {
                    self.trace(|| format!("  {why}"));
                    return (engine, Pause::Failed);
                }
            };
            turns += 1;
            if turns > self.server.request_limit() {
                return (engine, Pause::Endless);
            }
            if answers.is_empty() {
                let ahead = if self.reads_ahead { engine.requests_ahead(usize::MAX) } else { Vec::new() };
                answers = self.send(request, ahead);
            }
            let Some(Answer { to, is_ahead, page, disturbance }) = answers.pop_front() else { continue };
            if disturbance.fails && !is_ahead {
                assert_eq!(engine.next(), Step::Fetch(request), "a request that fails is repeated");
                answers.clear();
                continue;
            }
            let page = page.filter(|_| !disturbance.fails);
            let new = match &page {
                Some(page) if is_ahead => accept_ahead(&mut engine, to, page),
                Some(page) => Some(accept(&mut engine, page)),
                None => None,
            };
            let (Some(page), Some(new)) = (&page, new) else {
                answers.clear();
                if is_ahead {
                    self.trace(|| format!("  page {:?} does not serve", to.page));
                    if page.is_none() {
                        engine.miss_ahead(to);
                    }
                    continue;
                }
                let is_error = !engine.page_rejected();
                errors = if is_error { errors + 1 } else { 0 };
                if errors == MAX_ERRORS {
                    return (engine, Pause::Rejected);
                }
                continue;
            };
            errors = 0;
            self.served_ahead += usize::from(is_ahead);
            self.trace(|| format!("  {}: {}; new: {new:?}", page.len(), listed(page)));
            if !new.is_empty() {
                self.last_given = new.len();
                self.given.extend(new.into_iter().map(str::to_owned));
            }
            if disturbance.restarts {
                self.trace(|| "  restarts".to_owned());
                engine = self.resume(&engine);
                answers.clear();
            }
        }
    }

    /// The answers to a request and to those ahead of it, which arrive at the server in any order.
    fn send(&mut self, request: Request, ahead: Vec<Request>) -> VecDeque<Answer> {
        let requests: Vec<_> =
            std::iter::once((request, false)).chain(ahead.into_iter().map(|to| (to, true))).collect();
        let mut order: Vec<_> = (0..requests.len()).collect();
        order.sort_by_key(|position| scramble(*position, self.requests));
        let mut answers: Vec<_> = requests.iter().map(|_| None).collect();
        for position in order {
            let (to, is_ahead) = requests[position];
            self.requests += 1;
            let disturbance = self.disturbances.pop_front().unwrap_or_default();
            self.disturb(&disturbance);
            let page = if disturbance.fails { None } else { self.answer(to) };
            answers[position] = Some(Answer { to, is_ahead, page, disturbance });
        }
        answers.into_iter().flatten().collect()
    }

    pub(super) fn resume(&self, engine: &Engine) -> Engine {
        resume(engine, self.max_ids, self.setup)
    }

    fn answer(&mut self, request: Request) -> Option<Page> {
        let page = self.server.answer(request.page, size(request), request.range);
        self.trace(|| {
            let Request { page: number, size, range } = request;
            let (after, before) = (range.after.map(seconds), range.before.map(seconds));
            let rejected = if page.is_none() { ": rejected" } else { "" };
            format!("{}: page {number:?}, size {size:?}, after {after:?}, before {before:?}{rejected}", self.requests)
        });
        page
    }

    fn disturb(&mut self, disturbance: &Disturbance) {
        for arrival in &disturbance.arrivals {
            self.trace(|| format!("  arrives {arrival:?}"));
            self.server.arrive(*arrival);
        }
        for id in self.chosen(disturbance.deletes) {
            self.trace(|| format!("  deletes {id}"));
            self.server.delete(&id);
        }
    }

    /// The events to delete.
    fn chosen(&self, delete: Delete) -> Vec<String> {
        let exists = |id: &&String| !self.server.deleted.contains(*id);
        let mut given = self.given.iter().filter(exists);
        match delete {
            Delete::None => Vec::new(),
            Delete::LastGiven => given.next_back().cloned().into_iter().collect(),
            Delete::FirstGiven => given.next().cloned().into_iter().collect(),
            Delete::AnyGiven(seed) => {
                let given: Vec<_> = given.collect();
                let position = |len: u64| usize::try_from(scramble(seed, self.requests) % len).unwrap_or(0);
                given.get(position(given.len().max(1) as u64)).into_iter().copied().cloned().collect()
            }
            Delete::FiveOfLastPage => {
                self.given.iter().rev().take(self.last_given).filter(exists).take(5).cloned().collect()
            }
            Delete::NotGiven => {
                let not_given = self.server.matching().find(|event| !self.given.contains(&event.id));
                not_given.map(|event| event.id.clone()).into_iter().collect()
            }
        }
    }
}
