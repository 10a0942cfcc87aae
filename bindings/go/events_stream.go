package kaleidoscope

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"runtime"
	"time"
)

// EventPage is a page of a stream of events.
type EventPage struct {
	Events []Event `json:"events"`
	// Cursor is the position after this page. FollowEvents resumes there, in another process and after any time, without
	// losing or repeating an event. Save it once the page is processed.
	Cursor string `json:"cursor"`
}

// FollowInterval is the poll interval of FollowEvents while there are no new events: it starts at Min and doubles up to Max. 0
// selects the defaults, 1 s and 30 s. It is a [CallOption].
type FollowInterval struct{ Min, Max time.Duration }

func (i FollowInterval) apply(settings *callSettings) {
	settings.interval = i
}

// ReadAhead makes a stream of events request the next pages, up to twelve, while the loop body works on the one before. The default
// is false. It is a [CallOption].
type ReadAhead bool

func (r ReadAhead) apply(settings *callSettings) {
	settings.readAhead = r
}

// StreamEvents returns every matching event exactly once, even while new events arrive. Memory use does not depend on their number.
// The query's Page must be 0; a nil query does not filter.
//
//	for event, err := range client.Workspace().StreamEvents(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(event.ID)
//	}
//
// After a Retryable error the loop may continue: the stream sends the request again and no event is lost. Any other error ends the
// stream. The client's Timeout, or that among the options, applies to each request, the context to the whole stream.
func (s WorkspaceService) StreamEvents(ctx context.Context, query *EventsQuery, options ...CallOption) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for page, err := range s.StreamEventPages(ctx, query, options...) {
			if err != nil && !yield(Event{}, err) {
				return
			}
			for _, event := range page.Events {
				if !yield(event, nil) {
					return
				}
			}
		}
	}
}

// StreamEventPages is like StreamEvents but returns pages, for programs that save the cursor.
func (s WorkspaceService) StreamEventPages(ctx context.Context, query *EventsQuery, options ...CallOption) iter.Seq2[EventPage, error] {
	return s.pages(ctx, "workspace.stream_events", query, options, false,
		func(client C.kal_client, q *C.kal_events_query, o *C.kal_call_options, s *C.kal_stream, e *C.kal_error) C.kal_status {
			return C.kal_workspace_stream_events(client, q, o, s, e)
		})
}

// FollowEvents returns matching events as they happen, until the context is done. It starts at the cursor; without one ("") at the
// query's After; without that at the present. Without a cursor the first page may be empty, so that there is a cursor from the
// start. The query's Page and Before must not be set.
//
//	for page, err := range client.Workspace().FollowEvents(ctx, nil, saved) {
//		if err != nil {
//			log.Print(err)
//			continue
//		}
//		handle(page.Events)
//		save(page.Cursor)
//	}
//
// After a Retryable error the loop may continue: the stream sends the request again after a wait and no event is lost. Any other
// error ends the stream.
func (s WorkspaceService) FollowEvents(ctx context.Context, query *EventsQuery, cursor string, options ...CallOption) iter.Seq2[EventPage, error] {
	return s.pages(ctx, "workspace.follow_events", query, options, cursor == "",
		func(client C.kal_client, q *C.kal_events_query, o *C.kal_call_options, s *C.kal_stream, e *C.kal_error) C.kal_status {
			in := &inputs{}
			defer in.free()
			return C.kal_workspace_follow_events(client, q, in.text("cursor", cursor), o, s, e)
		})
}

type openStream func(C.kal_client, *C.kal_events_query, *C.kal_call_options, *C.kal_stream, *C.kal_error) C.kal_status

// pages opens a new stream for every range loop. With emptyFirst, the first page does not wait for new events and is returned even
// if it is empty.
func (s WorkspaceService) pages(
	ctx context.Context, name string, query *EventsQuery, options []CallOption, emptyFirst bool, open openStream,
) iter.Seq2[EventPage, error] {
	return func(yield func(EventPage, error) bool) {
		defer runtime.KeepAlive(s.client)
		call, err := newCall(ctx, s.client, options)
		if err != nil {
			yield(EventPage{}, err)
			return
		}
		call.isStream = true
		var stream C.kal_stream
		inLibrary(func() { stream, err = call.openStream(query, open) })
		defer inLibrary(func() {
			C.kal_stream_free(stream)
			call.end()
		})
		if err != nil {
			yield(EventPage{}, err)
			return
		}
		for first := emptyFirst; ; first = false {
			began := time.Now()
			page, err := call.nextPage(stream, first)
			if err != errEnd {
				s.client.log(ctx, name, began, err, slog.Int("events", len(page.Events)))
			}
			switch {
			case err == errEnd:
				return
			case err != nil:
				var e *Error
				if !yield(EventPage{}, err) || ctx.Err() != nil || !errors.As(err, &e) || !e.Retryable {
					return
				}
			case !yield(page, nil):
				return
			}
		}
	}
}

func (c *call) openStream(query *EventsQuery, open openStream) (C.kal_stream, error) {
	in := &inputs{}
	defer in.free()
	q := query.toC(in)
	var stream C.kal_stream
	if in.err != nil {
		return stream, in.err
	}
	shortest, longest := in.timeout("FollowInterval.Min", c.interval.Min), in.timeout("FollowInterval.Max", c.interval.Max)
	if in.err != nil {
		return stream, in.err
	}
	var failure C.kal_error
	if status := c.openCancel(&failure); status != C.KAL_OK {
		return stream, takeError(status, failure)
	}
	if status := open(c.client.handle, &q, &c.options, &stream, &failure); status != C.KAL_OK {
		return stream, c.failed(status, failure)
	}
	if status := C.kal_stream_set_backoff(stream, C.uint32_t(shortest), C.uint32_t(longest), &failure); status != C.KAL_OK {
		C.kal_stream_free(stream)
		return C.kal_stream{}, c.failed(status, failure)
	}
	if c.readAhead {
		if status := C.kal_stream_set_read_ahead(stream, 12, &failure); status != C.KAL_OK {
			C.kal_stream_free(stream)
			return C.kal_stream{}, c.failed(status, failure)
		}
	}
	return stream, nil
}

// These are not returned to callers.
var (
	errEnd      = errors.New("the stream has ended")
	errNotReady = errors.New("the stream has no new event yet")
)

func (c *call) nextPage(stream C.kal_stream, evenEmpty bool) (EventPage, error) {
	for {
		wait := C.uint32_t(C.KAL_WAIT_FOREVER)
		if deadline, ok := c.ctx.Deadline(); ok {
			wait = C.uint32_t(wholeMilliseconds(time.Until(deadline)))
		}
		if evenEmpty {
			wait = 0
		}
		page, err := c.next(stream, wait)
		switch {
		case err != errNotReady:
			return page, err
		case evenEmpty:
			return EventPage{Cursor: C.GoString(C.kal_stream_cursor(stream))}, nil
		}
		if deadline, ok := c.ctx.Deadline(); ok && !time.Now().Before(deadline) {
			return EventPage{}, contextError(c.ctx, "the context's deadline expired before the next event")
		}
	}
}

// next waits for the next page of a stream.
func (c *call) next(stream C.kal_stream, wait C.uint32_t) (EventPage, error) {
	return submit(c, func(q *completionQueue, number C.uintptr_t, failure *C.kal_error) C.kal_status {
		return C.kaleidoscope_go_submit_next(stream, wait, q.handle, number, failure)
	}, func() {}, func(result C.kal_result) (EventPage, error) {
		events, err := takeEvents(result)
		return EventPage{events, C.GoString(C.kal_stream_cursor(stream))}, err
	})
}
