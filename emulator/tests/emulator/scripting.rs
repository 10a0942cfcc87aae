//! Faults that apply to chosen requests, what they send, and what can be asked about them afterwards.

use std::io::ErrorKind;
use std::time::Duration;

use kal_emulator::{DropPoint, Fault};
use serde_json::{Value, json};

use crate::client::{Client, encode};
use crate::{eventually, start_default};

const MEMBERS: &str = "/workspaces/members";
const EVENTS: &str = "/workspaces/events";

#[test]
fn a_fault_applies_to_whole_segments_of_a_path() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on("/workspaces/mem").status(500));
    emulator.fault(Fault::on("/*/groups").status(501));
    assert_eq!(client.get(MEMBERS).status, 200);
    assert_eq!(client.get("/workspaces/groups").status, 501);
    for path in ["members", "/mem*", "/workspaces/events?page=2", ""] {
        let refused = client.admin("faults", &json!({ "path": path }));
        assert_eq!(refused.code(), (400, "bad_admin_request".to_owned()), "{path}");
    }
}

#[test]
fn a_fault_can_be_for_one_page() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.admin("faults", &json!({ "path": EVENTS, "query": { "page": "2" }, "status": 503, "times": 0 }));
    for (page, status) in [(1, 200), (2, 503), (3, 200), (2, 503), (12, 200)] {
        assert_eq!(client.get(&format!("{EVENTS}?page_size=10&page={page}")).status, status);
    }
    // Values are decoded.
    emulator.fault(Fault::on(EVENTS).query("event_types", "[\"create\", \"é\"]").status(418));
    assert_eq!(client.get(&format!("{EVENTS}?event_types=%5B%22create%22%2C+%22%C3%A9%22%5D")).status, 418);
}

#[test]
fn a_fault_can_be_for_a_header_or_a_body() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).request_header("User-Agent", "kal/1").status(500).times(0));
    emulator.fault(Fault::on("/echo").request_body("\"title\":\"T\"").status(409).times(0));
    assert_eq!(client.get(MEMBERS).status, 200);
    assert_eq!(client.get_with(MEMBERS, &[("user-agent", "kal/1")]).status, 500);
    assert_eq!(client.get_with(MEMBERS, &[("user-agent", "kal/10")]).status, 200);
    let token = format!("Bearer {}", client.access);
    let mut post = |body: &str| {
        client.send("POST", "/echo/programs", &[("x-kal-authorization", &token)], body).expect("a response").status
    };
    assert_eq!(post(r#"{"title":"T"}"#), 409);
    assert_eq!(post(r#"{"title":"U"}"#), 200);
}

#[test]
fn a_header_can_have_several_values() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.admin("faults", &json!({ "path": MEMBERS, "headers": { "Set-Cookie": ["a=1", "b=2"], "X-One": "1" } }));
    let reply = client.get(MEMBERS);
    assert_eq!(reply.headers("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(reply.headers("x-one"), ["1"]);
    assert_eq!(reply.list().len(), 12);
    let refused = client.admin("faults", &json!({ "headers": { "a": [] } }));
    assert_eq!(refused.status, 400);
}

#[test]
fn a_body_can_be_any_octets() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.admin("faults", &json!({ "path": MEMBERS, "body_base64": "AP+AgQ==", "content_type": "text/plain" }));
    let reply = client.get(MEMBERS);
    assert_eq!((reply.body.as_slice(), reply.header("content-type")), (&b"\x00\xff\x80\x81"[..], Some("text/plain")));
    for bad in [json!({ "body_base64": "A" }), json!({ "body": "a", "json": 1 }), json!({ "rst": true })] {
        assert_eq!(client.admin("faults", &bad).status, 400, "{bad}");
    }
}

#[test]
fn a_body_can_arrive_in_pieces() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).body("[1, 2, 3]").dribble(2, Duration::from_millis(20)));
    let token = format!("Bearer {}", client.access);
    client.write("GET", MEMBERS, &[("x-kal-authorization", &token), ("connection", "close")], "").expect("a request");
    let text = String::from_utf8(client.read_rest()).expect("text");
    assert!(text.ends_with("2\r\n[1\r\n2\r\n, \r\n2\r\n2,\r\n2\r\n 3\r\n1\r\n]\r\n0\r\n\r\n"), "{text}");
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).gzip().dribble(100, Duration::ZERO));
    assert_eq!(crate::client::gunzip(&client.get(MEMBERS).body).first(), Some(&b'['));
    emulator.fault(Fault::on(MEMBERS).dribble(1, Duration::MAX));
    client.start_get(MEMBERS);
    // Leaving does not wait for it.
    drop(emulator);
}

