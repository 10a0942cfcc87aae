//! Admin requests about the recorded requests: those that match, and whether there were as many as expected.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::data::read_document;
use crate::journal::RecordedRequest;
use crate::json_object::read_fields;
use crate::pattern::Pattern;
use crate::state::State;
use crate::urlencoded;

/// What a test expects: how many requests like this.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Expected {
    path: Option<String>,
    method: Option<String>,
    query: BTreeMap<String, String>,
    request_headers: BTreeMap<String, String>,
    request_body: Option<String>,
    status: Option<u16>,
    times: Option<usize>,
    at_least: Option<usize>,
    at_most: Option<usize>,
}

impl Expected {
    fn pattern(&self) -> Pattern<'_> {
        Pattern {
            path: self.path.as_deref(),
            method: self.method.as_deref(),
            query: &self.query,
            headers: &self.request_headers,
            body: self.request_body.as_deref(),
        }
    }

    fn of(&self, all: Vec<RecordedRequest>) -> Vec<RecordedRequest> {
        let matches = |request: &RecordedRequest| {
            self.pattern().matches(request) && self.status.is_none_or(|status| request.status == Some(status))
        };
        all.into_iter().filter(matches).collect()
    }

    /// `times` is exact; without any number, one is enough.
    fn bounds(&self) -> Result<(usize, usize), String> {
        match (self.times, self.at_least, self.at_most) {
            (Some(times), None, None) => Ok((times, times)),
            (Some(_), ..) => Err("times cannot be combined with at_least and at_most".into()),
            (None, None, None) => Ok((1, usize::MAX)),
            (None, Some(least), Some(most)) if least > most => {
                Err(format!("at_least is {least} and at_most is {most}: no number of requests is between them"))
            }
            (None, least, most) => Ok((least.unwrap_or(0), most.unwrap_or(usize::MAX))),
        }
    }
}

/// `GET /__emulator/requests?path=/workspaces/members&method=GET&status=200&after=17`
pub(crate) fn requests(state: &State, query: &str) -> Result<Answer, String> {
    let (mut wanted, mut after, mut paths) = (Expected::default(), 0, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if let Some(path) = pair.strip_prefix("path=") {
            paths = Some(possible_paths(path)?);
            continue;
        }
        let Some((name, value)) = urlencoded::parse(pair).map_err(|why| format!("query: {why}"))?.pop() else {
            continue;
        };
        let number = || value.parse().map_err(|_| format!("{name}: {value:?} is not a number"));
        match name.as_str() {
            "method" => wanted.method = Some(value),
            "status" => wanted.status = Some(value.parse().map_err(|_| format!("status: {value:?} is not a status"))?),
            "after" => after = number()?,
            _ => return Err(format!("unknown parameter {name}: use path, method, status or after")),
        }
    }
    let mut found = wanted.of(state.journal().requests());
    found.retain(|request| request.number > after);
    if let Some(paths) = paths {
        let of = |path: &String| {
            let pattern = Pattern { path: Some(path), ..wanted.pattern() };
            found.iter().filter(|request| pattern.matches(request)).cloned().collect::<Vec<_>>()
        };
        found = paths.iter().map(of).find(|these| !these.is_empty()).unwrap_or_default();
    }
    Ok(Answer::json(StatusCode::OK, &found))
}

/// What a path in a query may mean, the likelier first: it is recorded as it was sent, with its percent escapes, so that it is given as
/// it is recorded, or encoded once more.
fn possible_paths(given: &str) -> Result<Vec<String>, String> {
    let check = |path: &String| Pattern { path: Some(path), ..Expected::default().pattern() }.check();
    let decoded = urlencoded::readable(&format!("path={given}")).into_iter().map(|(_, path)| path);
    let (good, bad): (Vec<_>, Vec<_>) =
        [given.to_owned()].into_iter().chain(decoded).partition(|path| check(path).is_ok());
    match bad.first() {
        Some(path) if good.is_empty() => check(path).map(|()| good),
        _ => Ok(good),
    }
}

/// `POST /__emulator/verify`: 200 if as many requests match as expected, otherwise 409 with what there was. It is 409, too, if that
/// depends on requests that were forgotten.
pub(crate) fn verify(state: &State, body: &[u8]) -> Answer {
    let bad = |message: String| Answer::error(StatusCode::BAD_REQUEST, "bad_admin_request", &message);
    let expected: Expected = match read_document(body).and_then(|text| read_fields(text, "")) {
        Ok(expected) => expected,
        Err(message) => return bad(message),
    };
    let (least, most) = match expected.pattern().check().and_then(|()| expected.bounds()) {
        Ok(bounds) => bounds,
        Err(message) => return bad(message),
    };
    let (all, forgotten) = {
        let journal = state.journal();
        (journal.requests(), journal.forgotten())
    };
    let found = expected.of(all.clone());
    let count = found.len();
    // Any of those that were forgotten may have matched.
    let at_most = count + forgotten;
    if least <= count && at_most <= most {
        return Answer::json(StatusCode::OK, &json!({ "count": count }));
    }
    let wanted = match (least, most) {
        (least, most) if least == most => format!("{least}"),
        (least, usize::MAX) => format!("at least {least}"),
        (least, most) => format!("{least} to {most}"),
    };
    let mut message = format!("expected {wanted}, found {count} of {} requests", all.len());
    let is_unknown = at_most >= least && count <= most && forgotten > 0;
    if is_unknown {
        let remedy = "verify earlier, or forget all with DELETE /__emulator/requests first";
        message = format!("{message}, but {forgotten} before them are forgotten: {remedy}");
    }
    let line = |request: &RecordedRequest| {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        format!("{} {}{query}", request.method, request.path)
    };
    Answer::json(
        StatusCode::CONFLICT,
        &json!({
            "code": if is_unknown { "forgotten" } else { "not_as_expected" },
            "message": message,
            "count": count,
            "found": found.iter().map(line).collect::<Vec<_>>(),
            "recorded": all.iter().rev().take(20).rev().map(line).collect::<Vec<_>>(),
        }),
    )
}
