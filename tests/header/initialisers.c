/* Every initialiser sets every field, in C and in C++: compiled with -Wmissing-field-initializers -Wconversion -Werror. */
#include <kaleidoscope.h>

kal_client no_client = KAL_NONE;
kal_result no_result = KAL_NONE;
kal_error no_error = KAL_NONE;
kal_cancel no_cancel = KAL_NONE;
kal_queue no_queue = KAL_NONE;
kal_client_options client_options = KAL_CLIENT_OPTIONS_INIT;
kal_call_options call_options = KAL_CALL_OPTIONS_INIT;
kal_events_query events_query = KAL_EVENTS_QUERY_INIT;
kal_stats stats = KAL_STATS_INIT;
kal_completion completion = KAL_COMPLETION_INIT;

/* The version macros work in the preprocessor, too. */
#if KAL_VERSION_NUMBER < 0x000100 || KAL_VERSION_MAJOR > 0xffff
#error "KAL_VERSION_NUMBER is wrong"
#endif
uint32_t version_number = KAL_VERSION_NUMBER;
char version[] = KAL_VERSION;
