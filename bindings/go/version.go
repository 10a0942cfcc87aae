package kaleidoscope

// #include <kaleidoscope.h>
import "C"

import "fmt"

// Version returns the version of the loaded library, such as "0.2.0".
func Version() string {
	return C.GoString(C.kal_version())
}

// An older library lacks functions that this package was compiled against, and another major version has another ABI.
var versionMismatch = compareVersions(uint32(C.KAL_VERSION_NUMBER), uint32(C.kal_version_number()))

func compareVersions(header, library uint32) error {
	if library >= header && library>>16 == header>>16 {
		return nil
	}
	return fmt.Errorf("kaleidoscope: compiled against libkaleidoscope %d.%d.%d, but %d.%d.%d is loaded",
		header>>16, header>>8&0xff, header&0xff, library>>16, library>>8&0xff, library&0xff)
}
