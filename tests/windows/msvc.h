/* What mingw's headers leave out for a compiler of the MSVC ABI. */
#include <_mingw.h>

#define __MINGW_IMPORT extern __declspec(dllimport)
