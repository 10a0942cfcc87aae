//! The page at `/`, for people: state, faults, the last requests, and buttons. Rendered here alone; its script fetches it again.

use std::fmt::Write as _;

use base64ct::{Base64, Encoding as _};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, StatusCode};
use ring::digest::{SHA256, digest};
use serde_json::value::RawValue;

use crate::answer::{Answer, AnswerBody};
use crate::fault::Fault;
use crate::fault_list::ListedFault;
use crate::journal::RecordedRequest;
use crate::json_object::Object;
use crate::rendered::Rendered;
use crate::state::State;
use crate::workspace::Summary;
use crate::{timestamp, urlencoded};

const TEMPLATE: &str = include_str!("page.html");

/// The newest of them.
const MAX_ROWS: usize = 50;
/// Characters of a path, or of a fault.
const MAX_TEXT: usize = 1000;

/// Whether a request is one of a browser for the page. Every other request of `/` is one of the API's.
pub(crate) fn is_for(parts: &Parts) -> bool {
    let accepts_html = || {
        let accept = parts.headers.get_all("accept");
        let mut types = accept.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        types.any(|one| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("text/html")))
    };
    parts.uri.path() == "/" && matches!(parts.method, Method::GET | Method::HEAD | Method::POST) && accepts_html()
}

pub(crate) fn answer(state: &State, parts: &Parts, body: &[u8]) -> Answer {
    if parts.method == Method::POST {
        return match act(state, body) {
            Ok(()) => Answer::new(StatusCode::SEE_OTHER, AnswerBody::Empty).header("location", "/"),
            Err(message) => Answer::error(StatusCode::BAD_REQUEST, "bad_admin_request", &message),
        };
    }
    let html = filled(|name| match name {
        "state" => state_list(state, parts),
        "faults" => fault_table(&state.faults().last(MAX_ROWS)),
        _ => request_table(&state.journal().last(MAX_ROWS)),
    });
    Answer::new(StatusCode::OK, AnswerBody::Rendered(Rendered::new(html)))
        .header("content-type", "text/html; charset=utf-8")
        .header("content-security-policy", &policy())
        .header("cache-control", "no-store")
        .header("referrer-policy", "same-origin")
        .header("x-content-type-options", "nosniff")
}

/// What a button sends: its name and value.
fn act(state: &State, body: &[u8]) -> Result<(), String> {
    let form = std::str::from_utf8(body).map_err(|why| why.to_string())?;
    for (name, value) in urlencoded::parse(form).map_err(|why| why.to_string())? {
        match (name.as_str(), value.as_str()) {
            ("do", "reset") => state.reset(),
            ("do", "expire-tokens") => state.tokens().expire_access(),
            ("do", "revoke-refresh-tokens") => state.tokens().revoke_refresh(),
            ("do", "forget-requests") => state.journal().clear_requests(),
            ("remove-fault", id) => {
                let id = id.parse().map_err(|_| format!("remove-fault: {id:?} is not the id of a fault"))?;
                state.faults().remove(id);
            }
            _ => return Err(format!("the page has no button {name}={value}")),
        }
    }
    Ok(())
}

/// Only its own style and script, known by their hashes: what requests and faults contain can be neither.
fn policy() -> String {
    let hash = |tag: &str| {
        let (start, end) = (format!("<{tag}>"), format!("</{tag}>"));
        let text = TEMPLATE.split_once(&start).and_then(|(_, rest)| rest.split_once(&end)).map_or("", |(text, _)| text);
        format!("'sha256-{}'", Base64::encode_string(digest(&SHA256, text.as_bytes()).as_ref()))
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; connect-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style")
    )
}

/// The template, with something for each of its marks `<!--name-->`. Marks in what is inserted have no meaning.
fn filled(part: impl Fn(&str) -> String) -> String {
    let mut pieces = TEMPLATE.split("<!--");
    let mut html = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("-->").unwrap_or(("", piece));
        html.extend([part(name).as_str(), rest]);
    }
    html
}

