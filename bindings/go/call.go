package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"errors"
	"math"
	"runtime"
	"time"
)

// The library's default for Options.Timeout.
const defaultTimeout = time.Minute

// CallOption changes how one call is made.
type CallOption interface {
	apply(*callSettings)
}

type callSettings struct {
	options   C.kal_call_options
	interval  FollowInterval
	readAhead ReadAhead
}

// Cache selects how a call uses the client's cache. It is a [CallOption]:
//
//	members, err := client.Workspace().Members(ctx, kaleidoscope.CacheRefresh)
type Cache int32

const (
	CacheUse     Cache = C.KAL_CACHE_USE     // answer from the cache; send a request only on a miss
	CacheRefresh Cache = C.KAL_CACHE_REFRESH // send a request and cache the answer
	CacheOnly    Cache = C.KAL_CACHE_ONLY    // send no request: ErrNotFound on a miss
)

func (c Cache) apply(settings *callSettings) {
	settings.options.cache = C.int32_t(c)
}

// call ties one call of the library to its context.
//
// It opens a cancel handle, which is a number. A context that is done after the call fires a closed handle, which has no effect.
type call struct {
	callSettings
	ctx     context.Context
	stop    func() bool
	bounded bool // the context's deadline is the call's timeout
}

func newCall(ctx context.Context, client *Client, options []CallOption) (*call, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx, "the context was done before the call")
	}
	c := &call{ctx: ctx, stop: func() bool { return true }}
	c.options.struct_size = C.sizeof_kal_call_options
	for _, option := range options {
		option.apply(&c.callSettings)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if left := time.Until(deadline); left < client.timeout {
			c.bounded = true
			c.options.timeout_ms = C.uint32_t(wholeMilliseconds(left))
		}
	}
	if ctx.Done() != nil {
		var failure C.kal_error
		if status := C.kal_cancel_open(&c.options.cancel, &failure); status != C.KAL_OK {
			return nil, takeError(status, failure)
		}
		cancel := c.options.cancel
		c.stop = context.AfterFunc(ctx, func() { C.kal_cancel_fire(cancel) })
	}
	return c, nil
}

func (c *call) end() {
	c.stop()
	C.kal_cancel_close(c.options.cancel)
}

// failed returns the error of the call, with the context's error as a cause where that ended the call.
func (c *call) failed(client *Client, status C.kal_status, failure C.kal_error) error {
	err := takeError(status, failure)
	switch {
	case err.Status == ErrCancelled || err.Status == ErrTimedOut:
		if c.ctx.Err() != nil {
			err.causes = contextCauses(c.ctx)
			if errors.Is(c.ctx.Err(), context.DeadlineExceeded) {
				err.Status = ErrTimedOut
			}
		} else if deadline, _ := c.ctx.Deadline(); c.bounded && !time.Now().Before(deadline) {
			err.causes = contextCauses(c.ctx)
		}
	case err.Status == ErrAuthFailed && err.HTTPStatus == 0 && client.iap != nil:
		if cause := client.iap.failure(); cause != nil {
			err.causes = []error{cause}
		}
	}
	return err
}

// do makes one call; the caller frees the result.
func (c *Client) do(
	ctx context.Context,
	options []CallOption,
	f func(C.kal_client, *C.kal_call_options, *C.kal_result, *C.kal_error) C.kal_status,
) (C.kal_result, error) {
	// Keep the client reachable until the call returns, or its cleanup would close it.
	defer runtime.KeepAlive(c)
	var result C.kal_result
	call, err := newCall(ctx, c, options)
	if err != nil {
		return result, err
	}
	defer call.end()
	var failure C.kal_error
	if status := f(c.handle, &call.options, &result, &failure); status != C.KAL_OK {
		return result, call.failed(c, status, failure)
	}
	return result, nil
}

func contextError(ctx context.Context, message string) *Error {
	err := &Error{Status: ErrCancelled, RetryAfter: -1, Message: message, causes: contextCauses(ctx)}
	if errors.Is(err.causes[0], context.DeadlineExceeded) {
		err.Status = ErrTimedOut
	}
	return err
}

// contextCauses returns why a context is done. If its timer has not fired yet, it is past its deadline.
func contextCauses(ctx context.Context) []error {
	if ctx.Err() == nil {
		return []error{context.DeadlineExceeded}
	}
	causes := []error{ctx.Err()}
	if cause := context.Cause(ctx); cause != ctx.Err() {
		causes = append(causes, cause)
	}
	return causes
}

// wholeMilliseconds rounds up, so that the deadline has passed when the library times out. At least 1, as 0 means the default.
func wholeMilliseconds(d time.Duration) uint32 {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return uint32(min(max(ms, 1), math.MaxUint32))
}
