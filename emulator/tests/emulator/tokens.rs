//! Tokens: grants, rotation, families, expiry and authorization.

use kal_emulator::{Config, Emulator};
use serde_json::Value;

use crate::client::{Client, text};
use crate::{eventually, start, start_default};

fn granted(client: &mut Client, emulator: &Emulator) -> (String, String) {
    let reply = client.grant(emulator.client_id(), emulator.client_secret());
    assert_eq!(reply.status, 200);
    pair(&reply.json())
}

fn pair(tokens: &Value) -> (String, String) {
    (text(tokens, "access_token"), text(tokens, "refresh_token"))
}

fn is_let_in(client: &mut Client, access: &str) -> bool {
    client.use_access(access);
    let reply = client.get("/workspaces/active");
    match reply.status {
        200 => true,
        401 => {
            assert_eq!(reply.code().1, "unauthorized");
            false
        }
        other => panic!("status {other}"),
    }
}

#[test]
fn a_client_credentials_grant_returns_both_tokens_and_their_lifetime() {
    let emulator = start(Config { expires_in: 1234, ..Config::default() });
    let mut client = Client::connect(emulator.url());
    let tokens = client.grant("demo-client", "demo-secret").json();
    assert_eq!(tokens["expires_in"], 1234);
    assert!(tokens.as_object().expect("an object").len() > 3, "no unknown key to ignore in {tokens}");
    let (access, refresh) = pair(&tokens);
    assert_ne!(access, refresh);
    assert!(is_let_in(&mut client, &access));
}

#[test]
fn wrong_credentials_are_rejected_as_an_invalid_client() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for (id, secret) in [("demo-client", "wrong"), ("wrong", "demo-secret"), ("", "")] {
        assert_eq!(client.grant(id, secret).code(), (401, "invalid_client".into()));
    }
}

#[test]
fn credentials_are_decoded_from_the_form() {
    let secret = "my secret+/=&é".to_owned();
    let emulator = start(Config { client_secret: secret, ..Config::default() });
    let mut client = Client::connect(emulator.url());
    assert_eq!(client.grant("demo-client", "my+secret%2B%2F%3D%26%C3%A9").status, 200);
}

#[test]
fn malformed_token_requests_are_rejected() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    for form in [
        "",
        "grant_type=client_credentials",
        "grant_type=client_credentials&client_id=demo-client",
        "grant_type=refresh_token",
        "grant_type=client_credentials&client_id=%zz&client_secret=demo-secret",
        "grant_type=refresh_token&grant_type=refresh_token&refresh_token=a",
        "grant_type",
    ] {
        assert_eq!(client.form(form).code(), (400, "invalid_request".into()), "{form}");
    }
    let unsupported = client.form("grant_type=password&username=a&password=b");
    assert_eq!(unsupported.code(), (400, "unsupported_grant_type".into()));
    let good = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
    for headers in [&[("content-type", "application/json")][..], &[]] {
        let reply = client.send("POST", "/auth/oauth/token", headers, good).expect("a response");
        assert_eq!(reply.code(), (400, "invalid_request".into()));
    }
    let with_charset = [("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];
    let reply = client.send("POST", "/auth/oauth/token", &with_charset, good).expect("a response");
    assert_eq!(reply.status, 200);
}

#[test]
fn a_refresh_returns_new_tokens_and_keeps_the_earlier_access_token_valid() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (first_access, first_refresh) = granted(&mut client, &emulator);
    let (second_access, second_refresh) = pair(&client.refresh(&first_refresh).json());
    assert_ne!(first_access, second_access);
    assert_ne!(first_refresh, second_refresh);
    assert!(is_let_in(&mut client, &first_access));
    assert!(is_let_in(&mut client, &second_access));
    assert_eq!(client.refresh(&second_refresh).status, 200);
}

#[test]
fn a_rotated_refresh_token_revokes_its_family() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (first_access, first_refresh) = granted(&mut client, &emulator);
    let (second_access, second_refresh) = pair(&client.refresh(&first_refresh).json());

    assert_eq!(client.refresh(&first_refresh).code(), (400, "invalid_grant".into()));
    assert!(!is_let_in(&mut client, &first_access));
    assert!(!is_let_in(&mut client, &second_access));
    assert_eq!(client.refresh(&second_refresh).code(), (400, "invalid_grant".into()));
    assert_eq!(emulator.counts().reused_refresh_tokens, 1);
}

