// Package kaleidoscope is a client for the workspace API of the Kaleidoscope platform (kaleidoscope.bio).
//
// It is a thin layer over libkaleidoscope:
//
//	client, err := kaleidoscope.Open(nil) // credentials and URL from the environment
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	members, err := client.Workspace().Members(ctx)
//
// # Building
//
// The package needs cgo, and so a C compiler. The published module brings the library along for linux/amd64 and linux/arm64 and links
// it statically. With the build tag "dynamic" it links the installed library, which pkg-config finds, and with "static" the archive of
// that. In the source tree, "dynamic" is the default.
//
// Go switches cgo off where it finds no C compiler and when it compiles for another platform; "kaleidoscope needs cgo" is the
// compiler's message then. For another platform, set CGO_ENABLED=1 and CC to a C compiler for it, and with "dynamic" or "static"
// PKG_CONFIG_PATH to the folder of its kaleidoscope.pc:
//
//	CGO_ENABLED=1 GOARCH=arm64 CC=aarch64-linux-gnu-gcc go build
//
// # Records
//
// A record is an ordinary Go value, copied from the library's result. A field that the API may omit or set to null is a pointer,
// which is nil in that case; [Text] reads it where nil and "" need not be distinguished. A time that is absent is the zero Time.
// encoding/json writes records with the names of the API, and without what is absent.
//
// The texts of a record share memory, as do the ids of a list: strings.Clone one that is to be kept for long without the rest.
//
// # Contexts
//
// A call returns when its context is done, whatever it is waiting for, and is cancelled then. The context's deadline and
// [Options].Timeout, or the [Timeout] of the call, both apply: the earlier one ends the call.
//
// # Errors
//
// Every error of the library is an [*Error] with full details. Test for a status with errors.Is(err, kaleidoscope.ErrNotFound),
// get the details with errors.As, and test whether the context ended the call with errors.Is(err, context.Canceled) or
// errors.Is(err, context.DeadlineExceeded).
//
// # Goroutines
//
// Everything is safe for concurrent use. A call that waits occupies its goroutine, not an operating system thread: 20,000 calls may
// wait on ten threads. A client has at most [Options].MaxInFlight requests in flight; further calls wait for their turn, within their
// deadlines. A read that the cache answers does not wait for anything. No goroutine is left when all calls have returned. The library
// keeps no pointer to Go memory.
package kaleidoscope
