package kaleidoscope_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"kaleidoscope.bio/kaleidoscope"
)

func TestAStreamReturnsEveryEventOnceWithAnyPageNumbering(t *testing.T) {
	for _, options := range [][]string{{"--first-page", "0"}, {"--first-page", "1"}, {"--order", "asc"}} {
		server := startEmulator(t, append(options, "--events", "237")...)
		workspace := server.open().Workspace()
		all, err := workspace.Events(ctx, &kaleidoscope.EventsQuery{PageSize: 1000})
		must(t, err)
		var streamed []kaleidoscope.Event
		for event, err := range workspace.StreamEvents(ctx, &kaleidoscope.EventsQuery{PageSize: 20}) {
			must(t, err)
			streamed = append(streamed, event)
		}
		equal(t, "the number of events", len(streamed), 237)
		same(t, "the stream", ids(streamed), ids(all))
	}
}

// Red when the option is not passed on: the second request is never sent.
func TestAStreamThatReadsAheadRequestsAPageDuringTheLoopBody(t *testing.T) {
	server := startEmulator(t, "--events", "60")
	events, waited := 0, false
	query := &kaleidoscope.EventsQuery{PageSize: 20}
	for page, err := range server.open().Workspace().StreamEventPages(ctx, query, kaleidoscope.ReadAhead(true)) {
		must(t, err)
		if !waited {
			server.waitForRequests("/workspaces/events", 2)
			waited = true
		}
		events += len(page.Events)
	}
	equal(t, "the number of events", events, 60)
}

func TestLeavingAStreamEarlySendsNoMoreRequests(t *testing.T) {
	server := startEmulator(t, "--events", "200")
	for _, err := range server.open().Workspace().StreamEvents(ctx, &kaleidoscope.EventsQuery{PageSize: 10}) {
		must(t, err)
		break
	}
	if n := server.requests("/workspaces/events"); n > 3 {
		t.Errorf("%d requests for one event", n)
	}
}

func TestAStreamContinuesAfterARetryableErrorAndEndsAfterAnyOther(t *testing.T) {
	server := startEmulator(t, "--events", "60")
	workspace := server.open(func(o *kaleidoscope.Options) { o.MaxAttempts = 1 }).Workspace()
	for _, c := range []struct{ status, events, errors int }{{503, 60, 1}, {403, 0, 1}} {
		server.fault(object{"path": "/workspaces/events", "status": c.status})
		events, failures := 0, 0
		for _, err := range workspace.StreamEvents(ctx, &kaleidoscope.EventsQuery{PageSize: 20}) {
			if err != nil {
				isStatus(t, err, kaleidoscope.Status(c.status))
				failures++
				continue
			}
			events++
		}
		equal(t, "the number of events", events, c.events)
		equal(t, "the number of errors", failures, c.errors)
	}
}

// Red with KAL_TIMED_OUT taken for nothing yet: "the number of errors is 0".
func TestARequestThatTimesOutIsAnErrorOfTheStream(t *testing.T) {
	server := startEmulator(t, "--events", "60")
	workspace := server.open(func(o *kaleidoscope.Options) {
		o.MaxAttempts, o.Timeout = 1, time.Second
	}).Workspace()
	server.fault(object{"path": "/workspaces/events", "drop": "hang"})
	events, failures := 0, 0
	for _, err := range workspace.StreamEvents(ctx, &kaleidoscope.EventsQuery{PageSize: 20}) {
		if err != nil {
			isStatus(t, err, kaleidoscope.ErrTimedOut)
			failures++
			continue
		}
		events++
	}
	equal(t, "the number of events", events, 60)
	equal(t, "the number of errors", failures, 1)
}

func TestFollowingReturnsNewEventsAndResumesAtACursor(t *testing.T) {
	server := startEmulator(t, "--events", "30")
	workspace := server.open().Workspace()
	quick := kaleidoscope.FollowInterval{Min: time.Millisecond, Max: 5 * time.Millisecond}
	follow := func(cursor string, pages int, each func(n int, page kaleidoscope.EventPage)) (last string) {
		n := 0
		for page, err := range workspace.FollowEvents(ctx, nil, cursor, quick) {
			must(t, err)
			each(n, page)
			last = page.Cursor
			if n++; n == pages {
				break
			}
		}
		return last
	}
	cursor := follow("", 2, func(n int, page kaleidoscope.EventPage) {
		if n == 0 {
			equal(t, "the number of events on the first page", len(page.Events), 0)
			server.post("events", object{"count": 3})
			return
		}
		equal(t, "the number of new events", len(page.Events), 3)
	})
	server.post("events", object{"count": 2})
	follow(cursor, 1, func(_ int, page kaleidoscope.EventPage) {
		equal(t, "the number of events after the cursor", len(page.Events), 2)
	})
	for _, err := range workspace.FollowEvents(ctx, nil, "no cursor") {
		isStatus(t, err, kaleidoscope.ErrInvalidArgument)
	}
}

func TestFollowingEndsWithItsContext(t *testing.T) {
	workspace := startEmulator(t, "--events", "0").open().Workspace()
	for _, reason := range []error{context.Canceled, context.DeadlineExceeded} {
		ctx, cancel := context.WithCancel(context.Background())
		if reason == context.DeadlineExceeded {
			ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
		}
		defer cancel()
		var last error
		for _, err := range workspace.FollowEvents(ctx, nil, "") {
			if last = err; err == nil && reason == context.Canceled {
				time.AfterFunc(10*time.Millisecond, cancel)
			}
		}
		if !errors.Is(last, reason) {
			t.Errorf("the stream ends with %v, want %v", last, reason)
		}
	}
}
