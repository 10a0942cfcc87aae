//! The faults in force, and which of them takes a request.

use crate::fault::Fault;

#[derive(Debug, Default)]
pub(crate) struct FaultList {
    armed: Vec<Armed>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    to_skip: u64,
    /// `None`: until reset.
    left: Option<u64>,
}

impl FaultList {
    pub(crate) fn add(&mut self, fault: Fault) {
        let left = (fault.times > 0).then_some(fault.times);
        self.armed.push(Armed { to_skip: fault.after, left, fault });
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// The first fault that takes this request. One that is still letting requests pass counts it and leaves it to
    /// those behind it; those behind a fault that took the request never saw it.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        for position in 0..self.armed.len() {
            let armed = &mut self.armed[position];
            if !armed.fault.matches(method, path) {
                continue;
            }
            if armed.to_skip > 0 {
                armed.to_skip -= 1;
                continue;
            }
            return Some(match &mut armed.left {
                Some(1) => self.armed.remove(position).fault,
                Some(left) => {
                    *left -= 1;
                    armed.fault.clone()
                }
                None => armed.fault.clone(),
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
    fn the_first_match_wins_until_it_is_spent() {
        let mut list = FaultList::default();
        list.add(Fault::on("/workspaces").status(500).times(2));
        list.add(Fault::everywhere().status(501));
        assert_eq!(statuses(&mut list, 4), [Some(500), Some(500), Some(501), None]);
    }

    #[test]
    fn a_fault_lets_the_first_matches_pass() {
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
