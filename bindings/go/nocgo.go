//go:build !cgo

package kaleidoscope

// Go switches cgo off when it compiles for another platform, or where it finds no C compiler. The error is this text.

const _ int = "kaleidoscope needs cgo: set CGO_ENABLED=1, and for another platform CC to a C compiler for it; see go doc kaleidoscope.bio/kaleidoscope"
