package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// Error is a failed call with full details. No field contains a secret.
type Error struct {
	Status     Status
	HTTPStatus int           // 0 if no response was received
	Attempts   int           // attempts of the request that failed, which may be the token request; 0 if none was made
	Retryable  bool          // whether the same call may succeed later
	RetryAfter time.Duration // the wait that the server requested; -1 if none
	Message    string        // one English sentence
	Method     string        // such as "GET"; "" if no attempt was made
	URL        string        // path and query; "" if no attempt was made
	Code       string        // the server's error code, if the body contains one
	RequestID  string        // from the response headers, if any
	Body       []byte        // the response body, up to 64 KiB; nil if none

	causes []error
}

// Error returns the message, the request and the status.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("kaleidoscope: ")
	b.WriteString(e.Message)
	b.WriteString(" (")
	if e.Method != "" {
		fmt.Fprintf(&b, "%s %s, ", e.Method, e.URL)
	}
	b.WriteString(e.Status.String())
	b.WriteByte(')')
	for _, cause := range e.causes {
		b.WriteString(": ")
		b.WriteString(cause.Error())
	}
	return b.String()
}

// Is reports whether target is the error's status.
func (e *Error) Is(target error) bool {
	status, ok := target.(Status)
	return ok && status == e.Status
}

// Unwrap returns the context's error and cause if the context ended the call, or the error of Options.IAPToken if that failed.
func (e *Error) Unwrap() []error {
	return e.causes
}

// Timeout reports whether the context's deadline or the timeout of [Options] expired. os.IsTimeout uses it.
func (e *Error) Timeout() bool {
	return e.Status == ErrTimedOut
}

func invalidArgument(message string) *Error {
	return &Error{Status: ErrInvalidArgument, RetryAfter: -1, Message: message}
}

// takeError copies an error of the library and frees the handle.
func takeError(status C.kal_status, handle C.kal_error) *Error {
	defer C.kal_error_free(handle)
	info := C.kal_error_get(handle)
	if info == nil {
		return &Error{Status: Status(status), RetryAfter: -1, Message: "error details are unavailable"}
	}
	e := &Error{
		Status:     Status(info.status),
		HTTPStatus: int(info.http_status),
		Attempts:   int(info.attempts),
		Retryable:  bool(info.retryable),
		RetryAfter: -1,
		Message:    C.GoString(info.message),
		Method:     C.GoString(info.method),
		URL:        C.GoString(info.url),
		Code:       C.GoString(info.code),
		RequestID:  C.GoString(info.request_id),
	}
	if info.retry_after_ms >= 0 {
		e.RetryAfter = milliseconds(int64(info.retry_after_ms))
	}
	if info.body != nil {
		e.Body = copyBytes(info.body, info.body_len)
	}
	return e
}

// copyBytes copies without the 2 GiB limit of C.GoBytes.
func copyBytes(p *C.char, n C.size_t) []byte {
	return append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n))...)
}

func milliseconds(ms int64) time.Duration {
	const longest = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(min(ms, longest)) * time.Millisecond
}
