package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import (
	"context"
	"errors"
	"fmt"
	"unsafe"
)

// Callbacks of the library. A panic must not leave these functions: it would unwind through the library's frames while it
// holds locks.

//export kaleidoscopeIAPToken
func kaleidoscopeIAPToken(number, submission C.uintptr_t, buffer *C.char, capacity C.size_t, length *C.size_t) C.kal_status {
	found, ok := iapProviders.Load(uintptr(number))
	if !ok {
		return C.KAL_INVALID_STATE
	}
	provider := found.(*iapProvider)
	ctx := context.Background()
	if q, err := completions(); err == nil {
		ctx = q.context(uintptr(submission))
	}
	token, err := guarded(ctx, provider.token)
	if err == nil && len(token) > int(capacity) {
		err = errors.New("Options.IAPToken: token is too long")
	}
	if err != nil {
		provider.last.Store(&err)
		return C.KAL_AUTH_FAILED
	}
	provider.last.Store(nil)
	*length = C.size_t(copy(unsafe.Slice((*byte)(unsafe.Pointer(buffer)), int(capacity)), token))
	return C.KAL_OK
}

func guarded(ctx context.Context, token func(context.Context) (string, error)) (text string, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("Options.IAPToken panicked: %v", reason)
		}
	}()
	return token(ctx)
}

//export kaleidoscopeLog
func kaleidoscopeLog(level C.int32_t, message *C.char) {
	defer func() { _ = recover() }()
	if logger := currentLogger.Load(); logger != nil {
		logger.Log(context.Background(), slogLevel(level), C.GoString(message))
	}
}
