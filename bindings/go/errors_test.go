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

// isStatus returns err as an *Error and fails the test unless it has this status.
func isStatus(t testing.TB, err error, status kaleidoscope.Status) *kaleidoscope.Error {
	t.Helper()
	var e *kaleidoscope.Error
	if !errors.As(err, &e) || !errors.Is(err, status) {
		t.Fatalf("%v (%T) is not an *Error with status %v", err, err, status)
	}
	return e
}

func TestAnErrorCarriesFullDetails(t *testing.T) {
	server := startEmulator(t)
	server.fault(object{"path": "/workspaces/groups", "status": 429, "times": 0,
		"headers": object{"Retry-After": "7"}, "body": `{"code":"slow_down","message":"no"}`})
	_, err := server.open(func(o *kaleidoscope.Options) { o.MaxAttempts = 1 }).Workspace().Groups(ctx)
	e := isStatus(t, err, kaleidoscope.ErrRateLimited)
	equal(t, "HTTPStatus", e.HTTPStatus, 429)
	equal(t, "Attempts", e.Attempts, 1)
	equal(t, "Retryable", e.Retryable, true)
	equal(t, "RetryAfter", e.RetryAfter, 7*time.Second)
	equal(t, "Method", e.Method, "GET")
	equal(t, "URL", e.URL, "/workspaces/groups")
	equal(t, "Code", e.Code, "slow_down")
	equal(t, "the length of RequestID", len(e.RequestID), len("e1611ddd-07c4-44e6-a24c-e771694e8c02"))
	equal(t, "Body", string(e.Body), `{"code":"slow_down","message":"no"}`)
	if e.Message == "" || !strings.Contains(err.Error(), e.Message) || !strings.Contains(err.Error(), "KAL_RATE_LIMITED") {
		t.Errorf("the text does not contain message and status: %v", err)
	}
	if errors.Is(err, kaleidoscope.ErrNotFound) || errors.Is(err, context.Canceled) || os.IsTimeout(err) {
		t.Errorf("%v matches an unrelated status or error", err)
	}
}

func TestAnErrorWithoutAResponseHasNoResponseDetails(t *testing.T) {
	client, err := kaleidoscope.Open(&kaleidoscope.Options{
		BaseURL: "http://127.0.0.1:1", ClientID: "i", ClientSecret: "s", MaxAttempts: 1})
	must(t, err)
	defer client.Close()
	_, err = client.Workspace().Get(ctx)
	e := isStatus(t, err, kaleidoscope.ErrConnectFailed)
	equal(t, "HTTPStatus", e.HTTPStatus, 0)
	equal(t, "RetryAfter", e.RetryAfter, -1)
	if e.Body != nil {
		t.Errorf("Body is %q", e.Body)
	}
}

func TestInvalidArgumentsAreRejectedByName(t *testing.T) {
	server := startEmulator(t)
	for want, change := range map[string]func(*kaleidoscope.Options){
		"ClientSecret":     func(o *kaleidoscope.Options) { o.ClientSecret = "a\x00b" },
		"Headers":          func(o *kaleidoscope.Options) { o.Headers = map[string]string{"X-A": "a\x00"} },
		"Timeout":          func(o *kaleidoscope.Options) { o.Timeout = -1 },
		"MaxAttempts":      func(o *kaleidoscope.Options) { o.MaxAttempts = -1 },
		"MaxResponseBytes": func(o *kaleidoscope.Options) { o.MaxResponseBytes = -1 },
		"base_url":         func(o *kaleidoscope.Options) { o.BaseURL = "gopher://x" },
	} {
		options := server.options()
		change(options)
		_, err := kaleidoscope.Open(options)
		if e := isStatus(t, err, kaleidoscope.ErrInvalidArgument); !strings.Contains(e.Message, want) {
			t.Errorf("%q does not name %s", e.Message, want)
		}
	}
	workspace := server.open().Workspace()
	_, err := workspace.MembersByIDs(ctx, []string{"a", "b\x00c"})
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)
	_, err = workspace.MembersByIDs(ctx, []string{"\xff"})
	isStatus(t, err, kaleidoscope.ErrInvalidUTF8)
	_, err = workspace.Events(ctx, &kaleidoscope.EventsQuery{Page: 1 << 40})
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)
	_, err = workspace.Events(ctx, &kaleidoscope.EventsQuery{ResourceType: "a\x00"})
	isStatus(t, err, kaleidoscope.ErrInvalidArgument)
}

func TestOpenFailsWithoutCredentials(t *testing.T) {
	t.Setenv("KALEIDOSCOPE_API_CLIENT_ID", "")
	t.Setenv("KALEIDOSCOPE_API_CLIENT_SECRET", "")
	_, err := kaleidoscope.Open(nil)
	isStatus(t, err, kaleidoscope.ErrNoCredentials)
}

func TestAClosedClientReturnsErrClosed(t *testing.T) {
	client := startEmulator(t).open()
	must(t, client.Close())
	must(t, client.Close())
	_, err := client.Workspace().Members(ctx)
	isStatus(t, err, kaleidoscope.ErrClosed)
	_, err = client.Stats()
	isStatus(t, err, kaleidoscope.ErrClosed)
	isStatus(t, client.ClearCaches(), kaleidoscope.ErrClosed)
}
