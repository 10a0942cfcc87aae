//! An access token and its lifetime.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::clock::Moment;

/// A token is refreshed at most this long before it expires.
const MAX_MARGIN: Duration = Duration::from_secs(10 * 60);
/// Longer lifetimes are cut to this, so that the expiry time does not overflow the clock.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 365 * 100 * 60 * 60);

/// An access token. Its `Debug` does not show it.
#[derive(Debug)]
pub(crate) struct Token {
    access: SecretString,
    header: Option<HeaderValue>,
    generation: u64,
    refresh_at: Moment,
    expires_at: Moment,
}

impl Token {
    /// `expires_in` counts from `requested_at`, when the token request was sent: the server counts from a later time. The clock
    /// keeps running while the machine is suspended, and unlike the wall clock, nobody can set it.
    pub(super) fn new(access: SecretString, generation: u64, expires_in: Duration, requested_at: Moment) -> Self {
        let expires_in = expires_in.min(MAX_LIFETIME);
        let (refresh_at, expires_at) = (requested_at + refresh_after(expires_in), requested_at + expires_in);
        Self { header: bearer(access.expose_secret()), access, generation, refresh_at, expires_at }
    }

    /// The number of the sign-in that returned it.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it has not expired. The server may revoke it earlier.
    pub(super) fn is_valid(&self, now: Moment) -> bool {
        now < self.expires_at
    }

    /// Whether it is time to request the next one.
    pub(super) fn needs_refresh(&self, now: Moment) -> bool {
        now >= self.refresh_at
    }

    /// `Bearer …`, marked as sensitive and zeroized when the last copy is dropped. `None` if the token is not a valid header value.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.header.clone()
    }

    pub(super) fn expose(&self) -> &str {
        self.access.expose_secret()
    }
}

/// How long a token is used before it is refreshed: all but a tenth of its lifetime, or all but ten minutes if that is longer.
///
/// Not a fixed 600 s margin like the Python client's: with a short-lived token, that would mean a refresh for every request.
pub(super) fn refresh_after(lifetime: Duration) -> Duration {
    lifetime.saturating_sub(MAX_MARGIN.min(lifetime / 10))
}

pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("Bearer {token}").into_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refreshed_after(expires_in: u64) -> u64 {
        let now = Moment::now();
        let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(expires_in), now);
        (0..=expires_in).find(|s| token.needs_refresh(now + Duration::from_secs(*s))).expect("a refresh")
    }

    #[test]
    fn a_token_is_refreshed_a_tenth_early_but_at_most_ten_minutes() {
        assert_eq!([0, 10, 600, 3_600, 6_000, 86_400].map(refreshed_after), [0, 9, 540, 3_240, 5_400, 85_800]);
    }

    #[test]
    fn a_token_is_valid_until_it_expires() {
        let now = Moment::now();
        for seconds in [0, 1, 10, 3_600] {
            let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(seconds), now);
            let is_valid = |ms| token.is_valid(now + Duration::from_millis(ms));
            assert!(!is_valid(seconds * 1_000));
            assert!(seconds == 0 || is_valid(seconds * 1_000 - 1), "{seconds}");
            assert!(token.refresh_at <= token.expires_at);
        }
    }

    /// Red when an expiry time that overflows the clock counts as past: every call requests a new token.
    #[test]
    fn a_token_with_a_huge_lifetime_is_valid() {
        let now = Moment::now();
        for seconds in [i64::MAX.unsigned_abs(), u64::MAX] {
            let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(seconds), now);
            assert!(token.is_valid(now) && !token.needs_refresh(now), "{seconds}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::new("canary-token".to_owned().into(), 0, Duration::from_secs(9), Moment::now());
        assert!(!format!("{token:?} {:?}", token.header()).contains("canary"));
    }
}
