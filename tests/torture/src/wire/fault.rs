//! One thing that goes wrong on the wire, and what the library says of it.

use std::time::Duration;

use kaleidoscope::ffi::status::{KAL_AUTH_FAILED, KAL_BAD_RESPONSE, KAL_NOT_FOUND, KAL_OK, kal_status};

use super::{Asked, Carrier, Step};
use crate::calls::Method;

type Answer = dyn Fn(&Asked, usize) -> Vec<Step> + Send + Sync;
type Whole = fn(&str) -> Vec<u8>;

/// A row of the table of faults.
pub struct Fault {
    /// What it is.
    pub name: String,
    /// What the connection is, instead of plain TCP.
    pub carrier: Option<Carrier>,
    /// Whether the good answers after it need TLS.
    pub tls: bool,
    /// Whether it strikes when a connection is made, whatever is asked then.
    pub of_the_connection: bool,
    /// Where in the answer it strikes.
    pub cuts: Cuts,
    /// What the server does, at an offset.
    pub answer: Box<Answer>,
    /// What a call gives.
    pub gives: Gives,
    /// What a call gives when the token endpoint has the fault; none: it is not put there.
    pub sign_in: Option<kal_status>,
    /// How many requests the server sees, of the two tries that the test's clients have.
    pub tries: Tries,
    /// How long the call is given.
    pub patience: Patience,
    /// What its message has in it.
    pub says: &'static str,
}

/// Where in an answer a fault strikes.
#[derive(Clone, Copy)]
pub enum Cuts {
    /// It has no offset.
    Nowhere,
    /// At every byte of this answer.
    Anywhere(Whole),
    /// At every byte of its body but the first.
    Body(Whole),
}

/// The status of a call.
#[derive(Clone, Copy)]
pub enum Gives {
    /// Whatever the method.
    Same(kal_status),
    /// One or the other, which nobody can tell beforehand.
    Either(kal_status, kal_status),
    /// What an answer without a body is to each method.
    NoBody,
}

/// How many requests the server sees.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// One: another would not mend it.
    One,
    /// All that there may be.
    Both,
    /// However many the time allows, or none that comes so far.
    Any,
}

/// How long a call is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Far longer than it takes.
    Long,
    /// The fault lasts until the call gives up.
    Short,
    /// The same, of the time to connect.
    ShortToConnect,
}

impl Patience {
    /// For the whole call.
    pub const LONG_MS: u32 = 20_000;
    /// For what never ends.
    pub const SHORT_MS: u32 = 600;
}

impl Fault {
    /// A fault that answers with these bytes, gives this status after one try, and at sign-in too.
    pub fn bytes(name: &str, status: kal_status, answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::steps(name, status, move |asked, _| vec![Step::Send(answer(asked))])
    }

    /// A fault that takes these steps.
    pub fn steps(
        name: &str,
        status: kal_status,
        answer: impl Fn(&Asked, usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            carrier: None,
            tls: false,
            of_the_connection: false,
            cuts: Cuts::Nowhere,
            answer: Box::new(answer),
            gives: Gives::Same(status),
            sign_in: Some(status),
            tries: Tries::One,
            patience: Patience::Long,
            says: "",
        }
    }

    /// A fault of the connection, before any request.
    pub fn connection(name: &str, status: kal_status, carrier: Carrier) -> Self {
        Self {
            carrier: Some(carrier),
            tls: true,
            of_the_connection: true,
            sign_in: None,
            ..Self::steps(name, status, |_, _| vec![])
        }
    }

    /// It strikes at these offsets.
    #[must_use]
    pub fn at(self, cuts: Cuts) -> Self {
        Self { cuts, ..self }
    }

    /// The server sees both tries.
    #[must_use]
    pub fn twice(self) -> Self {
        Self { tries: Tries::Both, ..self }
    }

    /// It lasts until the call gives up.
    #[must_use]
    pub fn endless(self) -> Self {
        Self { tries: Tries::Any, patience: Patience::Short, ..self }
    }

    /// The message of a call says so.
    #[must_use]
    pub fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// At sign-in it gives another status.
    #[must_use]
    pub fn at_sign_in(self, status: kal_status) -> Self {
        Self { sign_in: Some(status), ..self }
    }

    /// It is nothing to put at sign-in.
    #[must_use]
    pub fn not_at_sign_in(self) -> Self {
        Self { sign_in: None, ..self }
    }

    /// It is an answer without a body.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { gives: Gives::NoBody, sign_in: Some(KAL_BAD_RESPONSE), ..self }
    }

    /// It is an error of HTTP: the token endpoint refuses with it.
    #[must_use]
    pub fn refusal(self) -> Self {
        Self { sign_in: Some(KAL_AUTH_FAILED), ..self }
    }

    /// The same over TLS.
    #[must_use]
    pub fn over(self, carrier: &Carrier) -> Self {
        Self { name: format!("TLS: {}", self.name), carrier: Some(carrier.clone()), tls: true, ..self }
    }

    /// What a method's call may give.
    pub fn statuses(&self, method: Method) -> Vec<kal_status> {
        match (self.gives, method) {
            (Gives::Same(status), _) => vec![status],
            (Gives::Either(one, other), _) => vec![one, other],
            (Gives::NoBody, Method::Workspace) => vec![KAL_NOT_FOUND],
            (Gives::NoBody, Method::Events) => vec![KAL_OK],
            (Gives::NoBody, _) => vec![KAL_BAD_RESPONSE],
        }
    }

    /// How long its call is given, and the time to connect.
    pub fn timeouts_ms(&self) -> (u32, u32) {
        match self.patience {
            Patience::Long => (Patience::LONG_MS, Patience::LONG_MS),
            Patience::Short => (Patience::SHORT_MS, Patience::LONG_MS),
            Patience::ShortToConnect => (Patience::LONG_MS, Patience::SHORT_MS),
        }
    }
}

impl Cuts {
    /// The offsets in the answer for a path: every one, or one of each kind.
    pub fn offsets(self, path: &str, every: bool) -> Vec<usize> {
        let (whole, from) = match self {
            Self::Nowhere => return vec![0],
            Self::Anywhere(whole) => (whole(path), 0),
            Self::Body(whole) => {
                let whole = whole(path);
                let from = end_of_head(&whole) + 1;
                (whole, from)
            }
        };
        if every { (from..whole.len()).collect() } else { kinds(&whole).into_iter().filter(|at| *at >= from).collect() }
    }
}

fn end_of_head(answer: &[u8]) -> usize {
    answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4)
}

/// Before anything; within the status line; at its end; within the header and before and after its end; in the first line
/// of the body, which may be a chunk's size; in the middle of the body; before the last bytes.
fn kinds(answer: &[u8]) -> Vec<usize> {
    let line = answer.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let head = end_of_head(answer);
    let body = answer.len() - head;
    let mut offsets = vec![
        0,
        1,
        7,
        9,
        line - 1,
        line,
        line + 3,
        usize::midpoint(line, head),
        head - 3,
        head - 2,
        head - 1,
        head,
        head + 1,
        head + 2,
        head + body / 3,
        head + body / 2,
        answer.len() - 5,
        answer.len() - 2,
        answer.len() - 1,
    ];
    offsets.retain(|at| *at < answer.len());
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

/// A pause between two bytes that a call does not live to see the end of.
pub const DRIP: Duration = Duration::from_millis(50);
