// Package include is the place of kaleidoscope.h in the published module.
package include
