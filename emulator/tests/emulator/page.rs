//! The page at `/`, as the server renders it. `tests/emulator-page` has it in a browser.

use kal_emulator::{Config, Emulator, Fault};
use serde_json::json;

use crate::client::{Client, Reply};
use crate::{start, start_default};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

fn page(emulator: &Emulator) -> String {
    let reply = Client::connect(emulator.url()).get_with("/", &[BROWSER]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")));
    String::from_utf8(reply.body).expect("text")
}

fn press(emulator: &Emulator, form: &str) -> Reply {
    let mut client = Client::connect(emulator.url());
    client.send("POST", "/", &[BROWSER], form).expect("a response")
}

fn has(html: &str, name: &str, value: &str) -> bool {
    html.contains(&format!("<dt>{name}</dt><dd>{value}</dd>"))
}

/// Red when `Accept` is not looked at: a client gets HTML.
#[test]
fn the_page_is_for_browsers_only() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for accept in ["*/*", "application/json", "text/plain", "application/xhtml+xml"] {
        assert_eq!(client.get_with("/", &[("accept", accept)]).code(), (404, "not_found".to_owned()), "{accept}");
    }
    assert_eq!(client.get("/").status, 404);
    assert_eq!(client.get_with("/programs", &[BROWSER]).status, 501);
    assert_eq!(client.send("DELETE", "/", &[BROWSER], "").expect("a response").status, 404);
    assert_eq!(emulator.counts().paths["/"], 6);
    page(&emulator);
}

/// Red when its connections are taken for those of a client: 2 are counted.
#[test]
fn the_page_is_neither_counted_nor_recorded_nor_subject_to_faults() {
    let emulator = start(Config { iap_token: Some("iap".to_owned()), ..Config::default() });
    emulator.fault(Fault::everywhere().status(500).times(0));
    page(&emulator);
    press(&emulator, "do=expire-tokens");
    let counts = emulator.counts();
    assert_eq!((counts.total, counts.connections, emulator.requests().len(), emulator.faults()[0].used), (0, 0, 0, 0));
}

/// Red when tokens of revoked families are counted.
#[test]
fn the_page_shows_the_state() {
    let emulator = start(Config { seed: 7, members: 5, groups: 3, events: 20, ..Config::default() });
    let mut client = Client::connect(emulator.url());
    let first = client.grant("demo-client", "demo-secret").json();
    client.refresh(first["refresh_token"].as_str().expect("a token"));
    emulator.append_events(2);
    let html = page(&emulator);
    for (name, value) in [
        ("URL", emulator.url()),
        ("Version", env!("CARGO_PKG_VERSION")),
        ("Seed", "7"),
        ("Members", "5"),
        ("Groups", "3"),
        ("Events", "22"),
        ("Valid access tokens", "2"),
        ("Usable refresh tokens", "1"),
        ("Requests", "2"),
        ("Open connections", "1"),
    ] {
        assert!(has(&html, name, value), "{name} is not {value}: {html}");
    }
    // A reused refresh token revokes its family.
    client.refresh(first["refresh_token"].as_str().expect("a token"));
    let html = page(&emulator);
    assert!(has(&html, "Valid access tokens", "0") && has(&html, "Usable refresh tokens", "0"), "{html}");
    assert_eq!(
        client
            .send("POST", "/__emulator/data", &[], r#"{"unchecked": true, "members": {"not": "a list"}}"#)
            .expect("a response")
            .status,
        200
    );
    assert!(has(&page(&emulator), "Members", "not a list"));

    let emulator = start(Config { tls: true, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA");
    let mut client = Client::connect_tls(emulator.url(), "localhost", ca).expect("a TLS connection");
    let html = String::from_utf8(client.get_with("/", &[BROWSER]).body).expect("text");
    assert!(has(&html, "URL", emulator.url()), "{html}");
}

/// Red when only the first workspace is counted, and when tokens expire by the machine's clock.
#[test]
fn the_page_shows_each_workspace_and_the_clock() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let data = r#"{"workspaces": [
        {"workspace": {"id": "w1", "workspace_name": "One"}, "clients": [{"id": "a", "secret": "s"}]},
        {"workspace": {"id": "w2", "workspace_name": "Two"}, "clients": [{"id": "b", "secret": "s"}],
         "members": [{"id": "m", "access_level": "admin", "email": "m@example.com", "full_name": "M"}]}]}"#;
    assert_eq!(client.send("POST", "/__emulator/data", &[], data).expect("a response").status, 200);
    client.grant("b", "s");
    assert!(has(&page(&emulator), "Valid access tokens", "1"));
    let set = client.send("PUT", "/__emulator/clock", &[], r#"{"now": "2040-01-01T00:00:00Z"}"#).expect("a response");
    assert_eq!(set.status, 200);
    let html = page(&emulator);
    for (name, value) in [("Clients", "a; b"), ("Members", "0; 1"), ("Events", "0; 0"), ("Valid access tokens", "0")] {
        assert!(has(&html, name, value), "{name} is not {value}: {html}");
    }
    assert!(html.contains("2040-01-01T00:00:00"), "{html}");
}

/// Red with the oldest requests, and with all fields of a fault.
#[test]
fn the_page_shows_the_newest_requests_and_faults() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    assert!(page(&emulator).contains("<p>None.</p>"), "no faults");
    let fault = emulator.fault(Fault::on("/workspaces/groups").status(503).header("Retry-After", "1"));
    client.get("/workspaces/groups?a=1");
    let html = page(&emulator);
    assert!(html.contains("<td>GET</td><td><code>/workspaces/groups?a=1</code></td><td>503</td><td>1</td>"), "{html}");
    // Only what was given.
    let given = r#"{"path":"/workspaces/groups","status":503,"headers":{"Retry-After":["1"]}}"#.replace('"', "&quot;");
    assert!(html.contains(&format!("<td>{fault}</td><td>1</td><td>no</td><td><code>{given}</code></td>")), "{html}");
    // As it is written. Red when it was read as numbers: 1.1, and null in place of the fault with 1e400.
    let fault = r#"{"path":"/a","json":[1.10,1e400]}"#;
    assert_eq!(client.send("POST", "/__emulator/faults", &[], fault).expect("a response").status, 200);
    assert!(page(&emulator).contains("<code>{&quot;path&quot;:&quot;/a&quot;,&quot;json&quot;:[1.10,1e400]}</code>"));
    for number in 0..60 {
        client.get(&format!("/nope/{number}"));
        emulator.fault(Fault::on(format!("/fault/{number}")));
    }
    let html = page(&emulator);
    for (place, shown) in [("nope", 10), ("fault", 10)] {
        assert!(
            html.contains(&format!("/{place}/{shown}")) && !html.contains(&format!("/{place}/{}<", shown - 1)),
            "{place}"
        );
    }
    let newest = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing"));
    assert!(newest("/nope/59") < newest("/nope/58") && newest("/fault/59") < newest("/fault/58"));
    emulator.fault(Fault::on("/long").body("é".repeat(5000)));
    assert!(page(&emulator).contains("… (10026 octets)"));
}

