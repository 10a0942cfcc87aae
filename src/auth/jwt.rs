//! For how long an ID token can be used, where it is a JSON Web Token (RFC 7519) that says so. It is not checked: that is for
//! the one who is shown it.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::token::replace_after;

/// Seconds since 1970, with a fraction if need be.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    iat: Option<f64>,
}

/// How long it can be used from now on; none when it does not say, or says that it is over: then the wall clock may be wrong, and
/// the proxy knows better.
pub(super) fn lifetime(token: &str, now: SystemTime) -> Option<Duration> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let left = claims.exp - now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    // Where the wall clock is slow: it lives no longer than that.
    let whole = claims.iat.map_or(left, |iat| claims.exp - iat);
    let left = Duration::try_from_secs_f64(if whole > 0.0 { left.min(whole) } else { left }).ok()?;
    (!left.is_zero()).then(|| replace_after(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(claims: &str) -> Option<u64> {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        lifetime(&token, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000)).map(|left| left.as_secs())
    }

    #[test]
    fn a_token_is_replaced_a_tenth_of_what_is_left_before_its_end_but_ten_minutes_at_the_most() {
        assert_eq!(of(r#"{"exp":1100}"#), Some(90));
        assert_eq!(of(r#"{"exp":4600,"iat":1000,"aud":"x","email_verified":true}"#), Some(3_240));
        assert_eq!(of(r#"{"exp":87400}"#), Some(85_800));
        assert_eq!(of(r#"{"exp":1100.5}"#), Some(90));
        assert_eq!(of(r#"{"exp":1001}"#), Some(0));
    }

    #[test]
    fn a_wall_clock_that_is_wrong_makes_no_token_last_and_none_be_asked_for_all_the_time() {
        assert_eq!(of(r#"{"exp":9100,"iat":9000}"#), Some(90), "it is slow");
        assert_eq!(of(r#"{"exp":1000}"#), None, "it is fast, or the token is over");
        assert_eq!(of(r#"{"exp":1100,"iat":1200}"#), Some(90), "that makes no sense");
    }

    #[test]
    fn what_says_nothing_is_none() {
        for claims in
            ["", "{}", "[]", r#"{"exp":"soon"}"#, r#"{"exp":null}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, "\u{e9}"]
        {
            assert_eq!(of(claims), None, "{claims}");
        }
        let now = SystemTime::UNIX_EPOCH;
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1100}"#);
        for token in
            ["", "iap-token", ".", "..", "...", "a.b.c", &format!("e30.{claims}"), &format!("e30.{claims}.x.y")]
        {
            assert_eq!(lifetime(token, now), None, "{token}");
        }
        assert!(lifetime(&format!("e30.{claims}=.x"), now).is_some());
    }
}
