//! Sign-in: which token requests are sent, and what happens when tokens expire early.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use common::{client, emulator, get, settings, wait_for};
use kal_emulator::{Config, DropPoint, Emulator, Fault};
use kaleidoscope::service::Params;
use kaleidoscope::service::workspace::{GET_EVENTS, GET_MEMBERS};
use kaleidoscope::{Answer, CallOptions, Client, ErrorKind, IapTokenProvider, Result, Settings};

const TOKEN: &str = "/auth/oauth/token";

/// The grants of the token requests, in order.
fn grants(emulator: &Emulator) -> Vec<String> {
    let tokens = emulator.requests().into_iter().filter(|request| request.path == TOKEN);
    tokens.map(|request| request.body.split('&').next().unwrap_or_default().replace("grant_type=", "")).collect()
}

#[test]
fn sequential_calls_sign_in_once_over_one_connection() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for _ in 0..50 {
        get(&client, &GET_EVENTS).expect("events");
    }
    assert_eq!(grants(&emulator), ["client_credentials"]);
    assert_eq!(emulator.counts().connections, 1);
}

#[test]
fn threads_without_a_token_share_one_sign_in() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| get(&client, &GET_EVENTS).expect("events"));
        }
    });
    assert_eq!(grants(&emulator), ["client_credentials"]);
}

#[test]
fn a_short_lived_token_is_not_refreshed_before_every_call() {
    // The Python client refreshes before every call if the lifetime is 600 s or less.
    let emulator = emulator(Config { expires_in: 300, ..Config::default() });
    let client = client(&emulator);
    for _ in 0..5 {
        get(&client, &GET_EVENTS).expect("events");
    }
    assert_eq!(grants(&emulator), ["client_credentials"]);
}

#[test]
fn a_call_whose_token_expired_early_is_replayed_once_with_a_new_token() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    get(&client, &GET_EVENTS).expect("events");
    emulator.expire_tokens();
    get(&client, &GET_EVENTS).expect("events, after one replay");
    assert_eq!(grants(&emulator), ["client_credentials", "refresh_token"]);
    assert_eq!(emulator.counts().paths["/workspaces/events"], 3);
}

#[test]
fn threads_whose_token_expired_share_one_refresh() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    get(&client, &GET_EVENTS).expect("events");
    emulator.expire_tokens();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| get(&client, &GET_EVENTS).expect("events"));
        }
    });
    assert_eq!(grants(&emulator), ["client_credentials", "refresh_token"]);
    assert_eq!(emulator.counts().reused_refresh_tokens, 0);
}

#[test]
fn a_call_rejected_again_after_the_replay_is_unauthorized() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on("/workspaces/events").status(401).times(0));
    let error = get(&client(&emulator), &GET_EVENTS).expect_err("refused");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Http, Some(401)));
    assert_eq!(error.details().attempts, 2);
    assert_eq!(emulator.counts().paths["/workspaces/events"], 2);
}

#[test]
fn a_rejected_refresh_falls_back_to_the_credentials() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    get(&client, &GET_EVENTS).expect("events");
    emulator.expire_tokens();
    emulator.revoke_refresh_tokens();
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(grants(&emulator), ["client_credentials", "refresh_token", "client_credentials"]);
}

#[test]
fn a_failed_refresh_is_never_retried() {
    for fault in [
        Fault::on(TOKEN).status(503),
        Fault::on(TOKEN).drop_connection(DropPoint::Before),
        Fault::on(TOKEN).drop_connection(DropPoint::Headers),
        Fault::on(TOKEN).drop_connection(DropPoint::Body),
        Fault::on(TOKEN).status(200).body("<html>"),
    ] {
        let emulator = emulator(Config::default());
        let client = client(&emulator);
        get(&client, &GET_EVENTS).expect("events");
        emulator.expire_tokens();
        emulator.fault(fault.clone());
        get(&client, &GET_EVENTS).expect("events");
        assert_eq!(grants(&emulator), ["client_credentials", "refresh_token", "client_credentials"], "{fault:?}");
        assert_eq!(emulator.counts().reused_refresh_tokens, 0);
    }
}

#[test]
fn rejected_credentials_are_reported_with_the_servers_message() {
    let emulator = emulator(Config::default());
    let wrong = Settings { client_secret: Some("canary-secret".to_owned().into()), ..settings(&emulator) };
    let error = get(&Client::open(wrong).expect("good settings"), &GET_EVENTS).expect_err("refused");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::AuthFailed, Some(401)));
    assert_eq!(error.details().code.as_deref(), Some("invalid_client"));
    assert_eq!(error.details().url.as_deref(), Some(TOKEN));
    assert!(!format!("{error:?}").contains("canary"));
    assert_eq!(grants(&emulator).len(), 1, "a rejected sign-in is not retried");
}

