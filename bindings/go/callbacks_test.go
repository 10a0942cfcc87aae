package kaleidoscope_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kaleidoscope.bio/kaleidoscope"
)

func TestTheIAPTokenIsSentAndRequestedOnce(t *testing.T) {
	server := startEmulator(t, "--iap-token", "iap-17")
	var requested atomic.Int32
	client := server.open(func(o *kaleidoscope.Options) {
		o.IAPToken = func(context.Context) (string, error) { requested.Add(1); return "iap-17", nil }
	})
	var calls sync.WaitGroup
	for range 8 {
		calls.Add(1)
		go func() {
			defer calls.Done()
			if _, err := client.Workspace().Events(ctx, nil); err != nil {
				t.Error(err)
			}
		}()
	}
	calls.Wait()
	equal(t, "how often the token was requested", requested.Load(), 1)
}

func TestTheErrorOfTheIAPTokenFunctionIsReturned(t *testing.T) {
	server := startEmulator(t)
	reason := errors.New("no key file")
	for want, token := range map[string]func(context.Context) (string, error){
		"no key file": func(context.Context) (string, error) { return "", reason },
		"panicked":    func(context.Context) (string, error) { panic("oops") },
		"too long":    func(context.Context) (string, error) { return strings.Repeat("x", 1<<20), nil },
	} {
		client := server.open(func(o *kaleidoscope.Options) { o.IAPToken = token })
		_, err := client.Workspace().Members(ctx)
		isStatus(t, err, kaleidoscope.ErrAuthFailed)
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not contain %q", err, want)
		}
		equal(t, "errors.Is the function's error", errors.Is(err, reason), want == "no key file")
	}
}

// Red with one submission only, as the library does not repeat it: "how often a call requests a token is 1, want 2".
func TestAnIAPTokenThatTheProxyRejectsIsReplacedOnce(t *testing.T) {
	server := startEmulator(t, "--iap-token", "iap-17", "--events", "10")
	for name, call := range map[string]func(kaleidoscope.WorkspaceService) error{
		"a call": func(w kaleidoscope.WorkspaceService) error { _, err := w.Members(ctx); return err },
		"a stream": func(w kaleidoscope.WorkspaceService) (last error) {
			for _, err := range w.StreamEvents(ctx, nil) {
				last = err
			}
			return last
		},
	} {
		for _, tokens := range [][]string{{"expired", "iap-17"}, {"expired", "wrong"}} {
			requested := 0
			client := server.open(func(o *kaleidoscope.Options) {
				o.IAPToken = func(context.Context) (string, error) { requested++; return tokens[min(requested, 2)-1], nil }
			})
			err := call(client.Workspace())
			equal(t, name+" succeeds with "+tokens[1], err == nil, tokens[1] == "iap-17")
			equal(t, "how often "+name+" requests a token", requested, 2)
		}
	}
}

