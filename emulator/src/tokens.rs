//! Access and refresh tokens, and their families.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::rng::Rng;

/// A freshly issued pair.
#[derive(Debug, Clone)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Why a refresh token was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshError {
    /// Never issued, or revoked by an admin request.
    Unknown,
    /// Already rotated; its whole family is now revoked.
    Reused,
    /// Its family has been revoked.
    Revoked,
}

#[derive(Debug)]
struct Access {
    family: u64,
    expires: Instant,
}

#[derive(Debug)]
struct Refresh {
    family: u64,
    used: bool,
}

/// All valid tokens. A family is a client-credentials grant and all tokens refreshed from it.
#[derive(Debug)]
pub(crate) struct TokenStore {
    lifetime: Duration,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    // The refresh tokens in the order of their issue.
    issued: VecDeque<String>,
    revoked: HashSet<u64>,
    families: u64,
    // Expired access tokens are removed when the map reaches this size.
    sweep_at: usize,
    rng: Rng,
}

const FIRST_SWEEP: usize = 1024;
/// The oldest refresh tokens beyond these are forgotten.
const MAX_REFRESH: usize = 10_000;

impl TokenStore {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            access: HashMap::new(),
            refresh: HashMap::new(),
            issued: VecDeque::new(),
            revoked: HashSet::new(),
            families: 0,
            sweep_at: FIRST_SWEEP,
            // Not derived from the seed: a token of an earlier run must not be valid in this one.
            rng: Rng::unrepeatable(),
        }
    }

    /// Starts a family.
    pub(crate) fn grant(&mut self) -> TokenPair {
        self.families += 1;
        self.issue(self.families)
    }

    /// Rotates a refresh token. The access tokens issued before stay valid until they expire.
    pub(crate) fn rotate(&mut self, token: &str) -> Result<TokenPair, RefreshError> {
        let known = self.refresh.get_mut(token).ok_or(RefreshError::Unknown)?;
        let family = known.family;
        if self.revoked.contains(&family) {
            return Err(RefreshError::Revoked);
        }
        if std::mem::replace(&mut known.used, true) {
            self.revoked.insert(family);
            return Err(RefreshError::Reused);
        }
        Ok(self.issue(family))
    }

    /// Whether an access token is valid now.
    pub(crate) fn accepts(&self, access: &str) -> bool {
        self.access
            .get(access)
            .is_some_and(|known| Instant::now() < known.expires && !self.revoked.contains(&known.family))
    }

    /// The number of access tokens that are valid now, and of refresh tokens that can be used.
    pub(crate) fn valid(&self) -> (usize, usize) {
        let now = Instant::now();
        let is_live = |family| !self.revoked.contains(family);
        let access = self.access.values().filter(|known| now < known.expires && is_live(&known.family)).count();
        let refresh = self.refresh.values().filter(|known| !known.used && is_live(&known.family)).count();
        (access, refresh)
    }

    /// Expires all access tokens.
    pub(crate) fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Revokes all refresh tokens; access tokens stay valid.
    pub(crate) fn revoke_refresh(&mut self) {
        self.refresh.clear();
        self.issued.clear();
    }

    fn issue(&mut self, family: u64) -> TokenPair {
        let now = Instant::now();
        if self.access.len() >= self.sweep_at {
            self.access.retain(|_, known| now < known.expires);
            self.sweep_at = FIRST_SWEEP.max(self.access.len() * 2);
        }
        let pair = TokenPair {
            access: format!("kal-at-{}", self.rng.token()),
            refresh: format!("kal-rt-{}", self.rng.token()),
        };
        // A lifetime that overflows the clock is limited to a year, which is long enough here.
        let expires = now.checked_add(self.lifetime).unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.access.insert(pair.access.clone(), Access { family, expires });
        self.refresh.insert(pair.refresh.clone(), Refresh { family, used: false });
        self.issued.push_back(pair.refresh.clone());
        if self.issued.len() > MAX_REFRESH {
            self.forget_oldest();
        }
        pair
    }

    /// Forgets a refresh token, and its family when nothing else belongs to it.
    fn forget_oldest(&mut self) {
        let Some(family) = self.issued.pop_front().and_then(|token| self.refresh.remove(&token)).map(|old| old.family)
        else {
            return;
        };
        if self.revoked.contains(&family) && !self.refresh.values().any(|other| other.family == family) {
            // Its access tokens must not become valid again.
            self.access.retain(|_, known| known.family != family);
            self.revoked.remove(&family);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red without a limit: the first one is known for ever.
    #[test]
    fn the_oldest_refresh_tokens_are_forgotten() {
        let mut tokens = TokenStore::new(Duration::from_secs(3600));
        let first = tokens.grant();
        let second = tokens.grant();
        // A reused token revokes its family.
        assert!(tokens.rotate(&first.refresh).is_ok());
        assert_eq!(tokens.rotate(&first.refresh).expect_err("reused"), RefreshError::Reused);
        let newest = (0..MAX_REFRESH).map(|_| tokens.grant()).last().expect("a token");
        assert_eq!(tokens.rotate(&first.refresh).expect_err("forgotten"), RefreshError::Unknown);
        assert!(!tokens.accepts(&first.access), "it stays revoked");
        assert!(tokens.accepts(&second.access), "access tokens live as long as they say");
        assert!(tokens.rotate(&newest.refresh).is_ok());
        assert!(tokens.refresh.len() <= MAX_REFRESH && tokens.issued.len() <= MAX_REFRESH && tokens.revoked.is_empty());
    }
}
