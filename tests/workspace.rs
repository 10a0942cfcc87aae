//! The client against the emulator: what each method of the workspace service gives.

use kal_emulator::{Config, Emulator};
use kaleidoscope::service::workspace::{GET_EVENTS, GET_GROUPS, GET_MEMBERS, GET_MEMBERS_BY_IDS, GET_WORKSPACE};
use kaleidoscope::service::{Params, Value};
use kaleidoscope::{CallOptions, Client, Settings};

fn client(emulator: &Emulator) -> Client {
    Client::open(Settings {
        client_id: Some(emulator.client_id().to_owned()),
        client_secret: Some(emulator.client_secret().to_owned().into()),
        base_url: Some(emulator.url().to_owned()),
        ..Settings::default()
    })
    .expect("a client")
}

#[test]
fn every_method_gives_its_records() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    let client = client(&emulator);
    for (method, least) in [(&GET_WORKSPACE, 1), (&GET_MEMBERS, 12), (&GET_GROUPS, 4), (&GET_EVENTS, 100)] {
        let answer = client.call(Params::new(method), &CallOptions::default()).expect(method.name);
        assert_eq!(answer.rows().len(), least, "{}", method.name);
        assert!(serde_json::from_slice::<serde_json::Value>(answer.json()).is_ok(), "{}", method.name);
    }
}

#[test]
fn members_by_ids_come_in_the_servers_order_each_once() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    let client = client(&emulator);
    let all = client.call(Params::new(&GET_MEMBERS), &CallOptions::default()).expect("members");
    let all: serde_json::Value = serde_json::from_slice(all.json()).expect("JSON");
    let id = |row: usize| all[row]["id"].as_str().expect("an id").to_owned();
    let mut params = Params::new(&GET_MEMBERS_BY_IDS);
    let ids = vec![id(7), "unknown".into(), id(2), id(7)];
    params.set("ids", Value::TextList(ids)).expect("ids");
    let some = client.call(params, &CallOptions::default()).expect("members");
    assert_eq!(some.rows().collect::<Vec<_>>(), [2, 7]);
    let json: serde_json::Value = serde_json::from_slice(some.json()).expect("JSON");
    assert_eq!(json[0]["id"], id(2));
    assert_eq!(json[1]["id"], id(7));
    assert_eq!(client.stats().cache_hits, 1);
    assert_eq!(emulator.counts().token_requests, 1);
}
