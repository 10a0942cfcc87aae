package kaleidoscope

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"time"
	"unsafe"
)

// The library's default for Options.Timeout.
const defaultTimeout = time.Minute

// CallOption changes how one call is made.
type CallOption interface {
	apply(*callSettings)
}

type callSettings struct {
	options   C.kal_call_options
	timeout   time.Duration
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

// Timeout is the time for one call, sign-in, retries and waits included, instead of [Options].Timeout, which it may exceed. Of a stream
// it is the time for each request. 0 selects the client's. It is a [CallOption]:
//
//	members, err := client.Workspace().Members(ctx, kaleidoscope.Timeout(5*time.Second))
type Timeout time.Duration

func (t Timeout) apply(settings *callSettings) {
	settings.timeout = time.Duration(t)
}

// call ties one call of the library, or one stream, to its context.
type call struct {
	callSettings
	ctx     context.Context
	client  *Client
	bounded bool // the context's deadline is the call's timeout
	// A stream applies the timeout to each of its requests itself.
	isStream bool
}

func newCall(ctx context.Context, client *Client, options []CallOption) (*call, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx, "the context was done before the call")
	}
	c := &call{ctx: ctx, client: client}
	c.options.struct_size = C.sizeof_kal_call_options
	for _, option := range options {
		option.apply(&c.callSettings)
	}
	switch {
	case c.timeout < 0:
		return nil, invalidArgument("Timeout: must not be negative")
	case c.timeout == 0:
		c.timeout = client.timeout
	}
	if deadline, ok := ctx.Deadline(); ok {
		if left := time.Until(deadline); left < c.timeout {
			c.bounded = true
			c.timeout = left
		}
	}
	c.options.timeout_ms = C.uint32_t(wholeMilliseconds(c.timeout))
	return c, nil
}

// openCancel opens what cancels the call when its context is done: a handle, which is a number.
func (c *call) openCancel(failure *C.kal_error) C.kal_status {
	if c.ctx.Done() == nil {
		return C.KAL_OK
	}
	return C.kal_cancel_open(&c.options.cancel, failure)
}

func (c *call) end() {
	C.kal_cancel_close(c.options.cancel)
}

// failed returns the error of the call, with the context's error as a cause where that ended the call.
func (c *call) failed(status C.kal_status, failure C.kal_error) error {
	err := takeError(status, failure)
	iap := c.client.iap
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
	case err.Status == ErrAuthFailed && err.HTTPStatus == 0 && iap != nil:
		if cause := iap.failure(); cause != nil {
			err.causes = []error{cause}
		}
	}
	return err
}

// method is one of the library's methods. Its name ends with the NUL that C needs.
type method struct {
	name     string
	isCached bool
}

// do makes one call. take copies the answer out of the result, which is freed then. params is JSON, nil for none.
func do[Answer any](
	ctx context.Context, client *Client, m method, params []byte, options []CallOption, take func(C.kal_result) (Answer, error),
) (answer Answer, err error) {
	// Keep the client reachable until the call returns, or its cleanup would close it.
	defer runtime.KeepAlive(client)
	isDirect := false
	if client.logger != nil {
		began := time.Now()
		defer func() { client.log(ctx, m.name, began, err, slog.Bool("cached", isDirect)) }()
	}
	call, err := newCall(ctx, client, options)
	if err != nil {
		return answer, err
	}
	name := (*C.char)(unsafe.Pointer(unsafe.StringData(m.name)))
	text := (*C.char)(unsafe.Pointer(unsafe.SliceData(append(params, 0))))
	var isCached C.int
	if m.isCached {
		isCached = 1
	}
	var result C.kal_result
	var failure C.kal_error
	var status C.kal_status
	direct := func() {
		status = C.kaleidoscope_go_direct(client.handle, name, text, &call.options, isCached, &result, &failure)
	}
	if waitingCalls.Load() < crowd {
		direct()
	} else {
		inLibrary(direct)
	}
	switch status {
	case C.KAL_OK:
		isDirect = true
		defer C.kal_result_free(result)
		return take(result)
	case C.KAL_NOT_READY:
	default:
		return answer, call.failed(status, failure)
	}
	// Each attempt opens and closes its cancel handle among its other calls of the library.
	return submit(call, func(q *completionQueue, number C.uintptr_t, failure *C.kal_error) C.kal_status {
		if status := call.openCancel(failure); status != C.KAL_OK {
			return status
		}
		return C.kaleidoscope_go_submit(client.handle, name, text, &call.options, q.handle, number, failure)
	}, call.end, take)
}

// submit starts a call, or the next page of a stream, and waits for its result. A token that the identity-aware proxy rejected is
// replaced once, as in a call of the library that waits: the next submission requests it.
func submit[Answer any](
	c *call, start func(*completionQueue, C.uintptr_t, *C.kal_error) C.kal_status, end func(), take func(C.kal_result) (Answer, error),
) (answer Answer, err error) {
	q, err := completions()
	if err != nil {
		return answer, err
	}
	began := time.Now()
	for isRepeated := false; ; isRepeated = true {
		done, isComplete := q.submit(c, start)
		inLibrary(func() {
			defer end()
			switch {
			case !isComplete:
				err = contextError(c.ctx, "the context ended the call")
			case done.status == C.KAL_OK:
				defer C.kal_result_free(done.result)
				answer, err = take(done.result)
			case done.status == C.KAL_DONE:
				err = errEnd
			case done.status == C.KAL_NOT_READY:
				err = errNotReady
			default:
				err = c.failed(done.status, done.error)
			}
		})
		if err == nil && c.client.iap != nil {
			c.client.iap.isAccepted.Store(true)
		}
		if isRepeated || !c.client.iap.mayBeRejected(err) || !c.reduceTime(time.Since(began)) {
			return answer, err
		}
	}
}

// reduceTime takes the time that has passed off the call's timeout, and reports whether any is left.
func (c *call) reduceTime(passed time.Duration) bool {
	if c.isStream {
		return true
	}
	if passed >= c.timeout {
		return false
	}
	c.options.timeout_ms = C.uint32_t(wholeMilliseconds(c.timeout - passed))
	return true
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

// wholeMilliseconds rounds up, so that the deadline has passed when the library times out. At least 1, as 0 means the default. The
// largest number is no limit.
func wholeMilliseconds(d time.Duration) uint32 {
	ms := d/time.Millisecond + min(d%time.Millisecond, 1)
	return uint32(min(max(ms, 1), C.KAL_WAIT_FOREVER))
}