/// Red with FIN: the end of the stream, no error.
#[test]
fn a_connection_can_end_with_rst() {
    let emulator = start_default();
    for point in [DropPoint::Before, DropPoint::Headers, DropPoint::Body] {
        emulator.fault(Fault::on(MEMBERS).drop_connection(point).rst());
        let mut client = Client::signed_in(&emulator);
        client.start_get(MEMBERS);
        assert_eq!(client.end_of_stream().map_err(|why| why.kind()), Err(ErrorKind::ConnectionReset), "{point:?}");
        emulator.fault(Fault::on(MEMBERS).drop_connection(point));
        let mut client = Client::signed_in(&emulator);
        client.start_get(MEMBERS);
        assert!(client.end_of_stream().is_ok(), "{point:?}");
    }
}

/// Red without the notification: the request hangs until its client gives up.
#[test]
fn a_reset_ends_requests_that_hang() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on(MEMBERS).drop_connection(DropPoint::Hang));
    client.start_get(MEMBERS);
    eventually("the request is there", || emulator.counts().paths.contains_key(MEMBERS));
    emulator.reset();
    assert_eq!(client.read_rest(), b"");
}

#[test]
fn a_fault_is_listed_with_its_use_and_can_be_removed() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let added = client
        .admin("faults", &json!([{ "path": MEMBERS, "status": 503 }, { "path": EVENTS, "status": 500, "times": 0 }]));
    let ids: Vec<u64> = serde_json::from_value(added.json()["ids"].clone()).expect("ids");
    client.get(MEMBERS);
    client.get(MEMBERS);
    let summary = |list: &Value| {
        let each = |fault: &Value| (fault["id"].as_u64(), fault["used"].as_u64(), fault["active"].as_bool());
        list.as_array().expect("a list").iter().map(each).collect::<Vec<_>>()
    };
    let list = client.get("/__emulator/faults").json();
    assert_eq!(summary(&list), [(Some(ids[0]), Some(1), Some(false)), (Some(ids[1]), Some(0), Some(true))]);
    assert_eq!(list[0]["fault"]["path"], MEMBERS);
    let one = format!("/__emulator/faults/{}", ids[1]);
    assert_eq!(client.get(&one).json()["used"], 0);
    assert_eq!(client.send("DELETE", &one, &[], "").expect("a response").status, 200);
    assert_eq!(client.get(&one).code(), (404, "not_found".to_owned()));
    assert_eq!(client.get(EVENTS).status, 200);
    assert_eq!(client.send("DELETE", "/__emulator/faults", &[], "").expect("a response").status, 200);
    assert_eq!(emulator.faults(), []);
}

#[test]
fn recorded_requests_say_what_became_of_them() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let fault = emulator.fault(Fault::on(MEMBERS).status(503));
    let dropped = emulator.fault(Fault::on("/workspaces/groups").drop_connection(DropPoint::Before));
    let id = client.get(MEMBERS).header("x-request-id").expect("an id").to_owned();
    client.get(MEMBERS);
    assert!(client.try_get("/workspaces/groups", &[]).is_err());
    let recorded = emulator.requests();
    let summary: Vec<_> = recorded.iter().map(|request| (request.status, request.fault)).collect();
    assert_eq!(summary, [(Some(200), None), (Some(503), Some(fault)), (Some(200), None), (None, Some(dropped))]);
    assert_eq!(recorded[1].request_id, id);
    assert!(recorded.windows(2).all(|two| two[0].number < two[1].number && two[0].time <= two[1].time));
    assert!(recorded[0].time.starts_with("20") && recorded[0].time.ends_with('Z'));

    let mut client = Client::connect(emulator.url());
    let paths = |client: &mut Client, query: &str| client.get(&format!("/__emulator/requests?{query}")).list().len();
    assert_eq!(paths(&mut client, "path=/workspaces"), 3);
    assert_eq!(paths(&mut client, "path=/workspaces/members&status=503"), 1);
    assert_eq!(paths(&mut client, "method=POST"), 1);
    assert_eq!(paths(&mut client, &format!("after={}", recorded[2].number)), 1);
    assert_eq!(client.get("/__emulator/requests?colour=1").status, 400);
    assert_eq!(client.send("DELETE", "/__emulator/requests", &[], "").expect("a response").status, 200);
    assert_eq!((emulator.requests().len(), emulator.counts().total), (0, 4));
}

