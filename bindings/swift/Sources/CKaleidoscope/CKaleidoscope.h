#include <kaleidoscope.h>
