//! The lifetime of an ID token, if it is a JSON Web Token (RFC 7519) with an expiry time. The token is not verified: that is up to
//! its recipient.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::token::refresh_after;

/// Seconds since 1970, possibly with a fraction.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    iat: Option<f64>,
}

/// How long from now on until the token is to be replaced. `None` without an expiry time, and also when that has passed: then the
/// wall clock may be wrong, and the proxy decides.
pub(super) fn replace_after(token: &str, now: SystemTime) -> Option<Duration> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let left = claims.exp - now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
    // If the wall clock is slow: the token's total lifetime is an upper bound.
    let total = claims.iat.map_or(left, |iat| claims.exp - iat);
    let left = Duration::try_from_secs_f64(if total > 0.0 { left.min(total) } else { left }).ok()?;
    (!left.is_zero()).then(|| refresh_after(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace_after_claims(claims: &str) -> Option<u64> {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        replace_after(&token, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000)).map(|left| left.as_secs())
    }

    #[test]
    fn a_token_is_replaced_a_tenth_of_its_remaining_time_early_but_at_most_ten_minutes() {
        assert_eq!(replace_after_claims(r#"{"exp":1100}"#), Some(90));
        assert_eq!(replace_after_claims(r#"{"exp":4600,"iat":1000,"aud":"x","email_verified":true}"#), Some(3_240));
        assert_eq!(replace_after_claims(r#"{"exp":87400}"#), Some(85_800));
        assert_eq!(replace_after_claims(r#"{"exp":1100.5}"#), Some(90));
        assert_eq!(replace_after_claims(r#"{"exp":1001}"#), Some(0));
    }

    #[test]
    fn a_wrong_wall_clock_neither_extends_a_token_nor_replaces_it_for_every_call() {
        assert_eq!(replace_after_claims(r#"{"exp":9100,"iat":9000}"#), Some(90), "the clock is slow");
        assert_eq!(replace_after_claims(r#"{"exp":1000}"#), None, "the clock is fast, or the token has expired");
        assert_eq!(replace_after_claims(r#"{"exp":1100,"iat":1200}"#), Some(90), "issued after it expires");
    }

    #[test]
    fn a_token_without_a_usable_expiry_time_is_none() {
        for claims in
            ["", "{}", "[]", r#"{"exp":"soon"}"#, r#"{"exp":null}"#, r#"{"exp":-1}"#, r#"{"exp":1e300}"#, "\u{e9}"]
        {
            assert_eq!(replace_after_claims(claims), None, "{claims}");
        }
        let now = SystemTime::UNIX_EPOCH;
        let claims = URL_SAFE_NO_PAD.encode(r#"{"exp":1100}"#);
        for token in
            ["", "iap-token", ".", "..", "...", "a.b.c", &format!("e30.{claims}"), &format!("e30.{claims}.x.y")]
        {
            assert_eq!(replace_after(token, now), None, "{token}");
        }
        assert!(replace_after(&format!("e30.{claims}=.x"), now).is_some());
    }
}
