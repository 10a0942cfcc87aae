//! Rotating refresh tokens: 64 threads, tokens that expire constantly, callers that time out, responses that are lost.
//!
//! The server enforces rotation: a refresh token presented twice revokes everything. For every token request it knows which state
//! must have led to it, and records each unjustified one.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kal_torture::calls::{Cancel, Client, EntryPoint, How, Method, Opening, name};
use kal_torture::random::Random;
use kal_torture::report::{Form, Row};
use kal_torture::wire::answers::{good, sized};
use kal_torture::wire::server::Script;
use kal_torture::wire::{Asked, Server, Step};
use kaleidoscope::ffi::status::{KAL_CANCELLED, KAL_CONNECTION_LOST, KAL_OK, KAL_TIMED_OUT, KAL_UNAUTHORIZED};

const THREADS: usize = 64;
/// The number of access tokens that the server remembers.
const KNOWN: u64 = 512;

/// The outcome of the last token request, which determines the next one allowed.
enum Last {
    /// None yet.
    Nothing,
    /// It succeeded.
    Generation(u64),
    /// Its response was lost, or was an error.
    Lost,
}

/// A generation of tokens.
struct Generation {
    refresh: String,
    /// The number of requests that its access token is valid for.
    good_for: u64,
    /// Issued as expiring at once.
    short_lived: bool,
    refused: bool,
}

struct Tokens {
    random: Random,
    /// Connections also end at random, so a request may be lost before it arrives.
    connections_end: bool,
    generations: HashMap<u64, Generation>,
    last: Last,
    issued: u64,
    presented: HashSet<String>,
    refreshes: u64,
    credentials: u64,
    lost: u64,
    lost_in_a_row: u64,
    expiries: u64,
    given_up: u64,
    wrong: Vec<String>,
}

#[derive(Clone)]
struct Issuer(Arc<Mutex<Tokens>>);