#[test]
fn a_test_can_verify_what_was_sent() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.get(MEMBERS);
    client.get(&format!("{EVENTS}?page=1&page_size=2"));
    client.get(&format!("{EVENTS}?page=2&page_size=2"));
    let mut verify = |expected: Value| client.admin("verify", &expected);
    assert_eq!(verify(json!({ "path": MEMBERS, "times": 1 })).json(), json!({ "count": 1 }));
    assert_eq!(verify(json!({ "path": EVENTS, "query": { "page": "2" }, "times": 1 })).status, 200);
    assert_eq!(verify(json!({ "path": EVENTS, "at_least": 2, "at_most": 3 })).status, 200);
    assert_eq!(verify(json!({ "path": "/workspaces/groups", "times": 0 })).status, 200);
    assert_eq!(verify(json!({ "path": MEMBERS, "status": 200 })).status, 200);
    let wrong = verify(json!({ "path": EVENTS, "times": 1 }));
    assert_eq!(wrong.code(), (409, "not_as_expected".to_owned()));
    assert_eq!(wrong.json()["message"], "expected 1, found 2 of 4 requests");
    assert_eq!(wrong.json()["found"][1], format!("GET {EVENTS}?page=2&page_size=2"));
    let no_number = verify(json!({ "at_least": 5, "at_most": 2 }));
    assert_eq!(no_number.status, 400, "red as 409: expected 5 to 2");
    assert_eq!(no_number.message(), "at_least is 5 and at_most is 2: no number of requests is between them");
    for bad in [json!({ "times": 1, "at_most": 2 }), json!({ "paths": "/" }), json!({ "path": "members" })] {
        assert_eq!(verify(bad.clone()).status, 400, "{bad}");
    }
}

#[test]
fn paths_of_other_services_say_that_they_are_not_emulated() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    let reply = client.get("/programs");
    assert_eq!(reply.code(), (501, "not_emulated".to_owned()));
    // The message has the request that scripts the answer.
    let message = reply.json()["message"].as_str().expect("a message").to_owned();
    let (before, script) = message.split_once("/__emulator/faults ").expect("a script");
    assert!(before.starts_with("GET /programs is not emulated"), "{message}");
    let mut script: Value = serde_json::from_str(script).expect("JSON");
    script["json"] = json!([{ "id": "p1" }]);
    client.admin("faults", &script);
    assert_eq!(client.get("/programs").json(), json!([{ "id": "p1" }]));
    assert_eq!(client.get("/programs").status, 200);
    client.use_access("");
    assert_eq!(client.get("/programs").code(), (401, "unauthorized".to_owned()));
    assert_eq!(client.get("/programms").code(), (404, "not_found".to_owned()));
    assert_eq!(client.get("/").status, 404);
}

/// Red when what was forgotten did not count: 200, `{"count": 0}`, although the request was made.
#[test]
fn what_was_forgotten_is_not_said_to_be_absent() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    client.send("DELETE", "/records/r1", &[], "").expect("a response");
    let large = "a".repeat(1_000_000);
    // The last ones only fit into the 64 MiB.
    for _ in 0..70 {
        client.send("POST", "/echo", &[], &large).expect("a response");
    }
    let recorded = u64::try_from(emulator.requests().len()).expect("small");
    let forgotten = 72 - recorded;
    assert!(recorded > 60 && forgotten > 2, "{recorded}");
    let mut verify = |expected: Value| client.admin("verify", &expected);
    for (expected, count, wanted) in [
        (json!({ "method": "DELETE", "times": 0 }), 0, "0"),
        (json!({ "path": "/echo", "at_most": 70 }), recorded, "0 to 70"),
        (json!({ "path": "/echo", "times": 70 }), recorded, "70"),
        (json!({ "path": "/echo", "at_least": 70 }), recorded, "at least 70"),
    ] {
        let unknown = verify(expected);
        assert_eq!(unknown.code(), (409, "forgotten".to_owned()), "{wanted}");
        let message = format!(
            "expected {wanted}, found {count} of {recorded} requests, but {forgotten} before them are forgotten: \
             verify earlier, or forget all with DELETE /__emulator/requests first"
        );
        assert_eq!((unknown.message(), unknown.json()["count"].as_u64()), (message, Some(count)));
    }
    // Whatever was forgotten, these are certain.
    assert_eq!(verify(json!({ "path": "/echo", "at_least": 60 })).json()["count"], recorded);
    assert_eq!(verify(json!({ "path": "/echo", "at_most": 100 })).json()["count"], recorded);
    assert_eq!(verify(json!({ "path": "/echo", "at_most": 10 })).code(), (409, "not_as_expected".to_owned()));
    assert_eq!(verify(json!({ "path": "/echo", "times": 100 })).code(), (409, "not_as_expected".to_owned()));
    assert_eq!(client.send("DELETE", "/__emulator/requests", &[], "").expect("a response").status, 200);
    assert_eq!(client.admin("verify", &json!({ "method": "DELETE", "times": 0 })).status, 200);
}

