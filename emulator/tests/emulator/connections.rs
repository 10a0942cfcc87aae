//! Connections, encodings, TLS, outages, counts and recorded requests.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kal_emulator::{Config, Emulator};
use serde_json::{Value, json};

use crate::client::{Client, gunzip, tcp};
use crate::{eventually, start, start_default};

#[test]
fn one_connection_carries_many_requests() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for _ in 0..20 {
        assert_eq!(client.get("/workspaces/active").status, 200);
    }
    let counts = emulator.counts();
    assert_eq!((counts.connections, counts.open_connections, counts.total), (1, 1, 21));
    drop(client);
    eventually("the connection ends", || emulator.counts().open_connections == 0);
    assert_eq!(emulator.counts().connections, 1);
}

#[test]
fn unknown_paths_and_wrong_methods_have_their_own_answers() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for path in ["/", "/workspaces", "/workspaces/active/", "//workspaces/active", "/nope?x=1", "/auth/oauth"] {
        assert_eq!(client.get(path).code(), (404, "not_found".into()), "{path}");
    }
    assert_eq!(client.get("/__emulator/nope").code(), (404, "not_found".into()));
    for (method, path, allow) in [
        ("POST", "/workspaces/members", "GET"),
        ("DELETE", "/workspaces/events", "GET"),
        ("GET", "/auth/oauth/token", "POST"),
        ("GET", "/__emulator/reset", "POST"),
        ("POST", "/__emulator/counts", "GET"),
    ] {
        let reply = client.send(method, path, &[], "").expect("a response");
        assert_eq!(reply.code(), (405, "method_not_allowed".into()), "{method} {path}");
        assert_eq!(reply.header("allow"), Some(allow));
    }
}

/// Red when the echo is behind the check of the verb: 405.
#[test]
fn any_verb_is_echoed_with_a_token() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let token = format!("Bearer {}", client.access);
    let headers = [("x-kal-authorization", token.as_str()), ("content-type", "application/json")];
    let body = r#"{"n": 1.10, "n":2}"#;
    for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let reply = client.send(verb, "/echo/a%2Fb?x=1&x=%C3%A9+y", &headers, body).expect("a response");
        assert_eq!(reply.status, 200);
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let begins = format!(r#"{{"verb":"{verb}","path":"/echo/a%2Fb","query":[["x","1"],["x","é y"]],"headers":{{"#);
        assert!(text.starts_with(&begins) && text.ends_with(&format!(r#""body":{body}}}"#)), "{text}");
        assert!(text.contains("application/json") && !text.contains(&client.access), "{text}");
    }
    for (verb, target, body, status) in [
        ("GET", "/echo?status=422", "", 422),
        ("DELETE", "/echo?status=204", "{}", 204),
        ("DELETE", "/echo", "", 422),
        ("POST", "/echo", "<html>", 422),
        ("GET", "/echo?status=99", "", 422),
        ("GET", "/echo?a", "", 422),
        ("GET", "/echoes", "", 404),
    ] {
        let reply = client.send(verb, target, &headers, body).expect("a response");
        assert_eq!(reply.status, status, "{verb} {target}");
    }
    assert_eq!(client.send("POST", "/echo", &[], "{}").expect("a response").code(), (401, "unauthorized".into()));
}

#[test]
fn every_response_has_a_unique_request_id() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let paths = ["/workspaces/active", "/nope", "/__emulator/counts", "/workspaces/events?page=x"];
    let ids: BTreeSet<_> = (0..40)
        .map(|turn| client.get(paths[turn % 4]).header("x-request-id").expect("a request id").to_owned())
        .collect();
    assert_eq!(ids.len(), 40);
}

#[test]
fn large_bodies_are_compressed_for_clients_that_accept_it() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for path in ["/workspaces/members", "/workspaces/events?page_size=50"] {
        let plain = client.get(path);
        assert_eq!(plain.header("content-encoding"), None);
        for _ in 0..2 {
            let small = client.get_with(path, &[("accept-encoding", "gzip, deflate")]);
            assert_eq!(small.header("content-encoding"), Some("gzip"));
            assert_eq!(small.header("vary"), Some("accept-encoding"));
            assert!(small.body.len() < plain.body.len());
            assert_eq!(gunzip(&small.body), plain.body);
        }
        let declined = client.get_with(path, &[("accept-encoding", "gzip;q=0")]);
        assert_eq!(declined.body, plain.body);
    }
    let short = client.get_with("/workspaces/active", &[("accept-encoding", "gzip")]);
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn compression_can_be_switched_off() {
    let emulator = start(Config { gzip: false, ..Config::default() });
    let mut client = Client::signed_in(&emulator);
    let reply = client.get_with("/workspaces/members", &[("accept-encoding", "gzip")]);
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.list().len(), 12);
}

