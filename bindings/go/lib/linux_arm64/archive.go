// Package linux_arm64 is the place of libkaleidoscope.a for linux/arm64 in the published module.
package linux_arm64
