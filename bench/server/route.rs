//! The prefixes of a path that select how it is answered.

use std::time::Duration;

/// A request's target without its prefixes.
#[derive(Debug, PartialEq)]
pub(crate) struct Route<'a> {
    /// `/gz`: compressed, if the client accepts it.
    pub(crate) gzip: bool,
    /// `/after50`: 50 ms after the request has arrived, as from a server that is far away.
    pub(crate) latency: Duration,
    pub(crate) target: &'a str,
}

impl<'a> Route<'a> {
    /// Prefixes may come in any order, each once; the rest begins with a slash.
    pub(crate) fn parse(mut target: &'a str) -> Self {
        let (mut gzip, mut latency) = (false, Duration::ZERO);
        while let Some((prefix, rest)) = split(target) {
            match prefix.strip_prefix("after").map(str::parse) {
                None if prefix == "gz" => gzip = true,
                Some(Ok(millis)) => latency = Duration::from_millis(millis),
                _ => break,
            }
            target = rest;
        }
        Self { gzip, latency, target }
    }
}

/// `/first/rest` as `first` and `/rest`.
fn split(target: &str) -> Option<(&str, &str)> {
    let end = target.strip_prefix('/')?.find('/')? + 1;
    Some((&target[1..end], &target[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_select_compression_and_latency_and_are_removed() {
        let route = |gzip, millis, target| Route { gzip, latency: Duration::from_millis(millis), target };
        for (target, expected) in [
            ("/workspaces/active", route(false, 0, "/workspaces/active")),
            ("/gz/workspaces/active", route(true, 0, "/workspaces/active")),
            ("/gz/after50/n1000/workspaces/members?a=/gz/", route(true, 50, "/n1000/workspaces/members?a=/gz/")),
            ("/after5/gz/auth/oauth/token", route(true, 5, "/auth/oauth/token")),
            ("/afternoon/gz/x", route(false, 0, "/afternoon/gz/x")),
            ("/__counts", route(false, 0, "/__counts")),
        ] {
            assert_eq!(Route::parse(target), expected, "{target}");
        }
    }
}
