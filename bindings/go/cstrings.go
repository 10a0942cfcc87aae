package kaleidoscope

// #include <stdlib.h>
import "C"

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// inputs owns the C memory that is passed to the library during one call. It holds no Go pointers.
type inputs struct {
	allocated []unsafe.Pointer
	err       error
}

func (in *inputs) free() {
	for _, p := range in.allocated {
		C.free(p)
	}
}

func (in *inputs) keep(p unsafe.Pointer) unsafe.Pointer {
	in.allocated = append(in.allocated, p)
	return p
}

func (in *inputs) reject(why string) {
	if in.err == nil {
		in.err = invalidArgument(why)
	}
}

// checkText rejects a text that the library cannot receive. encoding/json would replace bytes that are not UTF-8.
func checkText(name, value string) error {
	if strings.IndexByte(value, 0) >= 0 {
		return invalidArgument(name + ": contains a NUL")
	}
	if !utf8.ValidString(value) {
		return &Error{Status: ErrInvalidUTF8, RetryAfter: -1, Message: name + ": not valid UTF-8"}
	}
	return nil
}

// required returns the C string of a value, "" included. A value with a NUL is rejected, because C would truncate it there.
func (in *inputs) required(name, value string) *C.char {
	if strings.IndexByte(value, 0) >= 0 {
		in.reject(name + ": contains a NUL")
		return nil
	}
	p := C.CString(value)
	in.keep(unsafe.Pointer(p))
	return p
}

// text returns the C string of a value; NULL, the library's default, for "".
func (in *inputs) text(name, value string) *C.char {
	if value == "" {
		return nil
	}
	return in.required(name, value)
}

func (in *inputs) texts(name string, values []string) **C.char {
	if len(values) == 0 {
		return nil
	}
	p := (**C.char)(in.array(len(values), unsafe.Sizeof((*C.char)(nil))))
	for i, slot := 0, unsafe.Slice(p, len(values)); i < len(values); i++ {
		slot[i] = in.required(name, values[i])
	}
	return p
}

func (in *inputs) array(n int, size uintptr) unsafe.Pointer {
	return in.keep(C.calloc(C.size_t(n), C.size_t(size)))
}

// timeout returns milliseconds, rounded up; 0, the library's default, for 0.
func (in *inputs) timeout(name string, d time.Duration) uint32 {
	if d < 0 {
		in.reject(name + ": must not be negative")
	}
	if d <= 0 {
		return 0
	}
	return wholeMilliseconds(d)
}

func (in *inputs) count(name string, n int) uint32 {
	if n < 0 || int64(n) > math.MaxUint32 {
		in.reject(name + ": out of range")
	}
	return uint32(n)
}
