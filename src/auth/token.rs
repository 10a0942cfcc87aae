//! An access token and for how long it is good.

use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::clock::Moment;

/// The most that a token is replaced before its end.
const MAX_EARLY: Duration = Duration::from_mins(10);
/// The longest that a token is good: a time that the clock does not reach must not count as one that is over.
const MAX_LIFETIME: Duration = Duration::from_hours(24 * 365 * 100);

/// An access token. Its `Debug` does not show it.
#[derive(Debug)]
pub(crate) struct Token {
    access: SecretString,
    header: Option<HeaderValue>,
    generation: u64,
    refresh_at: Moment,
    ends_at: Moment,
}

impl Token {
    /// `expires_in` counts from `asked`, when the request for it was sent: the server's own count began later. On a
    /// clock that goes on while the machine sleeps; the wall clock may be set at any time.
    pub(super) fn new(access: SecretString, generation: u64, expires_in: Duration, asked: Moment) -> Self {
        let expires_in = expires_in.min(MAX_LIFETIME);
        let (refresh_at, ends_at) = (asked + replace_after(expires_in), asked + expires_in);
        Self { header: bearer(access.expose_secret()), access, generation, refresh_at, ends_at }
    }

    /// Which sign-in it came from.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether it has not ended, as far as is known.
    pub(super) fn is_good(&self, now: Moment) -> bool {
        now < self.ends_at
    }

    /// Whether it is too early to ask for the next one.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        now < self.refresh_at
    }

    /// `Bearer …`, marked as sensitive and wiped when the last copy is dropped.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        self.header.clone()
    }

    pub(super) fn expose(&self) -> &str {
        self.access.expose_secret()
    }
}

/// When a token that is good for so long is replaced: a tenth before its end, ten minutes at most.
///
/// Not the flat 600 s of the Python client: with a short-lived token that would be before every request.
pub(super) fn replace_after(lifetime: Duration) -> Duration {
    lifetime.saturating_sub(MAX_EARLY.min(lifetime / 10))
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

    fn fresh_for(expires_in: u64) -> u64 {
        let now = Moment::now();
        let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(expires_in), now);
        (0..=expires_in).find(|s| !token.is_fresh(now + Duration::from_secs(*s))).expect("an end")
    }

    #[test]
    fn a_token_is_replaced_a_tenth_early_but_ten_minutes_at_the_most() {
        assert_eq!([0, 10, 600, 3_600, 6_000, 86_400].map(fresh_for), [0, 9, 540, 3_240, 5_400, 85_800]);
    }

    #[test]
    fn a_token_is_good_to_its_end() {
        let now = Moment::now();
        for seconds in [0, 1, 10, 3_600] {
            let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(seconds), now);
            let is_good = |ms| token.is_good(now + Duration::from_millis(ms));
            assert!(!is_good(seconds * 1_000));
            assert!(seconds == 0 || is_good(seconds * 1_000 - 1), "{seconds}");
            assert!(token.refresh_at <= token.ends_at);
        }
    }

    /// Red when a time that overflows the clock counts as one that is over: each call asks for a token of its own.
    #[test]
    fn a_token_without_a_foreseeable_end_is_good() {
        let now = Moment::now();
        for seconds in [i64::MAX.unsigned_abs(), u64::MAX] {
            let token = Token::new("t".to_owned().into(), 0, Duration::from_secs(seconds), now);
            assert!(token.is_good(now) && token.is_fresh(now), "{seconds}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::new("canary-token".to_owned().into(), 0, Duration::from_secs(9), Moment::now());
        assert!(!format!("{token:?} {:?}", token.header()).contains("canary"));
    }
}
