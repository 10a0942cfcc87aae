//go:build !static

package kaleidoscope

// #cgo pkg-config: kaleidoscope
import "C"
