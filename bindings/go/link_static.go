//go:build static

package kaleidoscope

// The archive comes first and resolves all symbols, so that --as-needed drops the shared library, which pkg-config lists too.

// #cgo LDFLAGS: -l:libkaleidoscope.a -Wl,--as-needed
// #cgo pkg-config: --static kaleidoscope
import "C"