#[test]
fn a_busy_token_endpoint_is_retried() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(TOKEN).status(503).times(2));
    get(&client(&emulator), &GET_EVENTS).expect("events");
    assert_eq!(grants(&emulator).len(), 3);
}

fn get_within(client: &Client, timeout: Duration) -> Result<Arc<Answer>> {
    client.call(Params::new(&GET_EVENTS), &CallOptions { timeout: Some(timeout), ..CallOptions::default() })
}

/// Red with a limit of half the call's timeout: "the token endpoint did not answer in time", after a second request.
#[test]
fn a_sign_in_may_take_most_of_a_calls_timeout() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(TOKEN).delay(Duration::from_secs(3)).times(0));
    let timeout = Some(Duration::from_secs(5));
    let client = Client::open(Settings { timeout, ..settings(&emulator) }).expect("good settings");
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(grants(&emulator), ["client_credentials"]);
    // So may a refresh.
    emulator.expire_tokens();
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(grants(&emulator), ["client_credentials", "refresh_token"]);
}

/// Callers with shorter and longer timeouts than the client's, before and after it: each has its own deadline, and one request
/// serves all. Red when a sign-in ends at the client's timeout, or at that of the caller that started it: all have "the token
/// endpoint did not answer in time" after a second.
#[test]
fn a_sign_in_continues_until_the_last_waiters_deadline() {
    let emulator = emulator(Config::default());
    let token_time = Duration::from_secs(3);
    emulator.fault(Fault::on(TOKEN).delay(token_time).times(0));
    let timeout = Some(Duration::from_secs(1));
    let client = Client::open(Settings { timeout, ..settings(&emulator) }).expect("good settings");
    let (brief, long) = (Duration::from_millis(900), Duration::from_secs(30));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| get(&client, &GET_EVENTS));
        wait_for("the token request", || !grants(&emulator).is_empty());
        let joined = [brief, long, brief, long].map(|timeout| {
            (
                timeout,
                scope.spawn({
                    let client = &client;
                    move || {
                        let begun = Instant::now();
                        (get_within(client, timeout), begun.elapsed())
                    }
                }),
            )
        });
        let error = first.join().expect("no panic").expect_err("the client's second is over");
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        // A caller that joins after those that started it have left.
        let late = scope.spawn(|| get_within(&client, long));
        let cached = scope.spawn(|| {
            let options = CallOptions { timeout: Some(long), ..CallOptions::default() };
            client.call(Params::new(&GET_MEMBERS), &options)
        });
        for (timeout, joined) in joined {
            let (outcome, took) = joined.join().expect("no panic");
            assert_eq!(outcome.err().map(|error| error.kind()), (timeout == brief).then_some(ErrorKind::TimedOut));
            assert!(took >= timeout.min(brief), "{took:?} of {timeout:?}");
        }
        late.join().expect("no panic").expect("events");
        cached.join().expect("no panic").expect("members");
    });
    assert_eq!(grants(&emulator), ["client_credentials"]);
}

/// If no caller has time for the next attempt of a sign-in, its last failure is reported; a caller that has time waits for the
/// attempt; and one that times out earlier reports the last failure. Red when the client's timeout decides: "the call's time was
/// up", and no mention of the 503.
#[test]
fn a_failed_sign_in_is_reported_to_callers_without_time_for_a_retry() {
    let emulator = emulator(Config::default());
    let retry_wait = Some(Duration::from_secs(4));
    let client = Client::open(Settings { retry_wait, ..settings(&emulator) }).expect("good settings");
    emulator.fault(Fault::on(TOKEN).status(503).times(2));
    let brief = Duration::from_millis(1_500);
    let error = get_within(&client, brief).expect_err("it has no time");
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::AuthFailed, Some(503)), "{error}");
    std::thread::scope(|scope| {
        let patient = scope.spawn(|| get_within(&client, Duration::from_secs(30)));
        wait_for("the token request", || grants(&emulator).len() == 2);
        if let Err(error) = get_within(&client, brief) {
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            assert!(error.to_string().contains("503"), "{error}");
        }
        patient.join().expect("no panic").expect("events");
    });
    assert_eq!(grants(&emulator).len(), 3);
}