// Red with context.Background(): "the value is <nil>, want 17".
func TestTheIAPTokenFunctionReceivesTheContextOfTheCall(t *testing.T) {
	server := startEmulator(t)
	type key struct{}
	values := make(chan any, 1)
	receive := func(o *kaleidoscope.Options) {
		o.IAPToken = func(ctx context.Context) (string, error) { values <- ctx.Value(key{}); return "t", nil }
	}
	ctx := context.WithValue(ctx, key{}, 17)
	_, err := server.open(receive).Workspace().Members(ctx)
	must(t, err)
	equal(t, "the value", <-values, any(17))
	for _, err := range server.open(receive).Workspace().StreamEvents(ctx, nil) {
		must(t, err)
		break
	}
	equal(t, "the value for a stream", <-values, any(17))

	cancelled, cancel := context.WithCancel(ctx)
	client := server.open(func(o *kaleidoscope.Options) {
		o.IAPToken = func(ctx context.Context) (string, error) { cancel(); return "", ctx.Err() }
	})
	_, err = client.Workspace().Members(cancelled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
}

func TestAnIAPTokenFunctionThatUsesItsClientFails(t *testing.T) {
	server := startEmulator(t)
	var client *kaleidoscope.Client
	client = server.open(func(o *kaleidoscope.Options) {
		o.IAPToken = func(context.Context) (string, error) {
			_, err := client.Workspace().Members(ctx)
			return "", err
		}
	})
	_, err := client.Workspace().Members(ctx)
	isStatus(t, err, kaleidoscope.ErrAuthFailed)
	if !errors.Is(err, kaleidoscope.ErrWouldDeadlock) {
		t.Errorf("%v is not ErrWouldDeadlock", err)
	}
}

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

func TestALoggerReceivesItsLevelAndAbove(t *testing.T) {
	server := startEmulator(t)
	logged := func(level slog.Level) string {
		var log lockedBuffer
		must(t, kaleidoscope.SetLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), level))
		_, err := server.open().Workspace().Members(ctx)
		must(t, err)
		must(t, kaleidoscope.SetLogger(nil, 0))
		_, err = server.open().Workspace().Groups(ctx)
		must(t, err)
		return log.String()
	}
	debug := logged(slog.LevelDebug)
	if !strings.Contains(debug, "level=DEBUG") || !strings.Contains(debug, "/workspaces/members") {
		t.Errorf("requests are missing in %q", debug)
	}
	if strings.Contains(debug, "/workspaces/groups") || strings.Contains(debug, "demo-secret") {
		t.Errorf("%q contains a secret or a line logged after SetLogger(nil)", debug)
	}
	if log := logged(slog.LevelError); log != "" {
		t.Errorf("%q was logged at LevelError", log)
	}
}

type traceKey struct{}

// tracing is a handler that adds a value of the call's context, as those for traces do.
type tracing struct{ slog.Handler }

func (h tracing) Handle(ctx context.Context, record slog.Record) error {
	record.AddAttrs(slog.Any("trace", ctx.Value(traceKey{})))
	return h.Handler.Handle(ctx, record)
}

// Red without the call's context: "trace":null; without LogValue: "error":"kaleidoscope: GET …".
func TestTheLoggerOfAClientReceivesTheAttributesAndTheContextOfEachCall(t *testing.T) {
	server := startEmulator(t, "--events", "30")
	server.fault(object{"path": "/workspaces/groups", "status": 404, "times": 0, "body": `{"code":"gone","message":"no"}`})
	var log lockedBuffer
	client := server.open(func(o *kaleidoscope.Options) {
		replace := func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "request_id" || a.Key == "message" {
				return slog.Attr{}
			}
			if a.Value.Kind() == slog.KindDuration {
				a.Value = slog.BoolValue(a.Value.Duration() > 0)
			}
			return a
		}
		o.Logger = slog.New(tracing{slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: replace})})
	})
	ctx := context.WithValue(ctx, traceKey{}, 17)
	workspace := client.Workspace()
	for range 2 {
		_, err := workspace.Members(ctx)
		must(t, err)
	}
	_, err := workspace.Groups(ctx)
	isStatus(t, err, kaleidoscope.ErrNotFound)
	for _, err := range workspace.StreamEventPages(ctx, &kaleidoscope.EventsQuery{PageSize: 20}) {
		must(t, err)
		break
	}
	equal(t, "the log", log.String(), `{"level":"DEBUG","msg":"kaleidoscope call","method":"workspace.get_members","duration":true,"cached":false,"trace":17}
{"level":"DEBUG","msg":"kaleidoscope call","method":"workspace.get_members","duration":true,"cached":true,"trace":17}
{"level":"INFO","msg":"kaleidoscope call failed","method":"workspace.get_groups","duration":true,"error":{"status":"KAL_NOT_FOUND",`+
		`"http_status":404,"attempts":1,"method":"GET","url":"/workspaces/groups","code":"gone","retryable":false},"trace":17}
{"level":"DEBUG","msg":"kaleidoscope call","method":"workspace.stream_events","duration":true,"events":20,"trace":17}
`)
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool  { return true }
func (panicking) Handle(context.Context, slog.Record) error { panic("oops") }

func TestAPanicInALogHandlerDoesNotAffectCalls(t *testing.T) {
	server := startEmulator(t)
	must(t, kaleidoscope.SetLogger(slog.New(panicking{}), slog.LevelDebug))
	_, err := server.open().Workspace().Members(ctx)
	must(t, err)
	must(t, kaleidoscope.SetLogger(nil, 0))
}
