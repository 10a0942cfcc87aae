package kaleidoscope_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

// hanging returns a client whose requests for members are never answered.
func hanging(t *testing.T) (*emulator, *kaleidoscope.Client) {
	server := startEmulator(t)
	server.fault(object{"path": "/workspaces/members", "drop": "hang", "times": 0})
	return server, server.open()
}

func TestCancellingTheContextEndsAWaitingCall(t *testing.T) {
	server, client := hanging(t)
	reason := errors.New("the user pressed escape")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		server.waitForRequests("/workspaces/members", 1)
		cancel(reason)
	}()
	_, err := client.Workspace().Members(ctx)
	isStatus(t, err, kaleidoscope.ErrCancelled)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, reason) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not contain why the context was cancelled", err)
	}
}

// Red when the call is cancelled at the deadline: "the call was cancelled before the response arrived" does not say what timed out.
func TestTheDeadlineOfTheContextEndsAWaitingCall(t *testing.T) {
	_, client := hanging(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Workspace().Members(ctx)
	e := isStatus(t, err, kaleidoscope.ErrTimedOut)
	if !strings.Contains(e.Message, "timed out after") {
		t.Errorf("%q does not say what timed out", e.Message)
	}
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !os.IsTimeout(err) {
		t.Errorf("%v is not context.DeadlineExceeded", err)
	}
}

func TestTheClientsOwnTimeoutIsNotTheContexts(t *testing.T) {
	server, _ := hanging(t)
	client := server.open(func(o *kaleidoscope.Options) { o.Timeout = 50 * time.Millisecond })
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	_, err := client.Workspace().Members(ctx)
	isStatus(t, err, kaleidoscope.ErrTimedOut)
	if errors.Is(err, context.DeadlineExceeded) || !os.IsTimeout(err) {
		t.Errorf("%v blames the context", err)
	}
}

// Red when the option is ignored: "GET /workspaces/groups: timed out after 1 ms".
func TestTheTimeoutOfACallIsItsOwn(t *testing.T) {
	server, _ := hanging(t)
	client := server.open(func(o *kaleidoscope.Options) { o.Timeout = time.Millisecond })
	_, err := client.Workspace().Groups(ctx, kaleidoscope.Timeout(time.Minute))
	must(t, err)
	client = server.open()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = client.Workspace().Members(ctx, kaleidoscope.Timeout(50*time.Millisecond))
	e := isStatus(t, err, kaleidoscope.ErrTimedOut)
	if errors.Is(err, context.DeadlineExceeded) || !strings.Contains(e.Message, "50 ms") {
		t.Errorf("%v is not the timeout of the call", err)
	}
	server.fault(object{"path": "/workspaces/events", "drop": "hang"})
	for _, err := range client.Workspace().StreamEvents(ctx, nil, kaleidoscope.Timeout(50*time.Millisecond)) {
		isStatus(t, err, kaleidoscope.ErrTimedOut)
		break
	}
	_, err = client.Workspace().Groups(ctx, kaleidoscope.Timeout(-1))
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)
}

func TestNothingIsSentWhenTheContextIsDone(t *testing.T) {
	server := startEmulator(t)
	client := server.open()
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := client.Workspace().Members(cancelled)
	isStatus(t, err, kaleidoscope.ErrCancelled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = client.Workspace().Events(late, nil)
	isStatus(t, err, kaleidoscope.ErrTimedOut)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not context.DeadlineExceeded", err)
	}
	stats, err := client.Stats()
	must(t, err)
	equal(t, "the number of requests", stats.Requests, 0)
}

func TestCancellingOneCallerDoesNotAffectOthersThatShareItsRequest(t *testing.T) {
	server := startEmulator(t)
	server.fault(object{"path": "/workspaces/members", "delay_ms": 300})
	client := server.open()
	answered := make(chan error)
	go func() {
		_, err := client.Workspace().Members(context.Background())
		answered <- err
	}()
	server.waitForRequests("/auth/oauth/token", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := client.Workspace().Members(ctx)
	isStatus(t, err, kaleidoscope.ErrTimedOut)
	must(t, <-answered)
	equal(t, "the number of requests", server.requests("/workspaces/members"), 1)
}

func TestCloseEndsCallsInProgress(t *testing.T) {
	server, client := hanging(t)
	go func() {
		server.waitForRequests("/workspaces/members", 1)
		client.Close()
	}()
	_, err := client.Workspace().Members(context.Background())
	isStatus(t, err, kaleidoscope.ErrCancelled)
	if errors.Is(err, context.Canceled) {
		t.Errorf("%v blames the context", err)
	}
}