/// Red without a second request in parallel: "the call's time was up".
#[test]
fn a_hanging_token_request_is_backed_up_by_a_second_one() {
    let emulator = emulator(Config::default());
    emulator.fault(Fault::on(TOKEN).drop_connection(DropPoint::Hang));
    get_within(&client(&emulator), Duration::from_secs(40)).expect("events");
    assert_eq!(grants(&emulator), ["client_credentials", "client_credentials"]);
}

/// The call's timeout applies, not the client's. Red with half the client's timeout: "the call's time was up before an answer
/// came".
#[test]
fn a_hanging_refresh_leaves_time_for_the_credentials() {
    let emulator = emulator(Config::default());
    let client = client(&emulator);
    for fault in [Fault::on(TOKEN).drop_connection(DropPoint::Hang), Fault::on(TOKEN).delay(Duration::from_secs(20))] {
        emulator.reset();
        get(&client, &GET_EVENTS).expect("events");
        emulator.expire_tokens();
        emulator.fault(fault);
        get_within(&client, Duration::from_secs(4)).expect("events");
        assert_eq!(grants(&emulator).last().map(String::as_str), Some("client_credentials"));
        assert_eq!(emulator.counts().reused_refresh_tokens, 0);
    }
}

/// In the last tenth of its lifetime a token is replaced in the background. Calls are not affected if that fails or hangs; not
/// every call starts another attempt; and only after the token has expired do they wait for the sign-in. Red when calls wait for
/// the request: "sign-in failed: POST /auth/oauth/token failed with status 503", and none during the one that hangs.
#[test]
fn a_valid_token_is_used_while_its_background_refresh_fails() {
    const LIFETIME: Duration = Duration::from_secs(10);
    let faults = [
        Fault::on(TOKEN).status(503),
        Fault::on(TOKEN).status(503).header("retry-after", "3600"),
        Fault::on(TOKEN).status(400),
        Fault::on(TOKEN).drop_connection(DropPoint::Before),
        Fault::on(TOKEN).drop_connection(DropPoint::Hang),
    ];
    std::thread::scope(|scope| {
        for fault in faults {
            scope.spawn(move || {
                let emulator = emulator(Config { expires_in: LIFETIME.as_secs(), ..Config::default() });
                let timeout = Some(Duration::from_secs(5));
                let once = Settings { max_attempts: Some(1), timeout, ..settings(&emulator) };
                let client = Client::open(once).expect("good settings");
                let begun = Instant::now();
                get(&client, &GET_EVENTS).expect("events");
                emulator.fault(fault.clone().times(0));
                std::thread::sleep(LIFETIME * 85 / 100);
                let mut beside = 0;
                loop {
                    let outcome = get(&client, &GET_EVENTS);
                    // The token lives longer than that, as it was requested later.
                    if begun.elapsed() >= LIFETIME {
                        break;
                    }
                    outcome.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
                    beside += u32::from(grants(&emulator).len() > 1);
                }
                assert!(beside > 10, "{beside} calls while the token was due for replacement");
                assert!(grants(&emulator).len() <= 4, "{fault:?}: {:?}", grants(&emulator));
                emulator.reset();
                // Calls that waited for the hanging request may still fail with it.
                let patience = Instant::now() + Duration::from_secs(60);
                while let Err(error) = get(&client, &GET_EVENTS) {
                    assert!(Instant::now() < patience, "{fault:?}: {error}");
                }
                assert_eq!(emulator.counts().reused_refresh_tokens, 0);
            });
        }
    });
}

/// The pause after a failed refresh applies only while the token is valid.
#[test]
fn a_token_rejected_during_the_pause_is_replaced_at_once() {
    let emulator = emulator(Config { expires_in: 10, ..Config::default() });
    let client = Client::open(Settings { max_attempts: Some(1), ..settings(&emulator) }).expect("good settings");
    get(&client, &GET_EVENTS).expect("events");
    emulator.fault(Fault::on(TOKEN).status(503).header("retry-after", "3600").times(2));
    wait_for("the refresh and the credentials", || {
        // This fails if the machine stalled during the token's last second.
        let _ = get(&client, &GET_EVENTS);
        grants(&emulator).len() == 3
    });
    emulator.expire_tokens();
    get(&client, &GET_EVENTS).expect("events");
    assert_eq!(grants(&emulator), ["client_credentials", "refresh_token", "client_credentials", "client_credentials"]);
}

struct Provider {
    token: &'static str,
    asked: AtomicUsize,
    thread: std::thread::ThreadId,
}

