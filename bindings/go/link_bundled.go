//go:build bundled && !static

package kaleidoscope

// The published module brings header and archives along, where `make go-module` puts them, and is linked with them unless it has the
// tag "dynamic" or "static". `go mod vendor` copies only folders of packages that are imported.

// #cgo CFLAGS: -I${SRCDIR}/include
// #cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux_amd64/libkaleidoscope.a
// #cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux_arm64/libkaleidoscope.a
// #cgo LDFLAGS: -lpthread -lm -ldl
import "C"

import (
	_ "kaleidoscope.bio/kaleidoscope/include"
	_ "kaleidoscope.bio/kaleidoscope/lib/linux_amd64"
	_ "kaleidoscope.bio/kaleidoscope/lib/linux_arm64"
)
