//! A model of the server, for everything that its documentation leaves open, against which streams and followers are
//! judged.
//!
//! - `server`, with `events`, `paging` and `dates`: what the server does.
//! - `disturbance`: what happens between two requests.
//! - `knowable`: where no engine can know everything.
//! - `drive`: runs the engine. Only this file knows its interface.
//! - `claims`: what must be true afterwards.
//! - `habits`: random servers. `KAL_PROPTEST_CASES` sets the number of cases per test, `PROPTEST_RNG_SEED` which. Seed 1 is that
//!   of `make test`. A new seed may find a case for which a claim does not hold: it then belongs into `regressions`.
//! - `streams`, `followers`: particular servers. `regressions`: those that random cases have found. `costs`: numbers of
//!   requests.
//!
//! `KAL_MODEL_TRACE=1` prints every request and page of the cases whose claim does not hold: the last one is the smallest. Of a
//! test with a particular server, it prints them anyway.

mod ahead;
mod claims;
mod costs;
mod dates;
mod disturbance;
mod drive;
mod events;
mod followers;
mod habits;
mod knowable;
mod paging;
mod regressions;
mod server;
mod streams;

use proptest::prelude::*;

use claims::Claim;
use drive::{Run, is_traced};
use habits::{Case, For, cases};

/// Of each claim, if nothing else is wanted.
const CASES: u32 = 500;

fn config() -> ProptestConfig {
    let cases = std::env::var("KAL_PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 10_000, ..ProptestConfig::default() }
}

fn check(case: &Case, claim: impl Fn(&mut Run) -> Claim) -> Result<(), TestCaseError> {
    check_reading(case, false, &claim)?;
    check_reading(case, true, &claim)
}

fn check_reading(case: &Case, reads_ahead: bool, claim: impl Fn(&mut Run) -> Claim) -> Result<(), TestCaseError> {
    let judge = |is_traced| {
        let mut run = Run { reads_ahead, is_traced, ..Run::new(case.server(), case.disturbances.clone()) };
        let claim = claim(&mut run);
        run.trace(|| format!("{case:?}\n{claim:?}\n"));
        claim
    };
    // Of thousands of cases, only those that fail are traced.
    judge(false).or_else(|_| judge(is_traced())).map_err(TestCaseError::fail)
}

const STREAM: For = For { follows: false, in_time: false, from_present: false };
const RESUMED: For = For { follows: true, ..STREAM };
const IN_TIME: For = For { in_time: true, ..RESUMED };
const PRESENT: For = For { from_present: true, ..RESUMED };

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_gives_every_event_once_and_ends(case in cases(STREAM)) {
        check(&case, Run::check_stream)?;
    }

    #[test]
    fn a_stream_that_is_resumed_from_its_cursor_gives_every_event_once(case in cases(RESUMED)) {
        check(&case, Run::check_resumed_stream)?;
    }

    #[test]
    fn a_follower_from_the_beginning_gives_every_event_once_across_restarts(case in cases(RESUMED)) {
        check(&case, |run| run.check_follower(false))?;
    }

    #[test]
    fn a_follower_from_the_present_gives_new_events_once_across_restarts(case in cases(PRESENT)) {
        check(&case, |run| run.check_follower(true))?;
    }

    /// Red when everything before the newest event counted as complete, not only what the pass had reached.
    #[test]
    fn a_cursor_with_too_few_ids_may_repeat_but_loses_nothing(
        case in cases(IN_TIME), from_stream in any::<bool>(), max_ids in 1..40_usize,
    ) {
        check(&case, |run| run.check_short_cursor(from_stream, max_ids))?;
    }
}
