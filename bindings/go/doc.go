// Package kaleidoscope reads workspaces of the Kaleidoscope platform (kaleidoscope.bio).
//
// It is a thin layer over libkaleidoscope, found through pkg-config:
//
//	client, err := kaleidoscope.Open(nil) // credentials and URL from the environment
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	members, err := client.Workspace().Members(ctx)
//
// With the build tag "static" the library's archive is linked into the program, and nothing has to be installed where it
// runs.
//
// # Records
//
// A record is an ordinary Go value, copied out of the library's answer. A field that the API may leave out or set to null
// is a pointer, nil then; [Text] reads it where the difference to "" does not matter.
//
// # Contexts
//
// A call ends when its context does, whatever it is waiting for. The context's deadline and [Options].Timeout both hold:
// the earlier one ends the call.
//
// # Errors
//
// Every error of the library is an [*Error], with all that is known about the failure. Ask for its kind with
// errors.Is(err, kaleidoscope.ErrNotFound), for its details with errors.As, and whether the context was the reason with
// errors.Is(err, context.Canceled) or errors.Is(err, context.DeadlineExceeded).
//
// # Goroutines
//
// Everything may be used by any number of goroutines at once. A call occupies an operating system thread while it waits;
// at most [Options].MaxInFlight requests of a client are on the wire, so bound the goroutines that call at once
// accordingly. The library keeps no pointer to Go memory.
package kaleidoscope