#[test]
fn https_is_trusted_with_its_own_ca_under_all_its_names() {
    let emulator = start(Config { tls: true, ..Config::default() });
    assert!(emulator.url().starts_with("https://127.0.0.1:"));
    let ca = emulator.ca_pem().expect("a CA");
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut client = Client::connect_tls(emulator.url(), name, ca).expect(name);
        client.sign_in(&emulator);
        assert_eq!(client.get("/workspaces/members").list().len(), 12);
    }
    assert!(Client::connect_tls(emulator.url(), "example.com", ca).is_err());
}

#[test]
fn https_is_not_trusted_with_another_ca() {
    let [one, other] = [(); 2].map(|()| start(Config { tls: true, ..Config::default() }));
    let ca = other.ca_pem().expect("a CA");
    assert!(Client::connect_tls(one.url(), "localhost", ca).is_err());
    assert_eq!(start_default().ca_pem(), None);
}

#[test]
fn the_server_keeps_serving_after_a_failed_handshake() {
    let emulator = start(Config { tls: true, ..Config::default() });
    let mut plain = Client::connect(emulator.url());
    plain.write("GET", "/workspaces/active", &[], "").expect("octets go out");
    assert!(!plain.read_rest().starts_with(b"HTTP"));
    let ca = emulator.ca_pem().expect("a CA");
    assert!(Client::connect_tls(emulator.url(), "localhost", ca).is_ok());
}

#[test]
fn pause_closes_everything_and_resume_uses_the_same_port() {
    let emulator = start_default();
    for _ in 0..3 {
        let mut client = Client::signed_in(&emulator);
        emulator.pause().expect("a pause");
        assert_eq!(emulator.counts().open_connections, 0);
        assert!(client.try_get("/workspaces/active", &[]).is_err());
        assert!(Client::try_connect(emulator.url()).is_err());
        emulator.pause().expect("a second pause changes nothing");
        emulator.resume().expect("the port is free again");
        emulator.resume().expect("a second resume changes nothing");
        let mut client = Client::signed_in(&emulator);
        assert_eq!(client.get("/workspaces/active").status, 200);
    }
}

#[test]
fn tokens_stay_valid_across_a_pause() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let access = client.grant("demo-client", "demo-secret").json()["access_token"].clone();
    emulator.pause().expect("a pause");
    emulator.resume().expect("the port is free again");
    let mut client = Client::connect(emulator.url());
    client.use_access(access.as_str().expect("a token"));
    assert_eq!(client.get("/workspaces/active").status, 200);
}

#[test]
fn dropping_the_emulator_frees_its_port() {
    let emulator = start_default();
    let client = Client::signed_in(&emulator);
    let url = emulator.url().to_owned();
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    drop(emulator);
    assert!(tcp(&url).is_err());
    drop(client);
    assert_eq!(start(Config { port, ..Config::default() }).url(), url);
}

#[test]
fn several_threads_serve_like_one() {
    let emulator = start(Config { threads: 3, ..Config::default() });
    let bodies: BTreeSet<_> = std::thread::scope(|scope| {
        let fetch = || Client::signed_in(&emulator).get("/workspaces/members").body;
        let fetches: Vec<_> = (0..8).map(|_| scope.spawn(fetch)).collect();
        fetches.into_iter().map(|fetch| fetch.join().expect("a body")).collect()
    });
    assert_eq!(bodies.len(), 1);
    emulator.pause().expect("a pause");
    assert!(tcp(emulator.url()).is_err());
}

#[test]
fn only_loopback_addresses_are_served() {
    for host in
        [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
    {
        let error = Emulator::start(Config { host, ..Config::default() }).expect_err("an error");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    for config in [
        Config { members: 100_001, ..Config::default() },
        Config { events: 1_000_001, ..Config::default() },
        Config { first_page: 2, ..Config::default() },
        Config { max_page_size: 0, ..Config::default() },
    ] {
        assert!(Emulator::start(config).is_err());
    }
}

#[test]
fn requests_are_counted_by_path_and_tokens_by_grant() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let refresh = client.grant("demo-client", "demo-secret").json()["refresh_token"].clone();
    client.refresh(refresh.as_str().expect("a token"));
    client.refresh("unknown");
    client.form("grant_type=password");
    client.get("/workspaces/members");
    client.get("/workspaces/members?x=1");
    client.get("/nope");
    let counts = client.get("/__emulator/counts").json();
    let want = json!({
        "total": 8, "connections": 1, "open_connections": 1,
        "token_requests": 5, "token_client_credentials": 2, "token_refresh": 2, "reused_refresh_tokens": 0,
        "paths": { "/auth/oauth/token": 5, "/workspaces/members": 2, "/nope": 1 },
    });
    assert_eq!(counts, want);
    assert_eq!(serde_json::to_value(emulator.counts()).expect("JSON"), want);
}

#[test]
fn admin_requests_are_neither_counted_nor_recorded() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for _ in 0..3 {
        client.get("/__emulator/counts");
        client.get("/__emulator/requests");
    }
    let counts = emulator.counts();
    assert_eq!((counts.total, counts.connections, counts.open_connections), (0, 0, 0));
    assert!(emulator.requests().is_empty());
    client.get("/workspaces/active");
    let counts = emulator.counts();
    assert_eq!((counts.total, counts.connections, counts.open_connections), (1, 1, 1));
}

