//! What signal handlers ask for. A handler may have interrupted any code, a holder of locks included: it stores a number and
//! wakes the I/O thread, which does the rest. A call that is made later serves what the I/O thread has not.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{OccupyStandard, PerProcess};
use crate::error::{Error, Result};
use crate::platform::{Listener, Wake};

/// The numbers that can wait at one time.
const MAX_WAITING: usize = 64;

/// Numbers that wait; 0 is none.
static WAITING: [AtomicU64; MAX_WAITING] = [const { AtomicU64::new(0) }; MAX_WAITING];
static IS_WAITING: AtomicBool = AtomicBool::new(false);

static SERVICE: PerProcess<OnceLock<Service>> = PerProcess::new();

struct Service {
    /// Never closed: a handler may be about to use it.
    wake: Wake,
    serve: fn(u64),
}

/// Stores `number`, which is not 0, and wakes the I/O thread. Async-signal-safe: atomic operations and [`Wake::wake`]. Without room,
/// it does nothing.
pub(crate) fn request(number: u64) {
    let is_stored = WAITING.iter().any(|slot| {
        slot.load(Ordering::SeqCst) == number
            || slot.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    });
    if is_stored {
        IS_WAITING.store(true, Ordering::SeqCst);
        if let Some(service) = service() {
            service.wake.wake();
        }
    }
}

/// Makes room where `number` waits: nothing uses it any more.
pub(crate) fn forget(number: u64) {
    if IS_WAITING.load(Ordering::Relaxed) {
        for slot in &WAITING {
            let _ = slot.compare_exchange(number, 0, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// Passes the numbers that wait to the function that serves them.
pub(crate) fn serve() {
    if !IS_WAITING.load(Ordering::Relaxed) {
        return;
    }
    let Some(service) = service() else { return };
    IS_WAITING.store(false, Ordering::SeqCst);
    for slot in &WAITING {
        let number = slot.swap(0, Ordering::SeqCst);
        if number != 0 {
            (service.serve)(number);
        }
    }
}

/// Sets the function that serves the numbers, unless there is one. Returns whether there was none.
pub(super) fn open(serve: fn(u64)) -> Result<bool> {
    if service().is_some() {
        return Ok(false);
    }
    let _occupied = OccupyStandard::new();
    let wake = Wake::new()
        .map_err(|error| Error::out_of_resources(format!("cannot create the sockets for signal handlers: {error}")))?;
    Ok(SERVICE.get().is_some_and(|service| service.set(Service { wake, serve }).is_ok()))
}

/// Serves signal handlers on the I/O thread. Returns at once if none can ask for anything.
pub(super) async fn watch() {
    let Some(service) = service() else { return };
    serve();
    let Ok(listener) = listen(&service.wake) else {
        log::warn!("signal handlers cannot wake the library's thread");
        return;
    };
    while listener.woken().await.is_ok() {
        serve();
    }
}

fn listen(wake: &Wake) -> std::io::Result<Listener> {
    let _occupied = OccupyStandard::new();
    wake.listen()
}

fn service() -> Option<&'static Service> {
    SERVICE.get_initialized()?.get()
}

#[cfg(all(test, not(kal_loom)))]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static SERVED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

    /// What was served since the last time.
    fn served() -> Vec<u64> {
        std::mem::take(&mut SERVED.lock().expect("no panic"))
    }

    /// Red when a number takes a slot each time: the first ones are served twice, and the last ones not at all. Red when a number that
    /// is forgotten keeps its slot.
    #[test]
    fn each_number_is_served_once_however_often_it_was_stored() {
        assert!(open(|number| SERVED.lock().expect("no panic").push(number)).expect("a descriptor"));
        assert!(!open(|_| ()).expect("no other"));
        let numbers: Vec<u64> = (1..=MAX_WAITING as u64).collect();
        for number in &numbers {
            request(*number);
            request(*number);
        }
        request(u64::MAX);
        serve();
        assert_eq!(served(), numbers);
        serve();
        assert_eq!(served(), [0; 0]);
        request(u64::MAX);
        serve();
        assert_eq!(served(), [u64::MAX]);
        for number in &numbers {
            request(*number);
        }
        forget(7);
        request(u64::MAX);
        serve();
        let last = served();
        assert!(last.contains(&u64::MAX) && !last.contains(&7), "{last:?}");
    }
}
