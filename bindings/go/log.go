package kaleidoscope

// #include "bridge.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
)

// log logs one call.
func (c *Client) log(ctx context.Context, method string, began time.Time, err error, attributes ...slog.Attr) {
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelInfo
	}
	if c.logger == nil || !c.logger.Enabled(ctx, level) {
		return
	}
	all := []slog.Attr{slog.String("method", strings.TrimSuffix(method, "\x00")), slog.Duration("duration", time.Since(began))}
	message := "kaleidoscope call"
	if err != nil {
		message = "kaleidoscope call failed"
		attributes = []slog.Attr{slog.Any("error", err)}
	}
	c.logger.LogAttrs(ctx, level, message, append(all, attributes...)...)
}

// LogValue returns the fields that are set as a group, for log/slog.
func (e *Error) LogValue() slog.Value {
	group := []slog.Attr{slog.String("message", e.Message), slog.String("status", e.Status.String())}
	for _, attribute := range []slog.Attr{
		slog.Int("http_status", e.HTTPStatus), slog.Int("attempts", e.Attempts), slog.String("method", e.Method),
		slog.String("url", e.URL), slog.String("code", e.Code), slog.String("request_id", e.RequestID),
	} {
		if attribute.Value.String() != "0" && attribute.Value.String() != "" {
			group = append(group, attribute)
		}
	}
	group = append(group, slog.Bool("retryable", e.Retryable))
	if e.RetryAfter >= 0 {
		group = append(group, slog.Duration("retry_after", e.RetryAfter))
	}
	if cause := errors.Join(e.causes...); cause != nil {
		group = append(group, slog.String("cause", cause.Error()))
	}
	return slog.GroupValue(group...)
}

var currentLogger atomic.Pointer[slog.Logger]

// SetLogger sends the library's log messages of a level and above to a logger; nil disables logging. It applies to the whole
// program. Messages contain no secrets. Requests are logged at slog.LevelDebug, retries and sign-ins at slog.LevelInfo.
//
// The handler is called on goroutines that make calls and on the library's own thread, possibly concurrently. It must return
// quickly. Calls of this package from the handler return ErrWouldDeadlock. Its panics are discarded.
func SetLogger(logger *slog.Logger, level slog.Level) error {
	from := C.int32_t(C.KAL_LOG_OFF)
	if logger != nil {
		from = kalLevel(level)
		currentLogger.Store(logger)
	}
	if status := C.kaleidoscope_go_set_log(from); status != C.KAL_OK {
		return &Error{Status: Status(status), RetryAfter: -1, Message: "SetLogger cannot be called from a callback or in a forked process"}
	}
	if logger == nil {
		currentLogger.Store(nil)
	}
	return nil
}

func kalLevel(level slog.Level) C.int32_t {
	switch {
	case level <= slog.LevelDebug:
		return C.KAL_LOG_DEBUG
	case level <= slog.LevelInfo:
		return C.KAL_LOG_INFO
	case level <= slog.LevelWarn:
		return C.KAL_LOG_WARN
	default:
		return C.KAL_LOG_ERROR
	}
}

func slogLevel(level C.int32_t) slog.Level {
	switch level {
	case C.KAL_LOG_DEBUG:
		return slog.LevelDebug
	case C.KAL_LOG_INFO:
		return slog.LevelInfo
	case C.KAL_LOG_WARN:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}
