//go:build static

package kaleidoscope

// The archive comes first and leaves nothing for the shared library, which pkg-config names too, to be needed for.

// #cgo LDFLAGS: -l:libkaleidoscope.a -Wl,--as-needed
// #cgo pkg-config: --static kaleidoscope
import "C"