#[test]
fn requests_are_recorded_as_received() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    client.form("grant_type=client_credentials&client_id=a%2Bb&client_secret=c");
    let query = "event_types=%5B%22a%22%5D&resource_type=x+y";
    client.get_with(&format!("/workspaces/events?{query}"), &[("X-Extra", "1"), ("x-extra", "2")]);
    let recorded = emulator.requests();
    assert_eq!(recorded.len(), 2);
    assert_eq!((recorded[0].method.as_str(), recorded[0].path.as_str()), ("POST", "/auth/oauth/token"));
    assert_eq!(recorded[0].body, "grant_type=client_credentials&client_id=a%2Bb&client_secret=c");
    assert_eq!(recorded[0].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((recorded[1].path.as_str(), recorded[1].query.as_str()), ("/workspaces/events", query));
    let extra: Vec<_> = recorded[1].headers.iter().filter(|(name, _)| name == "x-extra").collect();
    assert_eq!(extra.len(), 2);
    let over_http: Value = client.get("/__emulator/requests").json();
    assert_eq!(over_http, serde_json::to_value(&recorded).expect("JSON"));
    assert_eq!(over_http[0]["headers"][0][0], "host");
}

#[test]
fn the_last_ten_thousand_requests_are_kept() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for number in 0..10_005 {
        client.get(&format!("/nope?{number}"));
    }
    let recorded = emulator.requests();
    assert_eq!(recorded.len(), 10_000);
    assert_eq!((recorded[0].query.as_str(), recorded[9_999].query.as_str()), ("5", "10004"));
    assert_eq!(emulator.counts().total, 10_005);
}

#[test]
fn a_reset_clears_counts_and_requests_but_not_tokens_and_data() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.set_members(vec![json!({ "id": "only" })]);
    client.admin("reset", &Value::Null);
    let counts = emulator.counts();
    assert_eq!((counts.total, counts.connections, counts.open_connections), (0, 0, 1));
    assert!(counts.paths.is_empty() && emulator.requests().is_empty());
    assert_eq!(client.get("/workspaces/members").list(), [json!({ "id": "only" })]);
}

#[test]
fn an_endless_request_body_is_rejected() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let body = "x".repeat((1 << 20) + 1);
    let reply = client.form(&body);
    assert_eq!(reply.code(), (413, "too_large".into()));
}

/// Red without a limit of bytes: 100 MiB are kept.
#[test]
fn recorded_requests_take_a_bounded_memory() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let body = "x".repeat((1 << 20) - 1);
    for number in 0..100 {
        let target = format!("/echo/{number}");
        client.send("POST", &target, &[], &body).expect("a response");
    }
    let recorded = emulator.requests();
    let octets: usize = recorded.iter().map(|request| request.body.len()).sum();
    assert!((32 << 20..=64 << 20).contains(&octets), "{octets}");
    assert_eq!(recorded.last().expect("the newest").path, "/echo/99");
    assert_eq!(emulator.counts().total, 101, "all are counted");
    emulator.reset();
    client.get("/echo");
    assert_eq!(emulator.requests().len(), 1);
}

/// Red without the check: a page of another site reads the tokens of all requests.
#[test]
fn admin_requests_come_from_this_machine_only() {
    let emulator = start_default();
    let own = emulator.url().to_owned();
    let own_host = own.split_once("://").expect("a URL").1.to_owned();
    let refused = |host: &str, origin: &str| {
        let mut client = Client::connect(&own);
        client.use_host(host);
        let headers = [("origin", origin)];
        let headers = if origin.is_empty() { &headers[..0] } else { &headers[..] };
        let reads = client.send("GET", "/__emulator/requests", headers, "").expect("a response");
        let changes = client.send("POST", "/__emulator/reset", headers, "").expect("a response");
        assert_eq!(reads.status, changes.status);
        assert!(reads.status == 200 || reads.code() == (403, "forbidden".to_owned()));
        reads.status == 403
    };
    assert!(!refused(&own_host, ""));
    assert!(!refused(&own_host, &own));
    assert!(!refused("localhost:1", ""));
    assert!(refused("attacker.example", ""), "DNS rebinding");
    assert!(refused(&own_host, "http://attacker.example"), "a form of another site");
    assert!(refused(&own_host, "null"), "a sandboxed page");
}

/// Red when the body is read first: 100 Continue, and no response while the client waits for one.
#[test]
fn a_body_that_declares_too_much_is_refused_before_it_is_sent() {
    let emulator = start_default();
    for (target, max) in [("/workspaces/members", 16 << 20), ("/__emulator/snapshot", 256 << 20)] {
        let mut client = Client::connect(emulator.url());
        let declared = (max + 1).to_string();
        let headers = [("content-length", declared.as_str()), ("expect", "100-continue")];
        let reply = client.get_with(target, &headers);
        let message = format!("the request body is longer than {max} octets");
        assert_eq!((reply.status, reply.message()), (413, message));
    }
}
