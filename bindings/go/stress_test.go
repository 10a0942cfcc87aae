package kaleidoscope_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

// collectGarbage runs the garbage collector continuously until the test ends.
func collectGarbage(t *testing.T) {
	done := make(chan struct{})
	var collector sync.WaitGroup
	collector.Add(1)
	go func() {
		defer collector.Done()
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
			}
		}
	}()
	t.Cleanup(func() { close(done); collector.Wait() })
}

// Each goroutine uses its own clients and a shared one, with every kind of input and output, and some contexts expire during
// calls. A call must return the correct records or the context's error.
func TestRecordsAndCallsSurviveForcedGarbageCollection(t *testing.T) {
	server := startEmulator(t, "--members", "50", "--groups", "10", "--events", "100")
	must(t, kaleidoscope.SetLogger(slog.New(slog.DiscardHandler), slog.LevelDebug))
	t.Cleanup(func() { kaleidoscope.SetLogger(nil, 0) })
	shared := server.open()
	members, err := shared.Workspace().Members(ctx)
	must(t, err)
	events, err := shared.Workspace().Events(ctx, nil)
	must(t, err)
	collectGarbage(t)

	var workers sync.WaitGroup
	for w := range 16 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for round := range 25 {
				client := shared
				if round%5 == 0 {
					client = server.open(func(o *kaleidoscope.Options) {
						o.Headers = map[string]string{"X-Worker": fmt.Sprint(w), "X-Round": fmt.Sprint(round)}
						o.IAPToken = func(context.Context) (string, error) { return fmt.Sprintf("token-%d-%d", w, round), nil }
					})
				}
				ctx, cancel := context.WithCancel(context.Background())
				if round%3 == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
				}
				err := oneRound(ctx, client.Workspace(), members, events)
				if err != nil && !(round%3 == 0 && errors.Is(err, context.DeadlineExceeded)) {
					t.Errorf("worker %d, round %d: %v", w, round, err)
				}
				cancel()
			}
		}()
	}
	workers.Wait()
}

func oneRound(ctx context.Context, workspace kaleidoscope.WorkspaceService, members []kaleidoscope.Member, events []kaleidoscope.Event) error {
	want := []kaleidoscope.Member{members[3], members[17]}
	found, err := workspace.MembersByIDs(ctx, []string{members[17].ID, members[3].ID, "none"})
	if err != nil {
		return err
	}
	if len(found) != 2 || *found[0].FullName != *want[0].FullName || found[1].ID != want[1].ID {
		return fmt.Errorf("MembersByIDs returned %v", found)
	}
	page, err := workspace.Events(ctx, &kaleidoscope.EventsQuery{PageSize: 100, After: time.Unix(1, 0)})
	if err != nil {
		return err
	}
	if !slices.Equal(ids(page), ids(events)) {
		return fmt.Errorf("Events returned %v", ids(page))
	}
	_, err = workspace.Groups(ctx, kaleidoscope.CacheRefresh)
	return err
}

func TestAnUnreachableClientIsClosedByTheGarbageCollector(t *testing.T) {
	server := startEmulator(t)
	// The release of its token function shows that the client was closed.
	released := make(chan struct{})
	func() {
		held := new([64]byte)
		runtime.AddCleanup(held, func(done chan struct{}) { close(done) }, released)
		options := server.options()
		options.IAPToken = func(context.Context) (string, error) { return string(held[:0]) + "t", nil }
		client, err := kaleidoscope.Open(options)
		must(t, err)
		_, err = client.Workspace().Get(ctx)
		must(t, err)
	}()
	for {
		runtime.GC()
		select {
		case <-released:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// A call keeps its client reachable, even if it holds the last reference.
func TestAClientIsNotClosedDuringItsLastCall(t *testing.T) {
	server := startEmulator(t)
	server.fault(object{"path": "/workspaces/members", "delay_ms": 200})
	collectGarbage(t)
	members, err := unreferenced(t, server).Members(ctx)
	must(t, err)
	equal(t, "the number of members", len(members), 12)
}

func unreferenced(t *testing.T, server *emulator) kaleidoscope.WorkspaceService {
	client, err := kaleidoscope.Open(server.options())
	must(t, err)
	return client.Workspace()
}
