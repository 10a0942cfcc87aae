package kaleidoscope

// #include <kaleidoscope.h>
import "C"

// Status is the kind of a failure. It implements error, for use with [errors.Is]:
//
//	if errors.Is(err, kaleidoscope.ErrNotFound) { ... }
//
// A value from 400 to 599 is the HTTP status of the response, with or without a constant here.
type Status int32

// The call is invalid; nothing was sent.
const (
	ErrInvalidArgument Status = C.KAL_INVALID_ARGUMENT // an argument is invalid; the message names it
	ErrClosed          Status = C.KAL_INVALID_HANDLE   // the client has been closed
	ErrInvalidUTF8     Status = C.KAL_INVALID_UTF8     // a string is not UTF-8; the message names it
	ErrInvalidState    Status = C.KAL_INVALID_STATE
	ErrNoCredentials   Status = C.KAL_NO_CREDENTIALS // neither the options nor the environment contain credentials
	ErrWouldDeadlock   Status = C.KAL_WOULD_DEADLOCK // a call from within Options.IAPToken or a log handler
	ErrForked          Status = C.KAL_FORKED
	ErrUnknownMethod   Status = C.KAL_UNKNOWN_METHOD
)

// The request failed before a complete response was received.
const (
	ErrResolveFailed    Status = C.KAL_RESOLVE_FAILED
	ErrConnectFailed    Status = C.KAL_CONNECT_FAILED
	ErrTLSFailed        Status = C.KAL_TLS_FAILED
	ErrTimedOut         Status = C.KAL_TIMED_OUT
	ErrCancelled        Status = C.KAL_CANCELLED // the context was cancelled or the client closed
	ErrConnectionLost   Status = C.KAL_CONNECTION_LOST
	ErrResponseTooLarge Status = C.KAL_RESPONSE_TOO_LARGE
	ErrBadHTTP          Status = C.KAL_BAD_HTTP
	ErrOutOfResources   Status = C.KAL_OUT_OF_RESOURCES // no descriptor, thread or memory for sockets is left
)

// The server rejected the request, or its response is unusable.
const (
	ErrAuthFailed         Status = C.KAL_AUTH_FAILED // the token endpoint rejected the credentials, or there is no IAP token
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
	ErrRateLimited        Status = C.KAL_RATE_LIMITED // see Error.RetryAfter
	ErrServer             Status = C.KAL_SERVER_ERROR
	ErrNotImplemented     Status = C.KAL_NOT_IMPLEMENTED
	ErrBadGateway         Status = C.KAL_BAD_GATEWAY
	ErrServiceUnavailable Status = C.KAL_SERVICE_UNAVAILABLE
	ErrGatewayTimeout     Status = C.KAL_GATEWAY_TIMEOUT
	ErrBadResponse        Status = C.KAL_BAD_RESPONSE // the response is not what the method returns
)

// Defects of the library: please report them with the message.
const (
	ErrInternal Status = C.KAL_INTERNAL
	ErrPanic    Status = C.KAL_PANIC
)

// String returns the library's name of the status, such as "KAL_NOT_FOUND".
func (s Status) String() string {
	return C.GoString(C.kal_status_name(C.kal_status(s)))
}

// Error implements error.
func (s Status) Error() string {
	return "kaleidoscope: " + s.String()
}
