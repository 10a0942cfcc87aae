#if !__has_include(<kaleidoscope.h>)
#error \
    "libkaleidoscope is not installed: apt-get install libkaleidoscope-dev, or set PKG_CONFIG_PATH to the folder of kaleidoscope.pc"
#else
#include <kaleidoscope.h>
#if KAL_VERSION_MAJOR == 0 && KAL_VERSION_MINOR < 2
#error "libkaleidoscope is too old: this package needs 0.2.0"
#endif
#endif
