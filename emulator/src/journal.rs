//! Counts and the last requests.

use std::collections::{BTreeMap, VecDeque};

use hyper::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::timestamp;
use crate::token_endpoint;
use crate::urlencoded;

const MAX_REQUESTS: usize = 10_000;
/// Of the requests, bodies and headers included.
const MAX_OCTETS: usize = 64 << 20;

/// Of the paths that are counted: a test with an endless number of them must not fill the memory.
const MAX_PATH_OCTETS: usize = 8 << 20;

/// Number of requests and connections since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All requests, of any path and outcome.
    pub total: u64,
    /// Connections accepted, except those that carried only admin requests.
    pub connections: u64,
    /// Connections open now, counted the same way; unaffected by a reset.
    pub open_connections: u64,
    /// Requests to the token endpoint, of any outcome.
    pub token_requests: u64,
    /// Those with the client-credentials grant.
    pub token_client_credentials: u64,
    /// Those with the refresh grant.
    pub token_refresh: u64,
    /// Refresh tokens that were used again after their rotation; each revoked a family.
    pub reused_refresh_tokens: u64,
    /// Requests by path, of the first paths up to 8 MiB; `total` counts all.
    pub paths: BTreeMap<String, u64>,
}

/// A request as received, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordedRequest {
    /// Its number, counted from 1 since the start, in the order of arrival.
    pub number: u64,
    /// When it arrived, such as `2025-10-17T18:11:41.180Z`.
    pub time: String,
    /// The status of the response; `None` if there is none yet, or never.
    pub status: Option<u16>,
    /// The id of the fault that applied to it.
    pub fault: Option<u64>,
    /// The `X-Request-Id` of the response.
    pub request_id: String,
    /// The method, as sent.
    pub method: String,
    /// The path, as sent (not decoded).
    pub path: String,
    /// The query, as sent, without `?`; empty if none.
    pub query: String,
    /// Headers, names in lower case; octets that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body; octets that are not UTF-8 are replaced.
    pub body: String,
}

impl RecordedRequest {
    pub(crate) fn new(parts: &Parts, body: &[u8], request_id: String) -> Self {
        let lossy = |octets| String::from_utf8_lossy(octets).into_owned();
        Self {
            number: 0,
            time: timestamp::zulu(timestamp::now()),
            status: None,
            fault: None,
            request_id,
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or("").to_owned(),
            headers: parts
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), lossy(value.as_bytes())))
                .collect(),
            body: lossy(body),
        }
    }

    fn octets(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        size_of::<Self>() + self.method.len() + self.path.len() + self.query.len() + headers + self.body.len()
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    counts: Counts,
    requests: VecDeque<RecordedRequest>,
    octets: usize,
    /// Number of the requests that there was no room for, since they were cleared.
    forgotten: usize,
    path_octets: usize,
    last_number: u64,
    // Distinguishes connections counted before a reset from those counted after it.
    resets: u64,
}

impl Journal {
    /// Returns the number of the request.
    pub(crate) fn record(&mut self, mut request: RecordedRequest) -> u64 {
        self.counts.total += 1;
        self.last_number += 1;
        request.number = self.last_number;
        self.count_path(&request.path);
        if request.path == token_endpoint::PATH {
            self.count_token_request(&request.body);
        }
        self.octets += request.octets();
        self.requests.push_back(request);
        // A single request is far smaller than the limit, so that the newest one is always there.
        while self.requests.len() > MAX_REQUESTS || self.octets > MAX_OCTETS {
            self.octets -= self.requests.pop_front().map_or(self.octets, |oldest| oldest.octets());
            self.forgotten += 1;
        }
        self.last_number
    }

    fn count_path(&mut self, path: &str) {
        if let Some(count) = self.counts.paths.get_mut(path) {
            *count += 1;
            return;
        }
        let octets = self.path_octets + size_of::<(String, u64)>() + path.len();
        if octets <= MAX_PATH_OCTETS {
            self.path_octets = octets;
            self.counts.paths.insert(path.to_owned(), 1);
        }
    }

    fn count_token_request(&mut self, body: &str) {
        self.counts.token_requests += 1;
        let fields = urlencoded::parse(body).unwrap_or_default();
        let grant = fields.iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value.as_str());
        match grant {
            Some("client_credentials") => self.counts.token_client_credentials += 1,
            Some("refresh_token") => self.counts.token_refresh += 1,
            _ => {}
        }
    }

    pub(crate) fn count_reused_refresh_token(&mut self) {
        self.counts.reused_refresh_tokens += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.clone()
    }

    /// Adds what became of a request, unless it has been forgotten.
    pub(crate) fn complete(&mut self, number: u64, fault: Option<u64>, status: Option<u16>) {
        let recorded = self.requests.binary_search_by_key(&number, |request| request.number).ok();
        if let Some(request) = recorded.and_then(|position| self.requests.get_mut(position)) {
            request.fault = fault;
            request.status = status;
        }
    }

    /// Forgets the recorded requests; the counts stay.
    pub(crate) fn clear_requests(&mut self) {
        self.requests.clear();
        self.octets = 0;
        self.forgotten = 0;
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    /// How many were recorded before those, and there was no room for.
    pub(crate) fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// The newest ones, newest first.
    pub(crate) fn last(&self, max: usize) -> Vec<RecordedRequest> {
        self.requests.iter().rev().take(max).cloned().collect()
    }

    pub(crate) fn reset(&mut self) {
        let open_connections = self.counts.open_connections;
        self.counts = Counts { open_connections, ..Counts::default() };
        self.path_octets = 0;
        self.clear_requests();
        self.resets += 1;
    }

    pub(crate) fn connection_opened(&mut self) -> u64 {
        self.counts.connections += 1;
        self.counts.open_connections += 1;
        self.resets
    }

    pub(crate) fn connection_closed(&mut self) {
        self.counts.open_connections -= 1;
    }

    /// Uncounts a connection that carries admin requests; `counted_at` is the result of `connection_opened`.
    pub(crate) fn connection_is_admin(&mut self, counted_at: u64) {
        self.counts.open_connections -= 1;
        if counted_at == self.resets {
            self.counts.connections -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, MAX_PATH_OCTETS, RecordedRequest};

    /// Red when every path was kept: 16 MiB of them.
    #[test]
    fn an_endless_number_of_paths_takes_bounded_memory() {
        let mut journal = Journal::default();
        let request = |path: String| RecordedRequest { path, ..RecordedRequest::default() };
        let long = "a".repeat(4096);
        let path = |number: usize| format!("/{number}/{long}");
        for number in 0..4096 {
            journal.record(request(path(number)));
        }
        journal.record(request(path(0)));
        journal.record(request(path(4095)));
        let counts = journal.counts();
        assert_eq!(counts.total, 4098);
        assert_eq!((counts.paths.get(&path(0)), counts.paths.get(&path(4095))), (Some(&2), None));
        assert!(counts.paths.keys().map(String::len).sum::<usize>() <= MAX_PATH_OCTETS);
        journal.reset();
        journal.record(request(path(4095)));
        assert_eq!(journal.counts().paths[&path(4095)], 1);
    }
}
