/*
 * Used by the test that gen_bad_arguments.py generates: good values, and the required outcome of a call with a bad one.
 *
 * Seen red, with the check taken out of the library:
 *   NULL texts            "kal_call: method NULL: KAL_UNKNOWN_METHOD (107)"
 *   NULL lists            "not ok - ... it did at kal_client_open: options headers NULL"
 *   UTF-8                 "kal_call: params_json not UTF-8: KAL_INVALID_ARGUMENT (100)"
 *   lengths of lists      "not ok - ... it did at kal_client_open: options headers_len SIZE_MAX"
 *   struct_size           "kal_client_open: options struct_size 0: KAL_NO_CREDENTIALS (104)"
 *   versions of handles   "kal_submit: client stale: KAL_OK (0)"
 * and with cases taken out of the generator:
 *   a text                "the text kal_workspace_follow_events(cursor) is unknown; add it to the tables"
 *   a field               "kal_client_options has fields without a case, or cases without a field: ['proxy_url']"
 *   a function            "not ok - ... every export of the header is called with bad arguments: 39 of 40"
 */
#ifndef BAD_ARGUMENTS_H
#define BAD_ARGUMENTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../c/emulator.h"
#include "torture.h"

/* A handle whose slot was never used, and the value of an out parameter before a call. */
#define FORGED UINT64_C(0x7FFFFFFF20FFFFF0)
#define SENTINEL UINT64_C(0xBADBADBADBADBAD)
enum { ANYTHING = -1, NO_MORE = -2, STATUSES = 4, PARAMETERS = 12 };

typedef struct outcome {
    kal_status status;
    bool gives_error, is_void, is_view, is_number, gives_length, out_left, out_given;
    kal_error error;
    const void *view;
    int64_t number;
    size_t length;
} outcome;
/* The first value is the good one. */
typedef struct value {
    const char *label;
    kal_status gives[STATUSES];
} value;
typedef struct parameter {
    const char *name;
    const value *values;
    int count;
} parameter;
typedef struct function {
    const char *name;
    outcome (*call)(const int *pick);
    const parameter *parameters;
    int count;
} function;

static emulator server;
static char *long_text;

static void log_line(void *none, int32_t level, const char *message)
{
    (void)none, (void)level, (void)message;
}

static inline kal_client_options good_options(void)
{
    return options_to(server.url);
}

static inline const char *good_options_json(void)
{
    static char text[256];
    snprintf(text, sizeof text, "{\"client_id\":\"demo-client\",\"client_secret\":\"demo-secret\",\"base_url\":\"%s\"}",
             server.url);
    return text;
}

/* A good handle is kept until something frees it. */
static inline kal_client good_client(void)
{
    static kal_client client;
    kal_stats stats = KAL_STATS_INIT;
    kal_client_options options = good_options();
    if (kal_client_stats(client, &stats, NULL) != KAL_OK && kal_client_open(&options, &client, NULL) != KAL_OK)
        torture_give_up("a client cannot be opened");
    return client;
}

static inline kal_result good_result(void)
{
    static kal_result result;
    if (kal_result_json(result, NULL) == NULL && kal_workspace_get_members(good_client(), NULL, &result, NULL) != KAL_OK)
        torture_give_up("members cannot be fetched");
    return result;
}

static inline kal_error good_error(void)
{
    static kal_error error;
    if (kal_error_get(error) == NULL)
        (void)!kal_client_clear_caches((kal_client){ 0 }, &error);
    return error;
}

static inline kal_cancel good_cancel(void)
{
    kal_cancel cancel;
    if (kal_cancel_open(&cancel, NULL) != KAL_OK)
        torture_give_up("a cancel cannot be opened");
    return cancel;
}

/* A stream of events, valid for every stream function. The function under test frees it. */
static inline kal_stream good_stream(void)
{
    kal_stream stream;
    if (kal_workspace_stream_events(good_client(), NULL, NULL, &stream, NULL) != KAL_OK)
        torture_give_up("a stream cannot be opened");
    return stream;
}

/* A queue with a completion in it, so that kal_queue_next never blocks. Another one, if a function has shut it down. */
static inline kal_queue good_queue(void)
{
    static kal_queue queue;
    kal_call_options cached = KAL_CALL_OPTIONS_INIT;
    kal_completion completion = KAL_COMPLETION_INIT;
    kal_status status;
    cached.cache = KAL_CACHE_ONLY;
    while ((status = kal_queue_next(queue, 0, &completion, NULL)) == KAL_OK) {
        kal_result_free(completion.result);
        kal_error_free(completion.error);
    }
    if (status == KAL_DONE)
        kal_queue_close(queue);
    if (kal_queue_fd(queue) < 0 && kal_queue_open(&queue, NULL) != KAL_OK)
        torture_give_up("a queue cannot be opened");
    /* Cached or not, it completes at once. */
    if (kal_submit(good_client(), "workspace.get_members", NULL, &cached, queue, NULL, NULL) != KAL_OK)
        torture_give_up("a call cannot be submitted");
    return queue;
}

