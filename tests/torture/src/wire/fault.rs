//! A fault on the wire, and its expected outcome.

use std::time::Duration;

use kaleidoscope::ffi::status::{KAL_AUTH_FAILED, KAL_BAD_RESPONSE, KAL_NOT_FOUND, KAL_OK, kal_status};

use super::{Asked, Carrier, Step};
use crate::calls::Method;

type Answer = dyn Fn(&Asked, usize) -> Vec<Step> + Send + Sync;
type Whole = fn(&str) -> Vec<u8>;

/// A row of the table of faults.
pub struct Fault {
    /// Its name.
    pub name: String,
    /// The connection, instead of plain TCP.
    pub carrier: Option<Carrier>,
    /// Whether the good responses after it need TLS.
    pub tls: bool,
    /// Whether it affects the connection itself, before any request.
    pub of_the_connection: bool,
    /// The offsets in the response at which it happens.
    pub cuts: Cuts,
    /// The server's steps at an offset.
    pub answer: Box<Answer>,
    /// The expected outcome of a call.
    pub gives: Gives,
    /// The outcome if the token endpoint has the fault; `None` if not tried there.
    pub sign_in: Option<kal_status>,
    /// The number of requests, of the two attempts that the test's clients make.
    pub tries: Tries,
    /// The timeout of the call.
    pub patience: Patience,
    /// A part of the error's message.
    pub says: &'static str,
}

/// The offsets in a response at which a fault happens.
#[derive(Clone, Copy)]
pub enum Cuts {
    /// No offset.
    Nowhere,
    /// At every byte of this response.
    Anywhere(Whole),
    /// At every byte of its body but the first.
    Body(Whole),
}

/// The status of a call.
#[derive(Clone, Copy)]
pub enum Gives {
    /// The same for all methods.
    Same(kal_status),
    /// One or the other, which cannot be predicted.
    Either(kal_status, kal_status),
    /// The outcome of an empty response, which depends on the method.
    NoBody,
}

/// The number of requests that the server receives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// One: a retry would not help.
    One,
    /// All attempts.
    Both,
    /// As many as fit into the timeout, or none that arrive.
    Any,
}

/// The timeout of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Far longer than the call takes.
    Long,
    /// The fault lasts until the call times out.
    Short,
    /// The same for the connect timeout.
    ShortToConnect,
}

impl Patience {
    /// For the whole call.
    pub const LONG_MS: u32 = 20_000;
    /// For what never ends.
    pub const SHORT_MS: u32 = 600;
}

impl Fault {
    /// A fault with these response bytes, which results in this status after one attempt, also at sign-in.
    pub fn bytes(name: &str, status: kal_status, answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::steps(name, status, move |asked, _| vec![Step::Send(answer(asked))])
    }

    /// A fault with these steps.
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

    /// Happens at these offsets.
    #[must_use]
    pub fn at(self, cuts: Cuts) -> Self {
        Self { cuts, ..self }
    }

    /// The server receives both attempts.
    #[must_use]
    pub fn twice(self) -> Self {
        Self { tries: Tries::Both, ..self }
    }

    /// Lasts until the call times out.
    #[must_use]
    pub fn endless(self) -> Self {
        Self { tries: Tries::Any, patience: Patience::Short, ..self }
    }

    /// The error's message contains this.
    #[must_use]
    pub fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// Results in another status at sign-in.
    #[must_use]
    pub fn at_sign_in(self, status: kal_status) -> Self {
        Self { sign_in: Some(status), ..self }
    }

    /// Not tried at sign-in.
    #[must_use]
    pub fn not_at_sign_in(self) -> Self {
        Self { sign_in: None, ..self }
    }

    /// An empty response.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { gives: Gives::NoBody, sign_in: Some(KAL_BAD_RESPONSE), ..self }
    }

    /// An HTTP error status: at the token endpoint it rejects the sign-in.
    #[must_use]
    pub fn refusal(self) -> Self {
        Self { sign_in: Some(KAL_AUTH_FAILED), ..self }
    }

    /// The same over TLS.
    #[must_use]
    pub fn over(self, carrier: &Carrier) -> Self {
        Self { name: format!("TLS: {}", self.name), carrier: Some(carrier.clone()), tls: true, ..self }
    }

    /// The statuses that a method's call may return.
    pub fn statuses(&self, method: Method) -> Vec<kal_status> {
        match (self.gives, method) {
            (Gives::Same(status), _) => vec![status],
            (Gives::Either(one, other), _) => vec![one, other],
            (Gives::NoBody, Method::Workspace) => vec![KAL_NOT_FOUND],
            (Gives::NoBody, Method::Events) => vec![KAL_OK],
            (Gives::NoBody, _) => vec![KAL_BAD_RESPONSE],
        }
    }

    /// The call's timeout and connect timeout.
    pub fn timeouts_ms(&self) -> (u32, u32) {
        match self.patience {
            Patience::Long => (Patience::LONG_MS, Patience::LONG_MS),
            Patience::Short => (Patience::SHORT_MS, Patience::LONG_MS),
            Patience::ShortToConnect => (Patience::LONG_MS, Patience::SHORT_MS),
        }
    }
}

impl Cuts {
    /// The offsets in the response for a path: all, or one of each kind.
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

/// At the start; within the status line; at its end; within the headers and before and after their end; in the first line of the
/// body, which may be a chunk size; in the middle of the body; before the last bytes.
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

/// A pause between two bytes that is longer than the call's timeout.
pub const DRIP: Duration = Duration::from_millis(50);
