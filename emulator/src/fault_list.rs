//! The active faults, and which of them applies to a request.

use crate::fault::Fault;

#[derive(Debug, Default)]
pub(crate) struct FaultList {
    active: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    to_skip: u64,
    /// `None`: until reset.
    left: Option<u64>,
}

impl FaultList {
    pub(crate) fn add(&mut self, fault: Fault) {
        let left = (fault.times > 0).then_some(fault.times);
        self.active.push(Active { to_skip: fault.after, left, fault });
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    /// Returns the first fault that applies to this request. A fault that still skips requests counts it and passes it to
    /// the next one; faults after the one that applies do not count it.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        for position in 0..self.active.len() {
            let active = &mut self.active[position];
            if !active.fault.matches(method, path) {
                continue;
            }
            if active.to_skip > 0 {
                active.to_skip -= 1;
                continue;
            }
            return Some(match &mut active.left {
                Some(1) => self.active.remove(position).fault,
                Some(left) => {
                    *left -= 1;
                    active.fault.clone()
                }
                None => active.fault.clone(),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::FaultList;
    use crate::fault::Fault;

    fn statuses(list: &mut FaultList, count: usize) -> Vec<Option<u16>> {
        (0..count).map(|_| list.take("GET", "/workspaces/members").and_then(|fault| fault.status)).collect()
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
        assert!(list.take("POST", "/workspaces/members").is_some());
    }
}