#define FREE(kind, function)                          \
    static inline void free_##kind(kal_##kind handle) \
    {                                                 \
        function(handle);                             \
    }                                                 \
    static inline kal_##kind stale_##kind(void)       \
    {                                                 \
        kal_##kind handle = good_##kind();            \
        function(handle);                             \
        return handle;                                \
    }
FREE(client, kal_client_close)
FREE(result, kal_result_free)
FREE(error, kal_error_free)
FREE(cancel, kal_cancel_close)
FREE(stream, kal_stream_free)
FREE(queue, kal_queue_close)

static inline void note_out(outcome *outcome, uint64_t id)
{
    outcome->out_left |= id == SENTINEL;
    outcome->out_given |= id != 0;
}

/* The running case, which the parent reports if it crashes. */
static struct progress {
    char what[200];
    long tried;
    long failed;
    size_t covered;
} * progress;

static inline bool gives(const value *value, kal_status status)
{
    for (int i = 0; i < STATUSES && value->gives[i] != NO_MORE; i++)
        if (value->gives[i] == status || value->gives[i] == ANYTHING)
            return true;
    return false;
}

static inline void complain(const char *why, int64_t number)
{
    progress->failed++;
    torture_fail("%s: %s (%lld)", progress->what, why, (long long)number);
}

/* Checks what must hold for any arguments. */
static inline void judge_any(const outcome *outcome)
{
    if (!is_documented(outcome->status))
        complain(kal_status_name(outcome->status), outcome->status);
    if (outcome->out_left)
        complain("an out parameter is not written", 0);
    if (outcome->status != KAL_OK && outcome->out_given)
        complain("a failed call returns a handle", outcome->status);
    if (outcome->gives_error && outcome->error.id == SENTINEL)
        complain("the error is not written", 0);
    else if (outcome->gives_error && outcome->status < 100 && outcome->error.id != 0)
        complain("a successful call returns an error", 0);
    else if (outcome->gives_error && outcome->status >= 100
             && (kal_error_get(outcome->error) == NULL || kal_error_get(outcome->error)->status != outcome->status))
        complain("a failed call returns no error, or one with another status", outcome->status);
    if (outcome->is_view && outcome->view == NULL && outcome->gives_length && outcome->length != 0)
        complain("nothing, but a length", (int64_t)outcome->length);
}

static inline void judge_one(const function *function, int parameter, int number, const outcome *outcome)
{
    const value *value = &function->parameters[parameter].values[number];
    bool bad = value->gives[0] != KAL_OK && value->gives[0] != ANYTHING;
    /* A function without a status returns NULL, -1 or 0 for a bad argument. */
    if (outcome->is_view || outcome->is_number || outcome->is_void) {
        if (bad && outcome->is_view && outcome->view != NULL)
            complain("it returns data", 0);
        if (bad && outcome->is_number && outcome->number > 0)
            complain("it returns a number", outcome->number);
        return;
    }
    if (!gives(value, outcome->status))
        complain(kal_status_name(outcome->status), outcome->status);
    if (outcome->gives_error && (outcome->status == KAL_INVALID_ARGUMENT || outcome->status == KAL_INVALID_UTF8)) {
        const kal_error_info *info = kal_error_get(outcome->error);
        /* "query.struct_size", "headers[0].name", "event_types_len": the parameter, or the field that the label begins with. */
        char field[64];
        snprintf(field, sizeof field, "%.*s", (int)strcspn(value->label, " "), value->label);
        char *suffix = strstr(field, "_len");
        if (suffix != NULL)
            *suffix = '\0';
        if (info == NULL || info->attempts != 0
            || (strstr(info->message, function->parameters[parameter].name) == NULL && strstr(info->message, field) == NULL
                && strstr(value->label, "header") == NULL && strcmp(function->parameters[parameter].name, "ids_len") != 0))
            complain(info != NULL ? info->message : "no message", outcome->status);
    }
}

