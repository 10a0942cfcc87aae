//! Instants as dates in the query.

use crate::records::{civil, parse_time_us};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The resolution of the dates in requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Grain {
    /// With fractions of a second, which not every server parses: only used for dense lists.
    Micro,
    #[default]
    Second,
    /// For a server that compares days.
    Day,
}

impl Grain {
    fn unit(self) -> i64 {
        match self {
            Self::Micro => 1,
            Self::Second => SECOND,
            Self::Day => DAY,
        }
    }

    /// A bound that admits `at`, whether the server treats it as inclusive or exclusive and compares units or finer.
    pub(super) fn just_before(self, at: i64) -> i64 {
        let unit = at.div_euclid(self.unit()).saturating_mul(self.unit());
        // In the unit before.
        unit.saturating_sub(self.unit().min(SECOND))
    }

    /// The same for later times: the first unit after `at`.
    pub(super) fn just_after(self, at: i64) -> i64 {
        at.div_euclid(self.unit()).saturating_add(1).saturating_mul(self.unit())
    }
}

/// The narrower of our bound and the caller's date, as text. The caller's text is passed through unchanged.
pub(super) fn narrower(ours: Option<i64>, callers: Option<&str>, later: bool) -> Option<String> {
    // A date has a four-digit year.
    let ours = ours.filter(|at| (1..=9999).contains(&civil(at.div_euclid(DAY)).0));
    match (ours, callers.and_then(|text| Some((text, parse_time_us(text)?)))) {
        (Some(ours), Some((_, callers))) if (ours > callers) == later => Some(text(ours)),
        (Some(ours), None) => Some(text(ours)),
        (_, callers) => callers.map(|(text, _)| text.to_owned()),
    }
}

/// RFC 3339 as the official client writes it: with an offset, never `Z`.
fn text(at: i64) -> String {
    let (days, second) = (at.div_euclid(DAY), at.div_euclid(SECOND).rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let fraction = match at.rem_euclid(SECOND) {
        0 => String::new(),
        micros => format!(".{micros:06}"),
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_date_parses_to_the_same_instant() {
        let mut at = -62_135_596_800 * SECOND;
        while at < 253_402_300_800 * SECOND {
            assert_eq!(parse_time_us(&text(at)), Some(at), "{}", text(at));
            at += 86_399 * 37 * SECOND;
        }
        assert_eq!(text(1_767_323_045 * SECOND), "2026-01-02T03:04:05+00:00");
        assert_eq!(text(1_767_323_045 * SECOND + 70), "2026-01-02T03:04:05.000070+00:00");
    }

    #[test]
    fn bounds_are_strictly_outside_of_the_instant() {
        for at in [0, 1, -1, 999_999, 1_000_000, 1_000_001, -1_000_000, DAY, DAY - 1] {
            let (before, after) = (Grain::Second.just_before(at), Grain::Second.just_after(at));
            assert!(before < at && at - before < 2 * SECOND && after > at && after - at <= SECOND, "{at}");
            assert!(before.div_euclid(SECOND) < at.div_euclid(SECOND), "{at}");
            assert_eq!((Grain::Micro.just_before(at), Grain::Micro.just_after(at)), (at - 1, at + 1));
            let (before, after) = (Grain::Day.just_before(at), Grain::Day.just_after(at));
            assert!(before.div_euclid(DAY) < at.div_euclid(DAY) && after.div_euclid(DAY) > at.div_euclid(DAY), "{at}");
        }
        for grain in [Grain::Micro, Grain::Second, Grain::Day] {
            assert!(grain.just_before(i64::MIN) < 0 && grain.just_after(i64::MAX) > 0);
        }
    }

    #[test]
    fn the_narrower_date_is_chosen() {
        let (early, late) = (text(0), "1970-01-02");
        assert_eq!(narrower(Some(0), Some(late), true).as_deref(), Some(late));
        assert_eq!(narrower(Some(0), Some(late), false), Some(early.clone()));
        assert_eq!(narrower(Some(0), None, false), Some(early));
        assert_eq!(narrower(None, Some(late), true).as_deref(), Some(late));
        assert_eq!(narrower(Some(i64::MAX), None, true), None);
    }
}