#[test]
fn revoking_a_family_does_not_affect_others() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (_, doomed) = granted(&mut client, &emulator);
    let (access, refresh) = granted(&mut client, &emulator);
    client.refresh(&doomed);
    assert_eq!(client.refresh(&doomed).status, 400);
    assert!(is_let_in(&mut client, &access));
    assert_eq!(client.refresh(&refresh).status, 200);
}

#[test]
fn an_unknown_refresh_token_is_rejected_and_revokes_nothing() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (access, _) = granted(&mut client, &emulator);
    assert_eq!(client.refresh("never-issued").code(), (400, "invalid_grant".into()));
    assert!(is_let_in(&mut client, &access));
    assert_eq!(emulator.counts().reused_refresh_tokens, 0);
}

#[test]
fn an_access_token_expires_by_itself() {
    let emulator = start(Config { expires_in: 1, ..Config::default() });
    let mut client = Client::connect(emulator.url());
    let (access, refresh) = granted(&mut client, &emulator);
    eventually("the token expires", || !is_let_in(&mut client, &access));
    assert_eq!(client.refresh(&refresh).status, 200, "the refresh token outlives it");
}

#[test]
fn access_tokens_can_be_expired_at_once() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (access, refresh) = granted(&mut client, &emulator);
    emulator.expire_tokens();
    assert!(!is_let_in(&mut client, &access));
    let (access, _) = pair(&client.refresh(&refresh).json());
    assert!(is_let_in(&mut client, &access));
    client.admin("expire-tokens", &Value::Null);
    assert!(!is_let_in(&mut client, &access));
}

#[test]
fn refresh_tokens_can_be_revoked_at_once() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let over_http = |_: &Emulator, client: &mut Client| {
        assert_eq!(client.admin("revoke-refresh-tokens", &Value::Null).status, 200);
    };
    for withdraw in [|emulator: &Emulator, _: &mut Client| emulator.revoke_refresh_tokens(), over_http] {
        let (access, refresh) = granted(&mut client, &emulator);
        withdraw(&emulator, &mut client);
        assert_eq!(client.refresh(&refresh).code(), (400, "invalid_grant".into()));
        assert!(is_let_in(&mut client, &access));
    }
}

#[test]
fn a_token_of_another_emulator_is_unknown() {
    let (one, other) = (start_default(), start_default());
    let (access, _) = granted(&mut Client::connect(one.url()), &one);
    assert!(!is_let_in(&mut Client::connect(other.url()), &access));
}

#[test]
fn an_api_request_without_a_bearer_token_is_rejected() {
    let emulator = start_default();
    let mut client = Client::connect(emulator.url());
    let (access, _) = granted(&mut client, &emulator);
    let (basic, in_wrong_place) = (format!("Basic {access}"), format!("Bearer {access}"));
    for headers in [
        &[][..],
        &[("x-kal-authorization", "Bearer made-up")],
        &[("x-kal-authorization", access.as_str())],
        &[("x-kal-authorization", basic.as_str())],
        &[("authorization", in_wrong_place.as_str())],
    ] {
        for path in ["active", "members", "groups", "events"] {
            let reply = client.get_with(&format!("/workspaces/{path}"), headers);
            assert_eq!(reply.code(), (401, "unauthorized".into()), "{path} {headers:?}");
        }
    }
}

#[test]
fn every_request_needs_the_proxy_token() {
    let emulator = start(Config { iap_token: Some("proxy-token".into()), ..Config::default() });
    let mut client = Client::connect(emulator.url());
    let form = "grant_type=client_credentials&client_id=demo-client&client_secret=demo-secret";
    let content_type = ("content-type", "application/x-www-form-urlencoded");
    let proxy = ("authorization", "Bearer proxy-token");
    let mut token =
        |headers: &[(&str, &str)]| client.send("POST", "/auth/oauth/token", headers, form).expect("a response");
    assert_eq!(token(&[content_type]).code(), (401, "iap_required".into()));
    assert_eq!(token(&[content_type, ("authorization", "Bearer other")]).code(), (401, "iap_required".into()));
    let (access, _) = pair(&token(&[content_type, proxy]).json());
    client.use_access(&access);
    assert_eq!(client.get("/workspaces/active").code(), (401, "iap_required".into()));
    assert_eq!(client.get_with("/workspaces/active", &[proxy]).status, 200);
}
