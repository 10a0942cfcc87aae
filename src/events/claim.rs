//! Which call the stream's next result belongs to.
//!
//! The claim is under the stream's lock, and so is what a result comes from. A call hands a result over only while it has the
//! claim, which ends with that; a caller that gives up ends it too. Whichever is first decides: the result goes to that caller, or
//! what it comes from stays for the next one.

use crate::cancel::Fired;

/// The claim to the next result: one call at a time has it.
#[derive(Default)]
pub(super) struct Claims {
    /// With what abandons the call.
    current: Option<(Claim, Option<Fired>)>,
    last: u64,
}

/// A call's claim.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim(u64);

impl Claims {
    /// None while another call has it.
    pub(super) fn take(&mut self, abandoned: Option<Fired>) -> Option<Claim> {
        if self.current.is_some() {
            return None;
        }
        self.last += 1;
        let claim = Claim(self.last);
        self.current = Some((claim, abandoned));
        Some(claim)
    }

    pub(super) fn is_held(&self, claim: Claim) -> bool {
        self.current.as_ref().is_some_and(|(current, _)| *current == claim)
    }

    /// Ends the claim of a call that was abandoned, even if the I/O thread has not noticed it yet. Returns whether there was one.
    pub(super) fn end_abandoned(&mut self) -> bool {
        let is_fired = |fired: &Option<Fired>| fired.as_ref().is_some_and(Fired::is_fired);
        self.current.take_if(|(_, abandoned)| is_fired(abandoned)).is_some()
    }

    /// Ends the claim. Returns whether the call still had it.
    pub(super) fn end(&mut self, claim: Claim) -> bool {
        let is_held = self.is_held(claim);
        if is_held {
            self.current = None;
        }
        is_held
    }
}

#[cfg(all(test, kal_loom))]
mod loom_tests {
    use super::*;
    use crate::runtime::oneshot::{self, Receiver, Sender};
    use crate::sync::Mutex;
    use loom::thread;
    use std::sync::Arc;
    use std::time::Instant;

    /// A stream with one page.
    struct Stream(Mutex<(Claims, Option<u32>)>);

    impl Stream {
        fn with_state<T>(&self, run: impl FnOnce(&mut Claims, &mut Option<u32>) -> T) -> T {
            let mut state = self.0.lock().expect("no panic");
            let (claims, page) = &mut *state;
            run(claims, page)
        }

        fn start(&self) -> Option<Claim> {
            self.with_state(|claims, _| claims.take(None))
        }

        /// The call on the I/O thread.
        fn serve(&self, claim: Claim, reply: Sender<Option<u32>>) {
            if let Some(page) = self.with_state(|claims, page| claims.end(claim).then(|| page.take())) {
                reply.send(Ok(page));
            }
        }

        /// The caller, which does not wait at all.
        fn receive(&self, claim: Claim, receiver: &Receiver<Option<u32>>) -> Option<u32> {
            let result = receiver.recv_until(Instant::now());
            let result = match result {
                None if self.with_state(|claims, _| claims.end(claim)) => return None,
                None => receiver.recv(),
                Some(result) => result,
            };
            result.expect("a result")
        }

        /// A call whose own thread serves it.
        fn call(&self) -> Option<u32> {
            let claim = self.start()?;
            let (reply, receiver) = oneshot::channel();
            self.serve(claim, reply);
            self.receive(claim, &receiver)
        }
    }

    /// Red when `serve` takes the page without the claim: the page of a caller that gave up is lost. Red when `receive` does not
    /// look whether it still had the claim: the same.
    #[test]
    fn loom_a_page_that_arrives_as_its_caller_gives_up_is_delivered_once() {
        loom::model(|| {
            let stream = Arc::new(Stream(Mutex::new((Claims::default(), Some(7)))));
            let claim = stream.start().expect("the first call");
            let (reply, receiver) = oneshot::channel();
            let serving = thread::spawn({
                let stream = Arc::clone(&stream);
                move || stream.serve(claim, reply)
            });
            let second = thread::spawn({
                let stream = Arc::clone(&stream);
                move || stream.call()
            });
            let first = stream.receive(claim, &receiver);
            // The same caller again: nothing of its first call is in its way. Only the second call may be.
            let again = stream.call();
            serving.join().expect("no panic");
            let second = second.join().expect("no panic");
            let left = stream.call();
            let pages: Vec<u32> = [first, again, second, left].into_iter().flatten().collect();
            assert_eq!(pages, [7]);
        });
    }
}