impl IapTokenProvider for Provider {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        assert_eq!(std::thread::current().id(), self.thread, "the caller's own thread");
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.token.is_empty() { Err("no account".into()) } else { Ok(self.token.to_owned().into()) }
    }
}

#[test]
fn the_proxys_token_is_requested_once_and_sent_with_every_request() {
    let emulator = emulator(Config { iap_token: Some("iap-token".into()), ..Config::default() });
    let thread = std::thread::current().id();
    let provider = Arc::new(Provider { token: "iap-token", asked: AtomicUsize::new(0), thread });
    let iap: Arc<dyn IapTokenProvider> = provider.clone();
    let client = Client::open(Settings { iap: Some(iap), ..settings(&emulator) }).expect("good settings");
    get(&client, &GET_MEMBERS).expect("members");
    get(&client, &GET_EVENTS).expect("events");
    get(&client, &GET_MEMBERS).expect("cached members");
    assert_eq!(provider.asked.load(Ordering::Relaxed), 1);
    assert!(emulator.requests().iter().all(|request| request.header("authorization") == Some("Bearer iap-token")));
}

#[test]
fn a_provider_that_fails_fails_the_call() {
    let emulator = emulator(Config::default());
    let thread = std::thread::current().id();
    let iap: Arc<dyn IapTokenProvider> = Arc::new(Provider { token: "", asked: AtomicUsize::new(0), thread });
    let client = Client::open(Settings { iap: Some(iap), ..settings(&emulator) }).expect("good settings");
    let error = get(&client, &GET_MEMBERS).expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::AuthFailed);
    assert!(error.to_string().contains("no account"), "{error}");
    assert_eq!(emulator.counts().total, 0);
}

/// What a test's provider does.
type Act = Box<dyn FnOnce() -> Result<secrecy::SecretString, String> + Send>;

/// A provider with a scripted action for each call.
struct Acts(Mutex<mpsc::Receiver<Act>>);

impl Acts {
    fn client(emulator: &Emulator) -> (Client, mpsc::Sender<Act>) {
        let (tell, told) = mpsc::channel();
        let iap: Arc<dyn IapTokenProvider> = Arc::new(Self(Mutex::new(told)));
        (Client::open(Settings { iap: Some(iap), ..settings(emulator) }).expect("good settings"), tell)
    }
}

impl IapTokenProvider for Acts {
    fn token(&self) -> Result<secrecy::SecretString, String> {
        let act = self.0.lock().expect("no panic").try_recv().expect("something to do");
        act()
    }
}

fn fine() -> secrecy::SecretString {
    "iap-token".to_owned().into()
}

/// Red when a panic leaves the provider marked as running: "it did not return", for every later call.
#[test]
fn a_provider_that_panics_leaves_no_caller_waiting() {
    let emulator = emulator(Config::default());
    let (client, tell) = Acts::client(&emulator);
    let (entered, is_in) = mpsc::channel();
    let (let_go, wait) = mpsc::channel::<()>();
    let act: Act = Box::new(move || {
        entered.send(()).expect("a test");
        wait.recv().expect("a test");
        panic!("seen by the test of providers")
    });
    tell.send(act).expect("a provider");
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| get(&client, &GET_EVENTS));
        is_in.recv().expect("it asks");
        let waiting = scope.spawn(|| get(&client, &GET_MEMBERS));
        // Whether it already waits, or calls the provider itself after the panic: it ends.
        tell.send(Box::new(|| Ok(fine()))).expect("a provider");
        let_go.send(()).expect("a provider");
        assert!(asking.join().is_err());
        if let Err(error) = waiting.join().expect("no panic") {
            assert_eq!(error.kind(), ErrorKind::AuthFailed);
            assert!(error.to_string().contains("iap_token_provider: it did not return"), "{error}");
            get(&client, &GET_EVENTS).expect("events");
        }
    });
    // That thread can make calls again.
    get(&client, &GET_MEMBERS).expect("members");
}

/// Red when only the C boundary detects a call within a provider: the call waited for itself until it timed out.
#[test]
fn a_call_from_within_a_provider_is_rejected() {
    let emulator = emulator(Config::default());
    let (client, tell) = Acts::client(&emulator);
    let within = client.clone();
    let act: Act = Box::new(move || {
        let error = get(&within, &GET_EVENTS).expect_err("it would wait for itself");
        assert_eq!(error.kind(), ErrorKind::WouldDeadlock);
        Ok(fine())
    });
    tell.send(act).expect("a provider");
    get(&client, &GET_EVENTS).expect("events");
}
