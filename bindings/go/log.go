package kaleidoscope

// #include <kaleidoscope.h>
// void kaleidoscopeLog(void *user_data, int32_t level, char *message);
//
// static kal_status kaleidoscope_set_log(int32_t level) {
//     return kal_set_log(level, (kal_log_callback)kaleidoscopeLog, 0);
// }
import "C"

import (
	"log/slog"
	"sync/atomic"
)

var currentLogger atomic.Pointer[slog.Logger]

// SetLogger sends what the library has to say, from a level up, to a logger; nil ends it. It holds for the whole program.
// There is no secret in it. Every request is at slog.LevelDebug; retries and sign-ins are at slog.LevelInfo.
//
// The handler is called on the goroutine that makes a call and on the library's own thread, possibly at the same time. It
// must return soon; a call of this package from there gives ErrWouldDeadlock, and its panics are dropped.
func SetLogger(logger *slog.Logger, level slog.Level) error {
	from := C.int32_t(C.KAL_LOG_OFF)
	if logger != nil {
		from = kalLevel(level)
		currentLogger.Store(logger)
	}
	if status := C.kaleidoscope_set_log(from); status != C.KAL_OK {
		return &Error{Status: Status(status), RetryAfter: -1, Message: "the log cannot be set here"}
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
