package kaleidoscope

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// How long a call whose context is done waits for the library's own error, which has the details of the attempts. The library
// completes a cancelled call at once, unless its thread is busy.
const cancelGrace = 50 * time.Millisecond

// Go starts another thread for the other goroutines when one stays in C for longer than 20 µs, and keeps it. Of thousands of goroutines
// that start or end together, many would.
var slots = make(chan struct{}, runtime.GOMAXPROCS(0))

// How many calls wait when a call that need not wait takes a slot as well.
const crowd = 64

var waitingCalls atomic.Int64

// inLibrary makes short calls of the library, on as many goroutines at a time as Go runs at once.
func inLibrary(calls func()) {
	select {
	case slots <- struct{}{}:
	default:
		if !waitForSlot() {
			calls()
			return
		}
	}
	calls()
	<-slots
}

// waitForSlot returns false in a callback of the library while all slots are taken: callers that run a callback hold one.
func waitForSlot() bool {
	patience := time.NewTicker(100 * time.Millisecond)
	defer patience.Stop()
	for {
		select {
		case slots <- struct{}{}:
			return true
		case <-patience.C:
			if C.kaleidoscope_go_in_callback() != 0 {
				return false
			}
		}
	}
}

// completion is how a submitted call ended. Its result and error have to be freed.
type completion struct {
	status C.kal_status
	result C.kal_result
	error  C.kal_error
}

func (c completion) free() {
	C.kal_result_free(c.result)
	C.kal_error_free(c.error)
}

// submission is a submitted call that has not completed yet. The library knows it by its number.
type submission struct {
	number uintptr
	ctx    context.Context
	done   chan completion // of one element: sending never blocks
}

// completionQueue is the queue of all submitted calls of the process. A waiting call occupies a goroutine, not a thread: one
// goroutine waits in Go's poller for the queue's descriptor and passes the completions on. It runs while there are calls in flight.
type completionQueue struct {
	handle C.kal_queue
	file   *os.File
	conn   syscall.RawConn

	mutex    sync.Mutex
	waiting  map[uintptr]*submission
	last     uintptr
	inFlight int // submitted, and not picked up. Negative while a call has completed before it is counted
	draining bool
}

var (
	queueMutex sync.Mutex
	theQueue   *completionQueue
)

// completions returns the queue, and opens it first if there is none yet.
func completions() (*completionQueue, error) {
	queueMutex.Lock()
	defer queueMutex.Unlock()
	if theQueue != nil {
		return theQueue, nil
	}
	q := &completionQueue{waiting: map[uintptr]*submission{}}
	var failure C.kal_error
	if status := C.kal_queue_open(&q.handle, &failure); status != C.KAL_OK {
		return nil, takeError(status, failure)
	}
	descriptor, errno := C.kaleidoscope_go_descriptor(q.handle)
	if descriptor < 0 {
		C.kal_queue_close(q.handle)
		return nil, &Error{Status: ErrOutOfResources, Retryable: true, RetryAfter: -1, Message: "cannot wait for completions", causes: []error{errno}}
	}
	q.file = os.NewFile(uintptr(descriptor), "kal_queue")
	var err error
	if q.conn, err = q.file.SyscallConn(); err != nil {
		C.kal_queue_close(q.handle)
		return nil, &Error{Status: ErrInternal, RetryAfter: -1, Message: "cannot wait for completions", causes: []error{err}}
	}
	theQueue = q
	return q, nil
}

// submit starts a call and waits until it completes or its context is done, which cancels it. It reports whether it completed.
func (q *completionQueue) submit(
	c *call, start func(*completionQueue, C.uintptr_t, *C.kal_error) C.kal_status,
) (done completion, isComplete bool) {
	s := q.register(c.ctx)
	submit := func() { done.status = start(q, C.uintptr_t(s.number), &done.error) }
	if c.client.iap == nil {
		inLibrary(submit)
	} else {
		// The application's token function may run in it, and may take its time.
		submit()
	}
	if done.status != C.KAL_OK {
		q.forget(s)
		return done, true
	}
	q.count()
	select {
	case done := <-s.done:
		return done, true
	case <-c.ctx.Done():
	}
	fire := func() { C.kal_cancel_fire(c.options.cancel) }
	// At the deadline the library ends the call by itself, with an error that says what it was waiting for.
	if !c.bounded || !errors.Is(c.ctx.Err(), context.DeadlineExceeded) {
		inLibrary(fire)
	}
	grace := time.NewTimer(cancelGrace)
	defer grace.Stop()
	select {
	case done := <-s.done:
		return done, true
	case <-grace.C:
	}
	inLibrary(fire)
	if q.forget(s) {
		return done, false
	}
	return <-s.done, true
}

func (q *completionQueue) register(ctx context.Context) *submission {
	s := &submission{ctx: ctx, done: make(chan completion, 1)}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.last++
	s.number = q.last
	q.waiting[s.number] = s
	waitingCalls.Store(int64(len(q.waiting)))
	return s
}

// forget reports whether the call was still waiting. Nobody receives its completion then.
func (q *completionQueue) forget(s *submission) bool {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	_, waiting := q.waiting[s.number]
	delete(q.waiting, s.number)
	waitingCalls.Store(int64(len(q.waiting)))
	return waiting
}

// context returns the context of a call in progress.
func (q *completionQueue) context(number uintptr) context.Context {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if s := q.waiting[number]; s != nil {
		return s.ctx
	}
	return context.Background()
}

// count counts a submitted call, and starts the goroutine that drains the queue.
func (q *completionQueue) count() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.inFlight++
	if q.inFlight > 0 && !q.draining {
		q.draining = true
		go q.drain()
	}
}

// drain passes completions on until no call is in flight.
func (q *completionQueue) drain() {
	// The poller reports each change to readable once, so the queue has to be empty before it is asked again.
	err := q.conn.Read(func(uintptr) bool {
		for q.passOn() {
		}
		q.mutex.Lock()
		defer q.mutex.Unlock()
		q.draining = q.inFlight > 0
		return !q.draining
	})
	if err != nil {
		panic("kaleidoscope: cannot wait for completions: " + err.Error())
	}
}

// passOn passes one completion on to its call, and reports whether there was one.
func (q *completionQueue) passOn() bool {
	var next C.kaleidoscope_go_completion
	switch status := C.kaleidoscope_go_next(q.handle, &next); status {
	case C.KAL_OK:
	case C.KAL_NOT_READY:
		return false
	default:
		// No handle is left for the result: it stays in the queue until others are freed.
		time.Sleep(time.Millisecond)
		return true
	}
	c := completion{next.status, next.result, next.error}
	number := uintptr(next.number)
	q.mutex.Lock()
	s := q.waiting[number]
	delete(q.waiting, number)
	waitingCalls.Store(int64(len(q.waiting)))
	q.inFlight--
	q.mutex.Unlock()
	if s == nil {
		c.free()
	} else {
		s.done <- c
	}
	return true
}
