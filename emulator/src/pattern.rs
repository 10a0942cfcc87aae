//! Which requests a fault, or a check of the recorded requests, is about.

use std::collections::BTreeMap;

use crate::journal::RecordedRequest;
use crate::urlencoded;

/// Conditions that all have to hold; what is not set holds for every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern<'a> {
    /// `/workspaces/members`, and everything below it; `*` is any one segment, or alone every path.
    pub(crate) path: Option<&'a str>,
    pub(crate) method: Option<&'a str>,
    /// Parameters by name, decoded.
    pub(crate) query: &'a BTreeMap<String, String>,
    pub(crate) headers: &'a BTreeMap<String, String>,
    /// What the body contains.
    pub(crate) body: Option<&'a str>,
}

impl Pattern<'_> {
    pub(crate) fn matches(&self, request: &RecordedRequest) -> bool {
        self.path.is_none_or(|pattern| path_matches(pattern, &request.path))
            && self.method.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&request.method))
            && self.body.is_none_or(|part| request.body.contains(part))
            && self.headers.iter().all(|(name, value)| has_header(request, name, value))
            && self.query_matches(&request.query)
    }

    fn query_matches(&self, query: &str) -> bool {
        if self.query.is_empty() {
            return true;
        }
        let given = urlencoded::readable(query);
        self.query.iter().all(|wanted| given.iter().any(|(name, value)| (name, value) == wanted))
    }

    /// Returns why no request can match, or what is misleading, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let Some(path) = self.path.filter(|path| *path != "*") else {
            return Ok(());
        };
        let wrong = if !path.starts_with('/') {
            "it does not start with a slash"
        } else if path.contains(['?', '#']) {
            "it has a query; parameters are given in `query`"
        } else if path.bytes().any(|octet| octet.is_ascii_whitespace() || octet.is_ascii_control()) {
            "no request has such a path; it is compared as it is sent, with percent escapes"
        } else if segments(path).any(|segment| segment.contains('*') && segment != "*") {
            "`*` is a whole segment"
        } else {
            return Ok(());
        };
        Err(format!("path {path:?}: {wrong}"))
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn path_matches(pattern: &str, path: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let mut given = segments(path);
    segments(pattern).all(|wanted| given.next().is_some_and(|segment| wanted == "*" || wanted == segment))
}

fn has_header(request: &RecordedRequest, name: &str, value: &str) -> bool {
    request.headers.iter().any(|(given, text)| given.eq_ignore_ascii_case(name) && text == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match_by_segments() {
        for (pattern, path) in [
            ("*", "/anything"),
            ("/", "/anything"),
            ("/workspaces", "/workspaces/members"),
            ("/workspaces/members", "/workspaces/members"),
            ("/workspaces/members", "/workspaces/members/"),
            ("/workspaces/*", "/workspaces/members"),
            ("/*/members", "/workspaces/members"),
            ("/records/*/files", "/records/r1/files/f1"),
        ] {
            assert!(path_matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("/workspaces/mem", "/workspaces/members"),
            ("/workspaces/members", "/workspaces"),
            ("/workspaces/*", "/workspaces"),
            ("/records/*/files", "/records/files"),
        ] {
            assert!(!path_matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_that_match_nothing_are_refused() {
        let (query, headers) = (BTreeMap::new(), BTreeMap::new());
        let check =
            |path| Pattern { path: Some(path), method: None, query: &query, headers: &headers, body: None }.check();
        for path in ["*", "/", "/workspaces", "/*/members", "/records/a%2Fb"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
        for path in ["workspaces", "", "/mem*", "/workspaces?page=2", "**", "/a/**", "/a b", "/a\n"] {
            assert!(check(path).is_err(), "{path}");
        }
    }
}
