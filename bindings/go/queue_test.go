package kaleidoscope_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

// The race detector ends a process with more than 8,128 goroutines.
var isRace bool

// maxThreads bounds the threads of the process, however many calls wait: 16 on two cores, which need about ten.
var maxThreads = 12 + 2*runtime.GOMAXPROCS(0)

func threads(t testing.TB) (n int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, after, _ := strings.Cut(string(status), "\nThreads:")
	_, err = fmt.Sscan(after, &n)
	must(t, err)
	return n
}

// eventually waits for a condition, for half a minute at most.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			waiting, submitted, _ := kaleidoscope.QueueState()
			t.Fatalf("not %s: %d calls wait for the queue of %d submitted, %d goroutines, %d threads",
				what, waiting, submitted, runtime.NumGoroutine(), threads(t))
		}
	}
}

func queueIsIdle() bool {
	waiting, _, isDraining := kaleidoscope.QueueState()
	return waiting == 0 && !isDraining
}

// waitTogether makes n calls that wait, checks the threads, and cancels them. Threads that Go once started stay, so the bound holds
// for the start and the end too.
func waitTogether(t *testing.T, n int, call func(context.Context) error) {
	t.Helper()
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	calls.Add(n)
	failures := make(chan error, n)
	for range n {
		go func() { defer calls.Done(); failures <- call(ctx) }()
	}
	eventually(t, "all calls wait", func() bool { waiting, _, _ := kaleidoscope.QueueState(); return waiting == n })
	waiting := threads(t)
	cancel()
	calls.Wait()
	for range n {
		isStatus(t, <-failures, kaleidoscope.ErrCancelled)
	}
	eventually(t, "all goroutines end", func() bool { return queueIsIdle() && runtime.NumGoroutine() <= goroutines })
	t.Logf("%d waiting calls: %d threads; %d after they were cancelled", n, waiting, threads(t))
	if threads(t) > maxThreads {
		t.Errorf("%d threads for %d waiting calls, want at most %d", threads(t), n, maxThreads)
	}
}

func manyCalls() []int {
	if isRace {
		return []int{1, 1000, 6000}
	}
	return []int{1, 1000, 20000}
}

// Red with kal_call: "not all calls wait: 0 calls wait for the queue of 0 submitted"; 1,000 such calls take 1,006 threads.
func TestWaitingCallsOccupyGoroutinesNotThreads(t *testing.T) {
	server, client := hanging(t)
	server.fault(object{"path": "/workspaces/events", "drop": "hang", "times": 0})
	for _, n := range manyCalls() {
		waitTogether(t, n, func(ctx context.Context) error {
			_, err := client.Workspace().Members(ctx) // one request for all
			return err
		})
		waitTogether(t, n, func(ctx context.Context) error {
			_, err := client.Workspace().Events(ctx, nil) // one for each
			return err
		})
	}
}

// Red with kal_stream_next: "not all calls wait: 0 calls wait for the queue of 0 submitted, 1004 goroutines, 1006 threads".
func TestWaitingStreamsOccupyGoroutinesNotThreads(t *testing.T) {
	server := startEmulator(t, "--events", "0")
	server.fault(object{"path": "/workspaces/events", "drop": "hang", "times": 0})
	client := server.open()
	waitTogether(t, 1000, func(ctx context.Context) error {
		for _, err := range client.Workspace().FollowEvents(ctx, nil, "") {
			return err
		}
		return nil
	})
}

// Red when every call is submitted: "the number of submitted calls is 9, want 0".
func TestCachedReadsDoNotGoThroughTheQueue(t *testing.T) {
	client := startEmulator(t).open()
	workspace := client.Workspace()
	members, err := workspace.Members(ctx)
	must(t, err)
	_, before, _ := kaleidoscope.QueueState()
	for range 3 {
		_, err = workspace.Members(ctx)
		must(t, err)
		_, err = workspace.MembersByIDs(ctx, []string{members[0].ID})
		must(t, err)
		_, err = client.Call(ctx, "workspace.get_members", nil)
		must(t, err)
		_, err = workspace.Groups(ctx, kaleidoscope.CacheOnly)
		isStatus(t, err, kaleidoscope.ErrNotFound)
	}
	_, after, _ := kaleidoscope.QueueState()
	equal(t, "the number of submitted calls", after-before, 0)
	stats, err := client.Stats()
	must(t, err)
	equal(t, "Stats.CacheHits", stats.CacheHits, 9)
}