static inline void all_calls(const function *functions, size_t count)
{
    for (size_t f = 0; f < count; f++) {
        const function *function = &functions[f];
        int pick[PARAMETERS] = { 0 };
        long before = progress->tried;
        for (int p = 0; p < function->count || p == 0; p++)
            for (int v = 0; v < (function->count == 0 ? 1 : function->parameters[p].count); v++) {
                pick[p] = v;
                snprintf(progress->what, sizeof progress->what, "%s: %s %s", function->name,
                         function->count == 0 ? "nothing" : function->parameters[p].name,
                         function->count == 0 ? "passed" : function->parameters[p].values[v].label);
                progress->tried++;
                outcome outcome = function->call(pick);
                judge_any(&outcome);
                if (function->count > 0)
                    judge_one(function, p, v, &outcome);
                if (outcome.gives_error)
                    kal_error_free(outcome.error);
                pick[p] = 0;
            }
        /* Two bad arguments at once: either may be reported, but one must be. */
        for (int p = 0; torture_long && p < function->count; p++)
            for (int q = p + 1; q < function->count; q++)
                for (int v = 1; v < function->parameters[p].count; v++)
                    for (int w = 1; w < function->parameters[q].count; w++) {
                        pick[p] = v;
                        pick[q] = w;
                        snprintf(progress->what, sizeof progress->what, "%s: %s %s, %s %s", function->name,
                                 function->parameters[p].name, function->parameters[p].values[v].label,
                                 function->parameters[q].name, function->parameters[q].values[w].label);
                        progress->tried++;
                        outcome outcome = function->call(pick);
                        judge_any(&outcome);
                        if (outcome.gives_error)
                            kal_error_free(outcome.error);
                        pick[p] = pick[q] = 0;
                    }
        progress->covered += progress->tried > before;
    }
}

/* Values that the host's token provider may return: arguments like the others, but received later. */
typedef struct token_given {
    const char *what;
    kal_status status;
    const char *token;
    size_t length;
    kal_status gives;
} token_given;

static kal_status bad_provider(void *given, char *buffer, size_t capacity, size_t *length)
{
    const token_given *token = given;
    if (token->token != NULL) {
        size_t text = strlen(token->token);
        memcpy(buffer, token->token, text < capacity ? text : capacity);
    }
    if (token->length != SENTINEL)
        *length = token->length;
    return token->status;
}

static inline void bad_tokens(void)
{
    static token_given tokens[] = {
        { "a token", KAL_OK, "token", 5, KAL_OK },
        { "no length", KAL_OK, "token", SENTINEL, KAL_AUTH_FAILED },
        { "length 0", KAL_OK, "token", 0, KAL_AUTH_FAILED },
        { "length SIZE_MAX", KAL_OK, "token", SIZE_MAX, KAL_AUTH_FAILED },
        { "the capacity and one", KAL_OK, "token", 16 * 1024 + 1, KAL_AUTH_FAILED },
        { "not UTF-8", KAL_OK, "caf\xe9", 4, KAL_AUTH_FAILED },
        { "line breaks", KAL_OK, "a\r\nX-Evil: 1", 12, KAL_AUTH_FAILED },
        { "NUL", KAL_OK, NULL, 3, KAL_AUTH_FAILED },
        { "a failure", KAL_TIMED_OUT, NULL, SENTINEL, KAL_AUTH_FAILED },
        { "status -1", -1, "token", 5, KAL_AUTH_FAILED },
        { "status INT32_MIN", INT32_MIN, "token", 5, KAL_AUTH_FAILED },
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        kal_client client;
        kal_result result;
        kal_error error;
        kal_client_options options = good_options();
        options.iap_token_provider = bad_provider;
        options.iap_user_data = &tokens[i];
        snprintf(progress->what, sizeof progress->what, "iap_token_provider: it returns %s", tokens[i].what);
        progress->tried++;
        if (kal_client_open(&options, &client, NULL) != KAL_OK)
            torture_give_up("a client with a token provider cannot be opened");
        kal_status status = kal_workspace_get_workspace(client, NULL, &result, &error);
        if (status != tokens[i].gives)
            complain(kal_status_name(status), status);
        if (status != KAL_OK && (kal_error_get(error) == NULL || kal_error_get(error)->attempts != 0))
            complain("no error, or something was sent", status);
        kal_error_free(error);
        kal_result_free(result);
        kal_client_close(client);
    }
}

static inline int bad_arguments_main(int argc, char **argv, const function *functions, size_t count, size_t exports)
{
    torture_begin("bad-arguments", argc, argv);
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
    unsetenv("KALEIDOSCOPE_API_URL");
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        server = emulator_start(NULL);
        long_text = malloc(1 << 20);
        memset(long_text, 'x', 1 << 20);
        long_text[(1 << 20) - 1] = '\0';
        all_calls(functions, count);
        bad_tokens();
        emulator_stop(&server);
        fflush(stdout);
        _exit(0);
    }
    int status = reap_within(child, 10 * 60 * 1000);
    torture_check(status == 0, "no bad argument crashes or hangs: %s%s", status == 0 ? "none does" : "it did at ",
                  status == 0 ? "" : progress->what);
    torture_check(progress->failed == 0, "each is rejected with its status and its name, or accepted: %ld are not",
                  progress->failed);
    torture_check(progress->covered == exports && exports == count,
                  "every export of the header is called with bad arguments: %zu of %zu", progress->covered, exports);
    return torture_end(progress->tried, "%zu exports covered, %zu in the header; %s", progress->covered, exports,
                       torture_long ? "each bad argument alone and every pair" : "each bad argument alone");
}

#endif
