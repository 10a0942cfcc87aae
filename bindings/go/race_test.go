//go:build race

package kaleidoscope_test

func init() { isRace = true }
