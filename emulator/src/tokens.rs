//! Access and refresh tokens, and their families.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::timestamp::Micros;

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
    client: Arc<str>,
    family: u64,
    expires: Micros,
}

#[derive(Debug)]
struct Refresh {
    client: Arc<str>,
    family: u64,
    used: bool,
}

/// All valid tokens. A family is a client-credentials grant and all tokens refreshed from it.
#[derive(Debug)]
pub(crate) struct TokenStore {
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
    pub(crate) fn new() -> Self {
        Self {
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

    /// Starts a family; its access token is valid before `expires`.
    pub(crate) fn grant(&mut self, client: &str, now: Micros, expires: Micros) -> TokenPair {
        self.families += 1;
        self.issue(client.into(), self.families, now, expires)
    }

    /// The client that a refresh token was issued to.
    pub(crate) fn client_of_refresh(&self, token: &str) -> Option<Arc<str>> {
        self.refresh.get(token).map(|known| Arc::clone(&known.client))
    }

    /// Rotates a refresh token. The access tokens issued before stay valid until they expire.
    pub(crate) fn rotate(&mut self, token: &str, now: Micros, expires: Micros) -> Result<TokenPair, RefreshError> {
        let known = self.refresh.get_mut(token).ok_or(RefreshError::Unknown)?;
        let (client, family) = (Arc::clone(&known.client), known.family);
        if self.revoked.contains(&family) {
            return Err(RefreshError::Revoked);
        }
        if std::mem::replace(&mut known.used, true) {
            self.revoked.insert(family);
            return Err(RefreshError::Reused);
        }
        Ok(self.issue(client, family, now, expires))
    }

    /// The client of an access token that is valid at this instant.
    pub(crate) fn client_of(&self, access: &str, now: Micros) -> Option<Arc<str>> {
        let known = self.access.get(access)?;
        (now < known.expires && !self.revoked.contains(&known.family)).then(|| Arc::clone(&known.client))
    }

    /// Forgets the tokens of all other clients.
    pub(crate) fn keep_clients(&mut self, is_kept: impl Fn(&str) -> bool) {
        self.access.retain(|_, known| is_kept(&known.client));
        self.refresh.retain(|_, known| is_kept(&known.client));
        self.issued.retain(|token| self.refresh.contains_key(token));
    }

    /// The number of access tokens that are valid now, and of refresh tokens that can be used.
    pub(crate) fn valid(&self, now: Micros) -> (usize, usize) {
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

    fn issue(&mut self, client: Arc<str>, family: u64, now: Micros, expires: Micros) -> TokenPair {
        if self.access.len() >= self.sweep_at {
            self.access.retain(|_, known| now < known.expires);
            self.sweep_at = FIRST_SWEEP.max(self.access.len() * 2);
        }
        let pair = TokenPair {
            access: format!("kal-at-{}", self.rng.token()),
            refresh: format!("kal-rt-{}", self.rng.token()),
        };
        self.access.insert(pair.access.clone(), Access { client: Arc::clone(&client), family, expires });
        self.refresh.insert(pair.refresh.clone(), Refresh { client, family, used: false });
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

/// All tokens, for a snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenState {
    access: Vec<AccessState>,
    /// In the order of their issue.
    refresh: Vec<RefreshState>,
    revoked_families: Vec<u64>,
    pub(crate) families: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessState {
    token: String,
    client: String,
    family: u64,
    /// In microseconds since 1970.
    expires: Micros,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshState {
    token: String,
    client: String,
    family: u64,
    used: bool,
}

impl TokenState {
    pub(crate) fn check(&self, is_client: impl Fn(&str) -> bool) -> Result<(), String> {
        let access = self.access.iter().map(|state| ("access", &state.client, state.family));
        let refresh = self.refresh.iter().map(|state| ("refresh", &state.client, state.family));
        for (kind, client, family) in access.chain(refresh) {
            if !is_client(client) {
                return Err(format!("tokens.{kind}: no workspace has the client {client:?}"));
            }
            if family > self.families {
                return Err(format!("tokens.{kind}: family {family}, there are only {}", self.families));
            }
        }
        Ok(())
    }
}

impl TokenStore {
    pub(crate) fn state(&self) -> TokenState {
        let access = self.access.iter().map(|(token, known)| AccessState {
            token: token.clone(),
            client: known.client.to_string(),
            family: known.family,
            expires: known.expires,
        });
        let refresh = self.issued.iter().filter_map(|token| {
            let known = self.refresh.get(token)?;
            let client = known.client.to_string();
            Some(RefreshState { token: token.clone(), client, family: known.family, used: known.used })
        });
        let mut state = TokenState {
            access: access.collect(),
            refresh: refresh.collect(),
            revoked_families: self.revoked.iter().copied().collect(),
            families: self.families,
        };
        // The same state is the same text.
        state.access.sort_by(|one, other| one.token.cmp(&other.token));
        state.revoked_families.sort_unstable();
        state
    }

    pub(crate) fn restore(&mut self, state: TokenState) {
        let access = |state: AccessState| {
            (state.token, Access { client: state.client.into(), family: state.family, expires: state.expires })
        };
        self.issued = state.refresh.iter().map(|state| state.token.clone()).collect();
        let refresh = |state: RefreshState| {
            (state.token, Refresh { client: state.client.into(), family: state.family, used: state.used })
        };
        self.access = state.access.into_iter().map(access).collect();
        self.refresh = state.refresh.into_iter().map(refresh).collect();
        self.revoked = state.revoked_families.into_iter().collect();
        self.families = state.families;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red without a limit: the first one is known for ever.
    #[test]
    fn the_oldest_refresh_tokens_are_forgotten() {
        let mut tokens = TokenStore::new();
        let first = tokens.grant("c", 0, 1);
        let second = tokens.grant("c", 0, 1);
        // A reused token revokes its family.
        assert!(tokens.rotate(&first.refresh, 0, 1).is_ok());
        assert_eq!(tokens.rotate(&first.refresh, 0, 1).expect_err("reused"), RefreshError::Reused);
        let newest = (0..MAX_REFRESH).map(|_| tokens.grant("c", 0, 1)).last().expect("a token");
        assert_eq!(tokens.rotate(&first.refresh, 0, 1).expect_err("forgotten"), RefreshError::Unknown);
        assert!(tokens.client_of(&first.access, 0).is_none(), "it stays revoked");
        assert!(tokens.client_of(&second.access, 0).is_some(), "access tokens live as long as they say");
        assert!(tokens.rotate(&newest.refresh, 0, 1).is_ok());
        assert!(tokens.refresh.len() <= MAX_REFRESH && tokens.issued.len() <= MAX_REFRESH && tokens.revoked.is_empty());
    }
}