// Red with the goroutine that drains the queue kept: "not idle: 0 calls wait for the queue of 200 submitted, 3 goroutines".
func TestNoGoroutineIsLeftWhenCallsHaveReturned(t *testing.T) {
	client := startEmulator(t).open()
	goroutines := runtime.NumGoroutine()
	var calls sync.WaitGroup
	for range 200 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			if _, err := client.Workspace().Events(ctx, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	calls.Wait()
	eventually(t, "idle", func() bool { return queueIsIdle() && runtime.NumGoroutine() <= goroutines })
}

// blocking is a log handler that does not return before it may, and so keeps the thread that logs.
type blocking struct {
	slog.Handler
	entered, leave chan struct{}
	once           *sync.Once
}

func (b blocking) Enabled(context.Context, slog.Level) bool { return true }
func (b blocking) Handle(context.Context, slog.Record) error {
	b.once.Do(func() { close(b.entered) })
	<-b.leave
	return nil
}

// The library's thread is kept busy, so that nothing completes. Red without a limit to the wait for the completion: the test hangs.
func TestACancelledContextEndsTheWaitWhateverTheLibraryDoes(t *testing.T) {
	client := startEmulator(t).open()
	handler := blocking{slog.DiscardHandler, make(chan struct{}), make(chan struct{}), new(sync.Once)}
	must(t, kaleidoscope.SetLogger(slog.New(handler), slog.LevelDebug))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-handler.entered
		cancel()
	}()
	_, err := client.Workspace().Members(ctx)
	close(handler.leave)
	isStatus(t, err, kaleidoscope.ErrCancelled)
	must(t, kaleidoscope.SetLogger(nil, 0))
	eventually(t, "idle: the completion that nobody waits for is freed", queueIsIdle)
}

// Red without the check for callbacks: the handler waits for the thread that it runs on, and the test hangs.
func TestALogHandlerThatCallsGetsAnErrorAndCachedReads(t *testing.T) {
	client := startEmulator(t).open()
	members, err := client.Workspace().Members(ctx)
	must(t, err)
	var inHandler sync.Once
	must(t, kaleidoscope.SetLogger(slog.New(calling{slog.DiscardHandler, func() {
		inHandler.Do(func() {
			_, err := client.Workspace().Events(ctx, nil)
			isStatus(t, err, kaleidoscope.ErrWouldDeadlock)
			for _, err := range client.Workspace().StreamEvents(ctx, nil) {
				isStatus(t, err, kaleidoscope.ErrWouldDeadlock)
			}
			cached, err := client.Workspace().Members(ctx)
			must(t, err)
			equal(t, "the number of cached members", len(cached), len(members))
		})
	}}), slog.LevelDebug))
	_, err = client.Workspace().Groups(ctx)
	must(t, err)
	must(t, kaleidoscope.SetLogger(nil, 0))
	inHandler.Do(func() { t.Error("nothing was logged") })
}

// Red when a callback waits for a slot like any other call: the test hangs.
func TestACallbackNeedsNoSlotThatItsCallerMayHold(t *testing.T) {
	var client *kaleidoscope.Client
	var refused error
	client = startEmulator(t).open(func(o *kaleidoscope.Options) {
		o.IAPToken = func(context.Context) (string, error) {
			defer kaleidoscope.TakeSlots()()
			for _, err := range client.Workspace().StreamEvents(ctx, nil) {
				refused = err
			}
			return "t", nil
		}
	})
	_, err := client.Workspace().Members(ctx)
	must(t, err)
	isStatus(t, refused, kaleidoscope.ErrWouldDeadlock)
}

type calling struct {
	slog.Handler
	call func()
}

func (c calling) Enabled(context.Context, slog.Level) bool  { return true }
func (c calling) Handle(context.Context, slog.Record) error { c.call(); return nil }
