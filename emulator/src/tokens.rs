//! Access and refresh tokens, and the families they descend in.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::rng::Rng;

/// A freshly issued pair.
#[derive(Debug, Clone)]
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Why a refresh token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefreshRefused {
    /// Never issued, or withdrawn.
    Unknown,
    /// Rotated before; its whole family is revoked now.
    Reused,
    /// Of a family that was revoked earlier.
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

/// All tokens the emulator knows. A family is one client-credentials grant and everything refreshed from it.
#[derive(Debug)]
pub(crate) struct TokenStore {
    lifetime: Duration,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    revoked: HashSet<u64>,
    families: u64,
    // Expired access tokens are swept when the map has grown to this.
    sweep_at: usize,
    rng: Rng,
}

const FIRST_SWEEP: usize = 1024;

impl TokenStore {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            access: HashMap::new(),
            refresh: HashMap::new(),
            revoked: HashSet::new(),
            families: 0,
            sweep_at: FIRST_SWEEP,
            // Not from the seed: a token of an earlier run must not be valid by chance in this one.
            rng: Rng::unrepeatable(),
        }
    }

    /// Starts a family.
    pub(crate) fn grant(&mut self) -> TokenPair {
        self.families += 1;
        self.issue(self.families)
    }

    /// Rotates a refresh token. The access tokens issued before stay valid until they expire.
    pub(crate) fn rotate(&mut self, token: &str) -> Result<TokenPair, RefreshRefused> {
        let known = self.refresh.get_mut(token).ok_or(RefreshRefused::Unknown)?;
        let family = known.family;
        if self.revoked.contains(&family) {
            return Err(RefreshRefused::Revoked);
        }
        if std::mem::replace(&mut known.used, true) {
            self.revoked.insert(family);
            return Err(RefreshRefused::Reused);
        }
        Ok(self.issue(family))
    }

    /// Whether an access token is good now.
    pub(crate) fn accepts(&self, access: &str) -> bool {
        self.access
            .get(access)
            .is_some_and(|known| Instant::now() < known.expires && !self.revoked.contains(&known.family))
    }

    /// Ends the life of all access tokens.
    pub(crate) fn expire_access(&mut self) {
        self.access.clear();
    }

    /// Forgets all refresh tokens; access tokens live on.
    pub(crate) fn revoke_refresh(&mut self) {
        self.refresh.clear();
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
        // A lifetime beyond what the clock can hold is forever, which a year is to an emulator.
        let expires = now.checked_add(self.lifetime).unwrap_or(now + Duration::from_hours(365 * 24));
        self.access.insert(pair.access.clone(), Access { family, expires });
        self.refresh.insert(pair.refresh.clone(), Refresh { family, used: false });
        pair
    }
}
