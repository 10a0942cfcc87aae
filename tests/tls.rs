//! Which server certificates the client trusts.

mod common;

use std::path::PathBuf;

use common::{emulator, get, settings};
use kal_emulator::{Config, Emulator};
use kaleidoscope::service::workspace::GET_WORKSPACE;
use kaleidoscope::{Client, Error, ErrorKind, Settings};

fn over_tls() -> Emulator {
    emulator(Config { tls: true, ..Config::default() })
}

fn ca_file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

fn outcome(settings: Settings) -> Result<(), Error> {
    get(&Client::open(settings).expect("good settings"), &GET_WORKSPACE).map(drop)
}

#[test]
fn an_unknown_ca_is_rejected_without_a_retry() {
    let emulator = over_tls();
    let error = outcome(settings(&emulator)).expect_err("an unknown CA");
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::TlsFailed, 1), "{error}");
    assert_eq!(emulator.counts().total, 0, "no secret was sent");
}

#[test]
fn the_ca_bundle_is_trusted() {
    let emulator = over_tls();
    let path = ca_file("ca.pem", emulator.ca_pem().expect("a CA"));
    outcome(Settings { ca_bundle_path: Some(path), ..settings(&emulator) }).expect("trusted");
}

#[test]
fn a_ca_bundle_of_another_ca_is_rejected() {
    let (emulator, other) = (over_tls(), over_tls());
    let path = ca_file("other-ca.pem", other.ca_pem().expect("a CA"));
    let error = outcome(Settings { ca_bundle_path: Some(path), ..settings(&emulator) }).expect_err("an unknown CA");
    assert_eq!(error.kind(), ErrorKind::TlsFailed);
}

#[test]
fn an_unusable_ca_bundle_is_named() {
    let emulator = over_tls();
    for path in [
        PathBuf::from("/nonexistent/ca.pem"),
        ca_file("no-ca.pem", "nothing\n"),
        ca_file("bad-ca.pem", "-----BEGIN CERTIFICATE-----\n!\n"),
    ] {
        let error = outcome(Settings { ca_bundle_path: Some(path), ..settings(&emulator) }).expect_err("no CA");
        assert_eq!(error.kind(), ErrorKind::TlsFailed);
        assert!(error.to_string().contains("ca_bundle_path"), "{error}");
    }
}

#[test]
fn insecure_tls_accepts_any_certificate() {
    outcome(Settings { insecure_tls: true, ..settings(&over_tls()) }).expect("any certificate is accepted");
}
