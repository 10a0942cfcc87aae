package kaleidoscope

// #include <kaleidoscope.h>
import "C"

// Status says what a call came to. It is an error of its own, to be asked for with [errors.Is]:
//
//	if errors.Is(err, kaleidoscope.ErrNotFound) { ... }
//
// From 400 to 599 it is the HTTP status that the API answered with, also where no constant names it.
type Status int32

// The call is wrong; nothing was sent.
const (
	ErrInvalidArgument Status = C.KAL_INVALID_ARGUMENT // an argument is wrong; the message names it
	ErrClosed          Status = C.KAL_INVALID_HANDLE   // the client has been closed
	ErrInvalidUTF8     Status = C.KAL_INVALID_UTF8     // a string is not UTF-8; the message names it
	ErrInvalidState    Status = C.KAL_INVALID_STATE
	ErrNoCredentials   Status = C.KAL_NO_CREDENTIALS // neither the options nor the environment give credentials
	ErrWouldDeadlock   Status = C.KAL_WOULD_DEADLOCK // a call from within Options.IAPToken or a log handler
	ErrForked          Status = C.KAL_FORKED
	ErrUnknownMethod   Status = C.KAL_UNKNOWN_METHOD
)

// The request did not get through.
const (
	ErrResolveFailed    Status = C.KAL_RESOLVE_FAILED
	ErrConnectFailed    Status = C.KAL_CONNECT_FAILED
	ErrTLSFailed        Status = C.KAL_TLS_FAILED
	ErrTimedOut         Status = C.KAL_TIMED_OUT
	ErrCancelled        Status = C.KAL_CANCELLED // the context was cancelled, or the client closed meanwhile
	ErrConnectionLost   Status = C.KAL_CONNECTION_LOST
	ErrResponseTooLarge Status = C.KAL_RESPONSE_TOO_LARGE
	ErrBadHTTP          Status = C.KAL_BAD_HTTP
)

// The server refused, or gave what cannot be used.
const (
	ErrAuthFailed         Status = C.KAL_AUTH_FAILED // the token endpoint refused to sign in, or there was no IAP token
	ErrBadRequest         Status = C.KAL_BAD_REQUEST
	ErrUnauthorized       Status = C.KAL_UNAUTHORIZED
	ErrForbidden          Status = C.KAL_FORBIDDEN
	ErrNotFound           Status = C.KAL_NOT_FOUND // also CacheOnly with nothing cached
	ErrMethodNotAllowed   Status = C.KAL_METHOD_NOT_ALLOWED
	ErrRequestTimeout     Status = C.KAL_REQUEST_TIMEOUT
	ErrConflict           Status = C.KAL_CONFLICT
	ErrGone               Status = C.KAL_GONE
	ErrContentTooLarge    Status = C.KAL_CONTENT_TOO_LARGE
	ErrUnprocessable      Status = C.KAL_UNPROCESSABLE
	ErrRateLimited        Status = C.KAL_RATE_LIMITED // Error.RetryAfter says how long to wait, if the server did
	ErrServer             Status = C.KAL_SERVER_ERROR
	ErrNotImplemented     Status = C.KAL_NOT_IMPLEMENTED
	ErrBadGateway         Status = C.KAL_BAD_GATEWAY
	ErrServiceUnavailable Status = C.KAL_SERVICE_UNAVAILABLE
	ErrGatewayTimeout     Status = C.KAL_GATEWAY_TIMEOUT
	ErrBadResponse        Status = C.KAL_BAD_RESPONSE // the answer is not what the method gives
)

// Defects of the library: please report them with the message.
const (
	ErrInternal Status = C.KAL_INTERNAL
	ErrPanic    Status = C.KAL_PANIC
)

// String is the library's name of the status, such as "KAL_NOT_FOUND".
func (s Status) String() string {
	return C.GoString(C.kal_status_name(C.kal_status(s)))
}

// Error makes a status an error.
func (s Status) Error() string {
	return "kaleidoscope: " + s.String()
}