/// Red when a reset does nothing.
#[test]
fn the_buttons_do_what_they_say() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let refresh =
        client.grant("demo-client", "demo-secret").json()["refresh_token"].as_str().expect("a token").to_owned();
    client.sign_in(&emulator);
    let (first, second) = (emulator.fault(Fault::on("/a")), emulator.fault(Fault::on("/b")));
    let reply = press(&emulator, &format!("remove-fault={first}"));
    assert_eq!((reply.status, reply.header("location")), (303, Some("/")));
    assert_eq!(emulator.faults().iter().map(|listed| listed.id).collect::<Vec<_>>(), [second]);
    press(&emulator, "do=forget-requests");
    assert_eq!((emulator.requests().len(), emulator.counts().total), (0, 2));
    press(&emulator, "do=expire-tokens");
    assert_eq!(client.get("/workspaces/active").status, 401);
    press(&emulator, "do=revoke-refresh-tokens");
    assert_eq!(client.refresh(&refresh).status, 400);
    press(&emulator, "do=reset");
    assert_eq!((emulator.faults().len(), emulator.counts().total), (0, 0));
    for bad in ["do=nothing", "remove-fault=x", "reset", "a=%zz"] {
        assert_eq!(press(&emulator, bad).code(), (400, "bad_admin_request".to_owned()), "{bad}");
    }
}

/// Red when `<` is left out of what is escaped.
#[test]
fn nothing_in_a_request_or_a_fault_is_markup() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let markup = "<img/src=x/onerror=alert(1)>'\"&<!--state-->";
    // hyper refuses < and > in a target.
    client.get("/a'&lt;img&gt;?b='&amp;");
    emulator.fault(Fault::on("/b").body(markup).header("x", markup).query(markup, markup));
    client.admin("faults", &json!({ "path": format!("/{markup}"), "method": "<b>" }));
    let html = page(&emulator);
    assert!(!html.contains("<img") && !html.contains("<b>") && !html.contains("<!--state"), "{html}");
    assert!(html.contains("<code>/a&#39;&amp;lt;img&amp;gt;?b=&#39;&amp;amp;</code>"), "{html}");
    assert!(html.contains("&quot;body&quot;:&quot;&lt;img/src=x/onerror=alert(1)&gt;&#39;\\&quot;&amp;"), "{html}");
}

/// Red with `script-src 'unsafe-inline'`.
#[test]
fn the_page_allows_its_own_script_and_style_only() {
    let emulator = start_default();
    let reply = Client::connect(emulator.url()).get_with("/", &[BROWSER]);
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(
        !policy.contains("unsafe") && !policy.contains("http") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    let html = String::from_utf8(reply.body.clone()).expect("text");
    assert_eq!(html.matches("<script").count() + html.matches("<style").count(), 2);
    for foreign in ["http:", "https:", "//", "@import", "url("] {
        let found: Vec<_> =
            html.lines().filter(|line| line.contains(foreign) && !line.contains(emulator.url())).collect();
        let found: Vec<_> = found.into_iter().filter(|line| !line.starts_with("// ")).collect();
        assert!(found.is_empty(), "{foreign}: {found:?}");
    }
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
}

/// Red without the check of `Host` and `Origin`: 200.
#[test]
fn the_page_is_for_this_machine_only() {
    let emulator = start_default();
    let status = |method: &str, host: &str, origin: &str| {
        let mut client = Client::connect(emulator.url());
        client.use_host(host);
        let headers = [BROWSER, ("origin", origin)];
        let headers = if origin.is_empty() { &headers[..1] } else { &headers[..] };
        client.send(method, "/", headers, "do=reset").expect("a response").status
    };
    emulator.fault(Fault::on("/a"));
    let own_host = emulator.url().split_once("://").expect("a URL").1;
    for method in ["GET", "POST"] {
        assert_eq!(status(method, "attacker.example", ""), 403, "DNS rebinding");
        assert_eq!(status(method, own_host, "http://attacker.example"), 403, "a form of another site");
        assert_eq!(status(method, own_host, "null"), 403, "a sandboxed page");
    }
    assert_eq!(emulator.faults().len(), 1);
    assert_eq!(status("POST", own_host, emulator.url()), 303);
    assert_eq!(emulator.faults().len(), 0);
}