impl Issuer {
    fn new(connections_end: bool) -> Self {
        Self(Arc::new(Mutex::new(Tokens {
            random: Random::seeded(7),
            connections_end,
            generations: HashMap::new(),
            last: Last::Nothing,
            issued: 0,
            presented: HashSet::new(),
            refreshes: 0,
            credentials: 0,
            lost: 0,
            lost_in_a_row: 0,
            expiries: 0,
            given_up: 0,
            wrong: Vec::new(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script for Issuer {
    fn answer(&self, asked: &Asked) -> Vec<Step> {
        let mut tokens = self.lock();
        if asked.is_sign_in() { tokens.sign_in(asked) } else { tokens.api(asked) }
    }
}

impl Tokens {
    fn api(&mut self, asked: &Asked) -> Vec<Step> {
        let token = asked.header("x-kal-authorization").unwrap_or_default();
        let number =
            std::str::from_utf8(token).ok().and_then(|token| token.strip_prefix("Bearer at-")?.parse::<u64>().ok());
        let Some(generation) = number.and_then(|number| self.generations.get_mut(&number)) else {
            // Too old for the server to remember.
            return vec![Step::Send(sized("401 Who", "", b"{}"))];
        };
        if generation.good_for == 0 {
            if !generation.refused {
                self.expiries += 1;
            }
            generation.refused = true;
            return vec![Step::Send(sized("401 Who", "", b"{}"))];
        }
        generation.good_for -= 1;
        let answer = Step::Send(good(asked.path()));
        if self.connections_end && self.random.once_in(20) { vec![answer, Step::Close] } else { vec![answer] }
    }

    fn sign_in(&mut self, asked: &Asked) -> Vec<Step> {
        match asked.field("grant_type").as_deref() {
            Some("refresh_token") => {
                self.refreshes += 1;
                let token = asked.field("refresh_token").unwrap_or_default();
                if !self.presented.insert(token.clone()) {
                    self.wrong.push(format!("{token} was presented twice"));
                }
                match &self.last {
                    Last::Generation(number) => {
                        let generation = &self.generations[number];
                        if generation.refresh != token {
                            self.wrong.push(format!("{token} was presented instead of {}", generation.refresh));
                        } else if !generation.refused && !generation.short_lived {
                            self.wrong.push(format!("{token} was presented although at-{number} was valid"));
                        }
                    }
                    Last::Lost => self.wrong.push(format!("{token} was presented after an answer was lost")),
                    Last::Nothing => self.wrong.push(format!("{token} was the first token request")),
                }
            }
            Some("client_credentials") => {
                self.credentials += 1;
                if let Last::Generation(number) = self.last {
                    let generation = &self.generations[&number];
                    if !self.connections_end {
                        self.wrong.push(format!("the credentials were sent although there was {}", generation.refresh));
                    } else if !generation.refused && !generation.short_lived {
                        self.wrong.push(format!("the credentials were sent although at-{number} was valid"));
                    }
                    self.given_up += 1;
                }
            }
            other => self.wrong.push(format!("grant_type {other:?}")),
        }
        let refresh = asked.body.starts_with(b"grant_type=refresh");
        // Requests with credentials are retried only a few times, so two in a row are not lost.
        if if refresh { self.random.once_in(6) } else { self.lost_in_a_row < 2 && self.random.once_in(8) } {
            return self.lose(refresh);
        }
        self.lost_in_a_row = 0;
        vec![Step::Pause(Duration::from_micros(self.random.below(500))), Step::Send(self.issue())]
    }

    /// The tokens were rotated, and the client does not receive the new ones.
    fn lose(&mut self, refresh: bool) -> Vec<Step> {
        self.lost += 1;
        self.lost_in_a_row += 1;
        self.last = Last::Lost;
        let unseen = sized("200 OK", "", br#"{"access_token":"never","refresh_token":"never seen","expires_in":3600}"#);
        let half = unseen[..unseen.len() - 30].to_vec();
        match self.random.below(200) {
            0 if refresh => vec![Step::Silence],
            0..50 => vec![Step::Reset],
            50..100 => vec![Step::Close],
            100..150 => vec![Step::Send(half), Step::Close],
            _ => vec![Step::Send(sized("503 Later", "", b"{}"))],
        }
    }

    fn issue(&mut self) -> Vec<u8> {
        self.issued += 1;
        let number = self.issued;
        let short_lived = self.random.once_in(4);
        let refresh = format!("rt-{number}");
        let expires_in = if short_lived { 0 } else { 3600 };
        let body = format!(r#"{{"access_token":"at-{number}","refresh_token":"{refresh}","expires_in":{expires_in}}}"#);
        // At least the number of threads: each may be about to replay its request with this token.
        let good_for = THREADS as u64 + self.random.below(128);
        self.generations.insert(number, Generation { refresh, good_for, short_lived, refused: false });
        self.generations.remove(&number.saturating_sub(KNOWN));
        self.last = Last::Generation(number);
        sized("200 OK", "", body.as_bytes())
    }
}

fn main() {
    let form = Form::from_args();
    let row = Row::begin("sign-in");
    let cold = cold_start(&row);
    let detail = rotation(&row, form.pick(400, 10_000), false);
    let more = rotation(&row, form.pick(200, 2_000), true);
    row.end(&format!("{cold}; {detail}; with connections that end: {more}"))
}

/// All threads start at once without a token.
fn cold_start(row: &Row) -> String {
    let mut failures = Vec::new();
    let times = 20;
    for _ in 0..times {
        let issuer = Issuer::new(false);
        issuer.lock().lost_in_a_row = 2;
        let server = Server::start(issuer.clone());
        let client = Client::open(&Opening::at(server.http())).expect("a client");
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| client.call(EntryPoint::Typed, Method::Events, How::default()));
            }
        });
        let tokens = issuer.lock();
        // A token that expires at once is followed by another, but only after all waiting threads got the first.
        if tokens.credentials != 1 || !tokens.wrong.is_empty() {
            failures.push(format!("{} requests with credentials, {:?}", tokens.credentials, tokens.wrong));
        }
    }
    row.claim("64 threads without a token sign in once", times, &failures);
    format!("{times} cold starts")
}

/// Seen red without the check of the generation (`refused != Some(generation)`): 401 for every call after the first expiry;
/// without the check for a sign-in in progress: "rt-1 was presented twice"; when the refresh token is kept until its response
/// arrives: "rt-2 was presented after an answer was lost".
fn rotation(row: &Row, expiries: u64, connections_end: bool) -> String {
    let issuer = Issuer::new(connections_end);
    let server = Server::start(issuer.clone());
    // A hanging refresh is given three quarters of this.
    let opening = Opening { timeout_ms: 8_000, max_attempts: 4, ..Opening::at(server.http()) };
    let client = Client::open(&opening).expect("a client");
    let over = AtomicBool::new(false);
    let (calls, cancelled) = (AtomicU64::new(0), AtomicU64::new(0));
    let (unauthorized, timed_out, broken) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let failures = Mutex::new(Vec::new());
    let under_way: Vec<Mutex<Option<Arc<Cancel>>>> = (0..THREADS).map(|_| Mutex::default()).collect();
    let lock = |slot: usize| under_way[slot].lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for slot in 0..THREADS {
            let (client, issuer, over, calls) = (&client, &issuer, &over, &calls);
            let (cancelled, unauthorized, timed_out, broken) = (&cancelled, &unauthorized, &timed_out, &broken);
            let (failures, lock) = (&failures, &lock);
            scope.spawn(move || {
                let mut random = Random::seeded(slot as u64 + 1);
                while !over.load(Ordering::Relaxed) {
                    let cancel = random.once_in(4).then(|| Arc::new(Cancel::default()));
                    (*lock(slot)).clone_from(&cancel);
                    let impatient = random.once_in(10);
                    let timeout_ms = if impatient { 1 + u32::try_from(random.below(5)).unwrap_or(0) } else { 0 };
                    let entry_point = EntryPoint::ALL[usize::try_from(random.below(3)).unwrap_or(0)];
                    let outcome = client.call(
                        entry_point,
                        Method::Events,
                        How { timeout_ms, cancel: cancel.as_deref(), ..How::default() },
                    );
                    calls.fetch_add(1, Ordering::Relaxed);
                    let count = match outcome.status {
                        KAL_OK => None,
                        KAL_CANCELLED if cancel.is_some() => Some(cancelled),
                        KAL_TIMED_OUT if impatient => Some(timed_out),
                        // The new token may expire before its first use.
                        KAL_UNAUTHORIZED => Some(unauthorized),
                        // With constant disconnects the retry quota is sometimes used up.
                        KAL_CONNECTION_LOST if connections_end => Some(broken),
                        status => {
                            let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                            failures.push(format!("{} ({})", name(status), outcome.message()));
                            None
                        }
                    };
                    if let Some(count) = count {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    if issuer.lock().issued >= expiries {
                        over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        let (over, lock) = (&over, &lock);
        scope.spawn(move || {
            let mut random = Random::seeded(99);
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_micros(200));
                let slot = usize::try_from(random.below(THREADS as u64)).unwrap_or(0);
                let cancel = lock(slot).clone();
                if let Some(cancel) = cancel {
                    cancel.fire();
                }
            }
        });
    });
    let tokens = issuer.lock();
    let requests = tokens.refreshes + tokens.credentials;
    row.claim(
        "each token request is justified by its generation, and no refresh token is presented twice",
        requests,
        &tokens.wrong,
    );
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    let calls = calls.into_inner();
    row.claim("every call succeeds, is cancelled or times out", calls, &failures);
    let unauthorized = unauthorized.into_inner();
    row.check(
        "hardly any call has its token expire twice",
        unauthorized * 50 <= calls,
        &format!("{unauthorized} of {calls}"),
    );
    let broken = broken.into_inner();
    row.check(
        "hardly any call fails because its connection ends",
        broken * 1000 <= calls,
        &format!("{broken} of {calls}"),
    );
    format!(
        "{} generations ({} ended early), {requests} token requests, {} responses lost, {} refresh tokens given up, {calls} calls, {} cancelled, {} timed out",
        tokens.issued,
        tokens.expiries,
        tokens.lost,
        tokens.given_up,
        cancelled.into_inner(),
        timed_out.into_inner(),
    )
}