fn state_list(state: &State, parts: &Parts) -> String {
    let host = parts.uri.authority().map(Authority::as_str);
    let host = host.or_else(|| parts.headers.get("host")?.to_str().ok()).unwrap_or("");
    let scheme = if state.config.tls { "https" } else { "http" };
    let workspaces = state.summaries();
    let of_each = |text: &dyn Fn(&Summary) -> String| workspaces.iter().map(text).collect::<Vec<_>>().join("; ");
    let listed = |items: Option<usize>| items.map_or_else(|| "not a list".to_owned(), |count| count.to_string());
    let (access, refresh) = state.valid_tokens();
    let counts = state.journal().counts();
    let rows = [
        ("URL", format!("{scheme}://{host}")),
        ("Version", env!("CARGO_PKG_VERSION").to_owned()),
        ("Seed", state.config.seed.to_string()),
        ("Clock", timestamp::zulu(state.clock().now())),
        ("Clients", of_each(&|one| one.clients.join(", "))),
        ("Members", of_each(&|one| listed(one.members))),
        ("Groups", of_each(&|one| listed(one.groups))),
        ("Events", of_each(&|one| one.events.to_string())),
        ("Valid access tokens", access.to_string()),
        ("Usable refresh tokens", refresh.to_string()),
        ("Requests", counts.total.to_string()),
        ("Open connections", counts.open_connections.to_string()),
    ];
    let rows = rows.map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escaped(&value)));
    format!("<dl>\n{}</dl>", rows.concat())
}

fn request_table(newest_first: &[RecordedRequest]) -> String {
    table("requests", &["Time", "Method", "Path", "Status", "Fault"], newest_first, |row, request| {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let target = format!("{}{query}", request.path);
        cell(row, &request.time);
        cell(row, &request.method);
        code(row, &target);
        cell(row, &request.status.map_or_else(|| "none".to_owned(), |status| status.to_string()));
        cell(row, &request.fault.map_or_else(String::new, |id| id.to_string()));
    })
}

fn fault_table(newest_first: &[ListedFault]) -> String {
    table("faults", &["Id", "Used", "Active", "Fault", "Remove"], newest_first, |row, listed| {
        cell(row, &listed.id.to_string());
        cell(row, &listed.used.to_string());
        cell(row, if listed.active { "yes" } else { "no" });
        code(row, &given(&listed.fault));
        let id = listed.id;
        let _ = write!(
            row,
            "<td><form method=\"post\" action=\"/\"><button id=\"remove-{id}\" name=\"remove-fault\" value=\"{id}\" \
             aria-label=\"Remove fault {id}\">Remove</button></form></td>"
        );
    })
}

/// The fields of a fault that are not the default ones, as they are written.
fn given(fault: &Fault) -> String {
    let text = |fault| serde_json::to_string(fault).unwrap_or_default();
    let (given, default) = (text(fault), text(&Fault::default()));
    let fields = |text| serde_json::from_str(text).map_or_else(|_| Vec::new(), |Object(fields)| fields);
    let default = fields(&default);
    let is_default =
        |name: &str, value: &RawValue| default.iter().any(|(other, its)| other == name && its.get() == value.get());
    let kept = fields(&given).into_iter().filter(|(name, value)| !is_default(name, value));
    let kept: Vec<_> = kept.map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", kept.join(","))
}

fn table<T>(section: &str, columns: &[&str], rows: &[T], render: impl Fn(&mut String, &T)) -> String {
    if rows.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let mut html = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" id=\"{section}-table\" aria-labelledby=\"{section}-heading\">\n\
         <table>\n<thead><tr>"
    );
    for column in columns {
        html.extend(["<th scope=\"col\">", column, "</th>"]);
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        render(&mut html, row);
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>");
    if rows.len() == MAX_ROWS {
        let _ = write!(html, "\n<p>The newest {MAX_ROWS}.</p>");
    }
    html
}

fn cell(row: &mut String, text: &str) {
    row.extend(["<td>", &escaped(text), "</td>"]);
}

fn code(row: &mut String, text: &str) {
    let shown = match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}… ({} octets)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    };
    row.extend(["<td><code>", &escaped(&shown), "</code></td>"]);
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}
