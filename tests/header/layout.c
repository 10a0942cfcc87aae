/* Asserts that every public struct has the layout in layout.def. Compiling is the test. */
#include <kaleidoscope.h>

#ifdef __cplusplus
#define ASSERT static_assert
#define ALIGNOF alignof
#else
#define ASSERT _Static_assert
#define ALIGNOF _Alignof
#endif

#define STRUCT(type, size, align)                                    \
    ASSERT(sizeof(type) == (size), "the size of " #type " changed"); \
    ASSERT(ALIGNOF(type) == (align), "the alignment of " #type " changed");
#define FIELD(type, field, offset) ASSERT(offsetof(type, field) == (offset), #type "." #field " is elsewhere");

#if defined(__LP64__)
#include "layout.def"
#endif