/// Red when one bad pair emptied the query: the fault did not apply, 422 of `/echo`.
#[test]
fn a_bad_parameter_does_not_hide_the_others() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    emulator.fault(Fault::on("/echo").query("page", "2").status(503).times(0));
    emulator.fault(Fault::on("/echo").query("verbose", "").status(418).times(0));
    for query in ["page=2&verbose", "verbose&page=2", "name=%zz&page=2", "page=2&%ff=1", "a=%&page=2"] {
        assert_eq!(client.get(&format!("/echo?{query}")).status, 503, "{query}");
    }
    assert_eq!(client.get("/echo?verbose&page=3").status, 418, "without `=`, the value is empty");
    assert_eq!(client.get("/echo?page=%zz").status, 422, "a value that cannot be decoded is none");
    assert_eq!(client.admin("verify", &json!({ "query": { "page": "2" }, "times": 5 })).status, 200);
    // The API's own parser stays strict.
    assert_eq!(client.get(&format!("{EVENTS}?page=%zz")).status, 422);
}

/// Red when it was parsed and written again: `1.10` became `1.1`, the long number `1.2345678901234568e+22`, `\u00e9` `é`, and the
/// keys were sorted. Red again when null was read as if there was no `json`: the fault had none.
#[test]
fn the_json_of_a_fault_is_sent_as_it_is_written() {
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for json in [r#"{"b": 1.10, "a":12345678901234567890123,"c":"\u00e9"}"#, "null", "1e400", "[1, 2]", "\"\""] {
        let body = format!(r#"{{"path": "/programs", "json": {json}}}"#);
        let added = client.send("POST", "/__emulator/faults", &[], &body).expect("a response");
        assert_eq!(added.status, 200, "{json}: {}", String::from_utf8_lossy(&added.body));
        let listed = client.get(&format!("/__emulator/faults/{}", added.json()["ids"][0]));
        let listed = String::from_utf8(listed.body).expect("UTF-8");
        assert!(listed.contains(&format!(r#""json":{json}"#)), "{listed}");
        let all = String::from_utf8(client.get("/__emulator/faults").body).expect("UTF-8");
        assert!(all.contains(&format!(r#""json":{json}"#)), "{all}");
        let reply = client.get("/programs");
        assert_eq!((reply.status, String::from_utf8_lossy(&reply.body).as_ref()), (200, json));
    }
    // What is listed can be added again: without `json`, there is none.
    let added = client.admin("faults", &json!({ "path": "/programs", "status": 503, "body": "busy" }));
    let listed = client.get(&format!("/__emulator/faults/{}", added.json()["ids"][0])).json();
    assert_eq!(client.admin("faults", &listed["fault"]).status, 200);
    assert_eq!(client.get("/programs").body, b"busy");
    assert_eq!(client.get("/programs").body, b"busy");
    assert_eq!(client.admin("faults", &json!({ "json": null, "body": "a" })).status, 400);
}

/// Red when the path was decoded before it was compared: none was found.
#[test]
fn a_recorded_path_finds_its_request() {
    // Red when the last one was found by the path of the third, which decodes to it.
    const PATHS: [&str; 6] =
        ["/programs/%C3%A9", "/programs/a+b", "/programs/a%2Fb", "/programs/%25", "/programs/%FF", "/programs/a/b"];
    let emulator = start_default();
    let mut client = Client::signed_in(&emulator);
    for path in PATHS {
        client.get(path);
    }
    let mut found = |path: &str| {
        let list = client.get(&format!("/__emulator/requests?path={path}")).list();
        list.iter().map(|request| request["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
    };
    for path in PATHS {
        assert_eq!(found(path), [path]);
        // As a client that encodes parameters sends it.
        assert_eq!(found(&encode(path)), [path]);
    }
    assert_eq!(found("/programs").len(), 6);
    assert_eq!(found("%2Fprograms").len(), 6);
    for bad in ["programs", "a+b", "%zz", "%2Fprograms%3Fpage%3D2"] {
        assert_eq!(client.get(&format!("/__emulator/requests?path={bad}")).status, 400, "{bad}");
    }
}
