//! The faults, and which of them applies to a request.

use std::cell::LazyCell;

use serde::Serialize;

use crate::fault::Fault;
use crate::journal::RecordedRequest;

/// A fault that was added, and how often it has applied since.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedFault {
    /// Its number, counted from 1 since the start.
    pub id: u64,
    /// Number of requests that it applied to.
    pub used: u64,
    /// Whether it may apply to further requests.
    pub active: bool,
    /// The fault as it was added.
    pub fault: Fault,
}

#[derive(Debug, Default)]
pub(crate) struct FaultList {
    listed: Vec<Listed>,
    last_id: u64,
}

#[derive(Debug)]
struct Listed {
    id: u64,
    fault: Fault,
    to_skip: u64,
    used: u64,
}

/// Those that are used up are listed, too; the oldest of them are forgotten beyond these.
const MAX_USED_UP: usize = 10_000;

impl Listed {
    fn is_active(&self) -> bool {
        self.fault.times == 0 || self.used < self.fault.times
    }

    fn describe(&self) -> ListedFault {
        ListedFault { id: self.id, used: self.used, active: self.is_active(), fault: self.fault.clone() }
    }
}

impl FaultList {
    /// Returns its id.
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        if self.listed.len() >= MAX_USED_UP {
            if let Some(oldest) = self.listed.iter().position(|listed| !listed.is_active()) {
                self.listed.remove(oldest);
            }
        }
        self.listed.push(Listed { id: self.last_id, to_skip: fault.after, used: 0, fault });
        self.last_id
    }

    pub(crate) fn active(&self) -> usize {
        self.listed.iter().filter(|listed| listed.is_active()).count()
    }

    pub(crate) fn clear(&mut self) {
        self.listed.clear();
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.listed.len();
        self.listed.retain(|listed| listed.id != id);
        self.listed.len() < before
    }

    pub(crate) fn list(&self) -> Vec<ListedFault> {
        self.listed.iter().map(Listed::describe).collect()
    }

    /// The newest ones, newest first.
    pub(crate) fn last(&self, max: usize) -> Vec<ListedFault> {
        self.listed.iter().rev().take(max).map(Listed::describe).collect()
    }

    /// Does not count the last use of a fault. Returns whether it is there.
    pub(crate) fn give_back(&mut self, id: u64) -> bool {
        let listed = self.listed.iter_mut().find(|listed| listed.id == id);
        listed.map(|listed| listed.used = listed.used.saturating_sub(1)).is_some()
    }

    /// Returns the first fault that applies to this request, and its id. A fault that still skips requests counts it and passes it
    /// to the next one; faults after the one that applies do not count it.
    ///
    /// A request that is not signed in where it has to be counts as none of them. All that it gets of the fault, without its id, is
    /// the delay.
    pub(crate) fn take(
        &mut self,
        request: &RecordedRequest,
        is_signed_in: impl FnOnce() -> bool,
    ) -> Option<(Option<u64>, Fault)> {
        let is_signed_in = LazyCell::new(is_signed_in);
        let matching =
            self.listed.iter_mut().filter(|listed| listed.is_active() && listed.fault.pattern().matches(request));
        for listed in matching {
            let is_refused = listed.fault.signed_in && !*is_signed_in;
            if listed.to_skip > 0 {
                listed.to_skip -= u64::from(!is_refused);
                continue;
            }
            if is_refused {
                let delay_ms = listed.fault.delay_ms;
                return Some((None, Fault { delay_ms, ..Fault::default().signed_in() }));
            }
            listed.used += 1;
            return Some((Some(listed.id), listed.fault.clone()));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::FaultList;
    use crate::fault::Fault;
    use crate::journal::RecordedRequest;

    fn request(method: &str, path: &str) -> RecordedRequest {
        RecordedRequest { method: method.into(), path: path.into(), ..RecordedRequest::default() }
    }

    fn statuses(list: &mut FaultList, count: usize) -> Vec<Option<u16>> {
        let request = request("GET", "/workspaces/members");
        (0..count).map(|_| list.take(&request, || true).and_then(|(_, fault)| fault.status)).collect()
    }

    #[test]
    fn the_first_match_applies_until_it_is_used_up() {
        let mut list = FaultList::default();
        list.add(Fault::on("/workspaces").status(500).times(2));
        list.add(Fault::everywhere().status(501));
        assert_eq!(statuses(&mut list, 4), [Some(500), Some(500), Some(501), None]);
    }

    #[test]
    fn a_fault_skips_the_first_matches() {
        let mut list = FaultList::default();
        list.add(Fault::on("*").status(500).after(2).times(0));
        assert_eq!(statuses(&mut list, 5), [None, None, Some(500), Some(500), Some(500)]);
        list.clear();
        assert_eq!(statuses(&mut list, 1), [None]);
    }

    #[test]
    fn path_and_method_select() {
        let mut list = FaultList::default();
        list.add(Fault::on("/workspaces/groups").status(500));
        list.add(Fault::on("/workspaces/members").method("post").status(501));
        assert_eq!(statuses(&mut list, 1), [None]);
        assert!(list.take(&request("POST", "/workspaces/members"), || true).is_some());
    }

    #[test]
    fn a_fault_says_how_often_it_was_used() {
        let mut list = FaultList::default();
        let (first, second) =
            (list.add(Fault::everywhere().status(500)), list.add(Fault::everywhere().status(501).times(0)));
        statuses(&mut list, 3);
        let summary: Vec<_> = list.list().iter().map(|listed| (listed.id, listed.used, listed.active)).collect();
        assert_eq!(summary, [(first, 1, false), (second, 2, true)]);
        assert!(list.remove(second) && !list.remove(second));
        assert_eq!(statuses(&mut list, 1), [None]);
        assert!(list.add(Fault::everywhere()) > second);
    }
}
