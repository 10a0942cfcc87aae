// Package linux_amd64 is the place of libkaleidoscope.a for linux/amd64 in the published module.
package linux_amd64
