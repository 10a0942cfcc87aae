//go:build !static && !bundled

package kaleidoscope

// #cgo pkg-config: kaleidoscope
import "C"
