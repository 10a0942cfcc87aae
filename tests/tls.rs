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

/// Red without the roots of `ca_bundle_pem`: "signed by an authority that is not trusted".
#[test]
fn a_ca_in_memory_is_trusted() {
    let emulator = over_tls();
    let pem = emulator.ca_pem().expect("a CA").to_owned();
    outcome(Settings { ca_bundle_pem: Some(pem), ..settings(&emulator) }).expect("trusted");
    let error = outcome(Settings { ca_bundle_pem: Some("nothing".into()), ..settings(&emulator) }).expect_err("no CA");
    assert!(error.to_string().contains("ca_bundle_pem: it contains no PEM certificate"), "{error}");
}

/// Red with `with_no_client_auth`: "it requires a client certificate", with each of them.
#[test]
fn a_client_certificate_is_presented() {
    let emulator = emulator(Config { tls: true, client_auth: true, ..Config::default() });
    let ca = emulator.ca_pem().expect("a CA").to_owned();
    let (certificate, key) = emulator.client_pem().expect("a certificate");
    let both = format!("{certificate}{key}");
    let trusting = || Settings { ca_bundle_pem: Some(ca.clone()), max_attempts: Some(1), ..settings(&emulator) };
    let file = |name, text| Some(ca_file(name, text));
    let text = || Some(certificate.to_owned());
    let error = outcome(trusting()).expect_err("no certificate");
    assert!(error.to_string().contains("set client_certificate_path or client_certificate_pem"), "{error}");
    let in_memory = Settings { client_certificate_pem: text(), client_key_pem: Some(key.into()), ..trusting() };
    outcome(in_memory).expect("a certificate in memory");
    let path = file("client.pem", certificate);
    let in_files = Settings { client_certificate_path: path, client_key_path: file("client.key", key), ..trusting() };
    outcome(in_files).expect("a certificate in files");
    outcome(Settings { client_certificate_pem: Some(both.clone()), ..trusting() }).expect("a key with its certificate");
    let insecure = Settings {
        insecure_tls: true,
        ca_bundle_pem: None,
        client_certificate_path: file("both.pem", &both),
        ..trusting()
    };
    outcome(insecure).expect("a certificate for a server that is not verified");
    let of_another = over_tls();
    let other_key = of_another.client_pem().expect("a certificate").1;
    let mismatched = format!("{certificate}{other_key}");
    let malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    for (unusable, said) in [
        (
            Settings { client_certificate_pem: Some("x".into()), ..trusting() },
            "client_certificate_pem: it contains no PEM certificate",
        ),
        (
            Settings { client_certificate_pem: text(), ..trusting() },
            "client_certificate_pem: it contains no PEM private key",
        ),
        (Settings { client_certificate_pem: text(), ..trusting() }, "; set client_key_path or client_key_pem"),
        (
            Settings { client_certificate_pem: text(), client_key_pem: Some("x".into()), ..trusting() },
            "client_key_pem: it contains no PEM private key",
        ),
        (
            Settings { client_certificate_path: Some("/nonexistent".into()), ..trusting() },
            "client_certificate_path: /nonexistent: ",
        ),
        (
            Settings { client_certificate_pem: text(), client_key_pem: Some(other_key.into()), ..trusting() },
            "client_key_pem: the private key does not belong to the certificate of client_certificate_pem; ",
        ),
        (
            Settings { client_certificate_path: file("other.pem", &mismatched), ..trusting() },
            "other.pem: the private key does not belong to the certificate of client_certificate_path: ",
        ),
        (
            Settings { client_certificate_pem: Some(malformed), client_key_pem: Some(key.into()), ..trusting() },
            "client_certificate_pem: the certificate is malformed",
        ),
    ] {
        let error = outcome(unusable).expect_err("unusable");
        assert_eq!(error.kind(), ErrorKind::TlsFailed, "{error}");
        assert!(error.to_string().contains(said) && !error.to_string().contains("PRIVATE"), "{error}");
        assert!(!error.to_string().contains("KeyMismatch"), "{error}");
    }
}

/// Red when the PEM is parsed as it is: "it contains no PEM certificate", "it contains no PEM private key".
#[test]
fn a_client_certificate_and_key_may_begin_with_a_bom() {
    let emulator = emulator(Config { tls: true, client_auth: true, ..Config::default() });
    let (certificate, key) = emulator.client_pem().expect("a certificate");
    let (certificate, key) = (format!("\u{feff}{certificate}"), format!("\u{feff}{key}"));
    let trusting = || {
        let ca = format!("\u{feff}{}", emulator.ca_pem().expect("a CA"));
        Settings { ca_bundle_pem: Some(ca), ..settings(&emulator) }
    };
    let in_files = Settings {
        client_certificate_path: Some(ca_file("bom.pem", &certificate)),
        client_key_path: Some(ca_file("bom.key", &key)),
        ..trusting()
    };
    outcome(in_files).expect("files");
    let both = format!("{certificate}{}", key.trim_start_matches('\u{feff}'));
    outcome(Settings { client_certificate_pem: Some(both), ..trusting() }).expect("a key with its certificate");
    let in_memory =
        Settings { client_certificate_pem: Some(certificate), client_key_pem: Some(key.into()), ..trusting() };
    outcome(in_memory).expect("memory");
}

#[test]
fn a_client_certificate_is_set_once_and_a_key_only_with_it() {
    let emulator = over_tls();
    let pem = || Some("pem".to_owned());
    let key = Settings { client_key_pem: Some("pem".into()), ..settings(&emulator) };
    let twice =
        Settings { client_certificate_pem: pem(), client_certificate_path: Some("f".into()), ..settings(&emulator) };
    for (wrong, name) in [(key, "client_key_pem: "), (twice, "client_certificate_pem: ")] {
        let error = Client::open(wrong).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().starts_with(name), "{error}");
    }
}
