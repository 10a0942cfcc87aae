/*
 * kaleidoscope.h - the workspace service of the Kaleidoscope platform (kaleidoscope.bio) for C and C++
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Made by cbindgen from the docs in src/ffi: change them there, then `make header`.
 *
 * A COMPLETE PROGRAM
 *
 *     #include <kaleidoscope.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         kal_client client;
 *         kal_result result;
 *         kal_error error;
 *         size_t count = 0;
 *         const kal_workspace_user *const *members;
 *         // NULL options: credentials and URL come from the environment (KALEIDOSCOPE_API_CLIENT_ID,
 *         // KALEIDOSCOPE_API_CLIENT_SECRET, KALEIDOSCOPE_API_URL).
 *         if (kal_client_open(NULL, &client, &error) != KAL_OK)
 *             goto failed;
 *         if (kal_workspace_get_members(client, NULL, &result, &error) != KAL_OK)
 *             goto failed_open;
 *         members = kal_result_workspace_users(result, &count);
 *         for (size_t i = 0; i < count; i++)
 *             printf("%s <%s>\n", members[i]->full_name ? members[i]->full_name : "?",
 *                    members[i]->email ? members[i]->email : "-");
 *         kal_result_free(result);
 *         kal_client_close(client);
 *         return 0;
 *     failed_open:
 *         kal_client_close(client);
 *     failed:
 *         fprintf(stderr, "%s\n", kal_error_get(error)->message);
 *         kal_error_free(error);
 *         return 1;
 *     }
 *
 *     cc program.c $(pkg-config --cflags --libs kaleidoscope)
 *
 * OWNERSHIP
 *
 * Inputs are C strings and plain structs; the library copies what it keeps. Outputs are handles: 64-bit values, never
 * pointers. A handle that is none, stale, forged or of another kind gives KAL_INVALID_HANDLE, and nothing else happens;
 * freeing it does nothing. Handles may be freed in any order and on any thread. What a handle gives (JSON text, structs,
 * strings) belongs to the handle, never changes, may be read by any thread, and is gone when the handle is freed.
 * Every call that succeeds gives one kal_result: free it once with kal_result_free.
 *
 * ERRORS
 *
 * Every function that can fail returns a kal_status and takes a kal_error * last; NULL is fine. It is written on success too
 * (to none), so it never holds garbage. On failure, kal_error_get tells everything known: status, HTTP status, tries, whether
 * it is worth trying again, the server's own code and body. Free it with kal_error_free. The other out parameters are
 * written with none or 0 on failure. Nothing is thread-local, nothing is printed, no errno is set.
 * Any function may also return KAL_INVALID_HANDLE, KAL_INVALID_ARGUMENT, KAL_INVALID_UTF8, KAL_FORKED, KAL_INTERNAL and
 * KAL_PANIC; a function that asks the server may return any status from 200 up.
 * Passing NULL where the docs do not allow it is KAL_INVALID_ARGUMENT, and the message names the argument.
 *
 * OPTIONS
 *
 *     kal_client_options options = KAL_CLIENT_OPTIONS_INIT;
 *     options.base_url = "http://127.0.0.1:8080";
 *
 * Structs that may grow begin with their own size, which the initialiser sets. Zero means "default" for every field.
 *
 * EVENT LOOPS: CALLS THAT DO NOT BLOCK
 *
 *     if (kal_queue_open(&queue, &error) != KAL_OK ||
 *         kal_submit(client, "workspace.get_members", NULL, NULL, queue, my_data, &error) != KAL_OK)
 *         goto failed;
 *     // ... wait with poll, select or epoll until kal_queue_fd(queue) is readable, then:
 *     kal_completion done = KAL_COMPLETION_INIT;
 *     while (kal_queue_next(queue, 0, &done, NULL) == KAL_OK) {
 *         // done.user_data is my_data; done.status, done.result and done.error are the call's
 *         kal_result_free(done.result);
 *         kal_error_free(done.error);
 *     }
 *
 * Each submitted call completes exactly once, cancelled or not. There are no callbacks on foreign threads: the host picks
 * completions up on its own thread, when it likes. A call of either kind is cancelled through a kal_cancel in its options.
 *
 * FOLLOWING EVENTS
 *
 *     // NULL cursor: from now on
 *     if (kal_workspace_follow_events(client, NULL, saved_cursor, NULL, &stream, &error) != KAL_OK)
 *         goto failed;
 *     while (running) {
 *         kal_status status = kal_stream_next(stream, 60000, &result, &error);
 *         if (status == KAL_OK) {
 *             // kal_result_workspace_events(result, &count): one or more events that were not given before
 *             kal_result_free(result);
 *             // keep kal_stream_cursor(stream): another process goes on from there, with nothing lost and nothing twice
 *         } else if (status != KAL_TIMED_OUT && !kal_error_get(error)->retryable) {
 *             break;                                 // it would fail again; kal_error_get(error)->message says why
 *         }
 *         kal_error_free(error);                     // always: a request that timed out has one, and none is fine
 *     }
 *
 * kal_workspace_stream_events gives every event that there is, page after page, and ends with KAL_DONE; its cursor may be
 * followed, too. No page is fetched before it is asked for.
 *
 * RETRIES
 *
 * A request is sent again after HTTP 408, 429, 500, 502, 503 and 504, when the name was not found or no connection could be
 * opened, and when the connection was lost before the answer was complete. That goes for every GET, those of streams included,
 * and for a sign-in with the credentials; a refresh token is sent again only if no connection was opened, else the credentials
 * take its place. Other statuses, TLS failures and answers that make no sense are told at once.
 *
 * There are max_attempts tries (6), and waits of 250 ms (retry_wait_ms), 500 ms, 1, 2 and 4 s between them, doubling up to 20 s:
 * a server that restarts is waited for, four to eight seconds in all. After a 429 they are four times as long. Each is
 * shortened at random by up to half, so that clients do not come back in step, but never below the server's Retry-After. A
 * wait that would end after the call's deadline is not begun: the call fails at once, with the last answer and its
 * retry_after_ms. All calls of a client share a quota of 500, of which a retry takes 14 (after a 429, 5) and to which a
 * success gives back 1: when everything fails, 35 are sent again, and the rest fails at once. kal_stats counts the retries.
 *
 * A token that the server refuses (401) is replaced and the call repeated once; that is no retry. A call has no limit but its own
 * timeout_ms: a sign-in that calls share goes on while one of them has time. A token request that stays unanswered for 10 s, or
 * a refresh for three quarters of the time of those who wait, gets another one beside it, and the first good answer counts.
 *
 * THREADS
 *
 * The library is thread-safe: every function may be called from any thread at any time, with the same handles. Threads that
 * miss the cache at the same time share one request. The library starts one thread of its own at the first request, and up to
 * 64 short-lived ones to look up names: one for each name that is being looked up, whoever waits for it. A lookup that hangs
 * keeps its thread, as getaddrinfo cannot be interrupted; the calls that wait for it end in their time. A host's thread only
 * hands over and waits: 16 KiB of stack (PTHREAD_STACK_MIN) are enough for every function. Blocking calls from within a
 * callback of the library give KAL_WOULD_DEADLOCK.
 *
 * SIGNALS
 *
 * No handler is installed and no disposition is changed, that of SIGPIPE neither. On the library's threads all signals are
 * blocked but the fatal ones (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS): no handler of yours runs there, and a
 * server that resets a connection raises no SIGPIPE. A signal does not end a call early. No function may be called from a
 * signal handler.
 *
 * FORK, UNLOAD, EXIT
 *
 * fork may come at any time, while other threads are inside the library too. In the child, handles of the parent give
 * KAL_FORKED, and freeing them does nothing; a client opened in the child works. The parent notices nothing.
 * dlclose is safe at any time, and does not unmap the library (it is linked with -z nodelete); dlopen finds it
 * again. kal_shutdown ends the library's threads, and the next call starts them again. A program may exit at any time; no
 * atexit work is done.
 *
 * LIMITS
 *
 * An answer is at most max_response_bytes long after decompression (256 MiB unless set), that of the sign-in 64 KiB, and one
 * record 8 MiB. The records of an answer, C structs included, take at most twice max_response_bytes and 64 KiB besides its
 * text; reading it as JSON takes its length once more. So one answer never takes more than four times max_response_bytes.
 * A server that sends more, without end or by compression, gets KAL_RESPONSE_TOO_LARGE, one that sends more than 100 header
 * lines KAL_BAD_HTTP, one that sends nothing KAL_TIMED_OUT when timeout_ms is up. What a request asks for has at most 65,534
 * bytes with all its filters. A list passed in has at most 1,048,576 elements. There may be 16,777,200 handles. When memory
 * runs out, the process is aborted.
 */

#ifndef KALEIDOSCOPE_H
#define KALEIDOSCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; kal_version() is that of the library which is loaded. */
#define KAL_VERSION_MAJOR 0
#define KAL_VERSION_MINOR 1
#define KAL_VERSION_PATCH 0
#define KAL_VERSION "0.1.0"
#define KAL_VERSION_NUMBER (KAL_VERSION_MAJOR << 16 | KAL_VERSION_MINOR << 8 | KAL_VERSION_PATCH)

/* How functions are imported. Nothing has to be defined to link with the shared or the static library. */
#ifndef KAL_API
#  if defined(__GNUC__) || defined(__clang__)
#    define KAL_API __attribute__((visibility("default")))
#  else
#    define KAL_API
#  endif
#endif

/* A status that nobody looks at is a warning. */
#ifndef KAL_NODISCARD
#  if defined(__GNUC__) || defined(__clang__)
#    define KAL_NODISCARD __attribute__((warn_unused_result))
#  elif defined(__cplusplus) && __cplusplus >= 201703L
#    define KAL_NODISCARD [[nodiscard]]
#  else
#    define KAL_NODISCARD
#  endif
#endif

/* `kal_client none = KAL_NONE;` for every handle type. */
#define KAL_NONE { 0 }

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* --- STATUS AND HANDLES ---------------------------------------------------------------------------------------------- */

// What a call came to. Never a C enum: a later version may add members.
//
// 0 is done; 1-99 is no failure; 100-199 the call is wrong and nothing was sent; 200-299 transport; 300-399 sign-in;
// 400-599 is the HTTP status that the API answered with, as it is; 600-699 the API's answer cannot be used;
// 900-999 a defect of this library. Numbers are never reused or renumbered.
typedef int32_t kal_status;

// Done.
#define KAL_OK 0

// Not a failure: a stream has ended.
#define KAL_DONE 1

// An argument is wrong; the message names it.
#define KAL_INVALID_ARGUMENT 100

// The handle is none, was freed, was never given out or is of another kind.
#define KAL_INVALID_HANDLE 101

// A string argument is not UTF-8; the message names it.
#define KAL_INVALID_UTF8 102

// The call does not fit the state of the object, for example because it was closed meanwhile.
#define KAL_INVALID_STATE 103

// Neither the options nor the environment give credentials.
#define KAL_NO_CREDENTIALS 104

// A blocking call was made from within one of the library's callbacks.
#define KAL_WOULD_DEADLOCK 105

// The handle was made before `fork()`, in the parent process.
#define KAL_FORKED 106

// `kal_call`: there is no method of that name.
#define KAL_UNKNOWN_METHOD 107

// The host's name was not found.
#define KAL_RESOLVE_FAILED 200

// No connection to the host (or the proxy). When the proxy refused to make one, `http_status` is what it answered; but a 407, which
// means the proxy's user and password, is the status 407 itself (`KAL_HTTP_4XX`).
#define KAL_CONNECT_FAILED 201

// TLS failed: certificate not trusted, expired or of another host; handshake refused.
#define KAL_TLS_FAILED 202

// The call's time was up.
#define KAL_TIMED_OUT 203

// The call was cancelled, or its client or queue closed.
#define KAL_CANCELLED 204

// The connection broke before the answer was complete.
#define KAL_CONNECTION_LOST 205

// The answer is longer than `max_response_bytes`, its records take more than twice as much memory, or one of them is longer
// than 8 MiB.
#define KAL_RESPONSE_TOO_LARGE 206

// What came back is not HTTP, or not HTTP that makes sense.
#define KAL_BAD_HTTP 207

// The token endpoint refused to sign in; `http_status` and `body` say how.
#define KAL_AUTH_FAILED 300

// HTTP 400.
#define KAL_BAD_REQUEST 400

// HTTP 401, after one recovery with a new token.
#define KAL_UNAUTHORIZED 401

// HTTP 403.
#define KAL_FORBIDDEN 403

// HTTP 404; also a workspace answered without a body, and `KAL_CACHE_ONLY` with nothing cached.
#define KAL_NOT_FOUND 404

// HTTP 405.
#define KAL_METHOD_NOT_ALLOWED 405

// HTTP 408.
#define KAL_REQUEST_TIMEOUT 408

// HTTP 409.
#define KAL_CONFLICT 409

// HTTP 410.
#define KAL_GONE 410

// HTTP 413.
#define KAL_CONTENT_TOO_LARGE 413

// HTTP 422.
#define KAL_UNPROCESSABLE 422

// HTTP 429; `retry_after_ms` says how long to wait, if the server did.
#define KAL_RATE_LIMITED 429

// HTTP 500.
#define KAL_SERVER_ERROR 500

// HTTP 501.
#define KAL_NOT_IMPLEMENTED 501

// HTTP 502.
#define KAL_BAD_GATEWAY 502

// HTTP 503.
#define KAL_SERVICE_UNAVAILABLE 503

// HTTP 504.
#define KAL_GATEWAY_TIMEOUT 504

// The server answered, but not with what the method needs: no JSON, JSON of another shape, no body, a `Content-Encoding`
// other than gzip, another status of 3xx, or a redirect (never followed, because it would carry the token to another host; the
// message says where it points).
#define KAL_BAD_RESPONSE 600

// A defect of this library: please report it with the message.
#define KAL_INTERNAL 900

// A defect of this library, caught before it could unwind into the caller: please report it with the message.
#define KAL_PANIC 901

// The name of a status, such as `"KAL_NOT_FOUND"`. Never NULL, never to be freed. A status that has no name of its own
// gives `"KAL_HTTP_4XX"`, `"KAL_HTTP_5XX"` or `"KAL_UNKNOWN_STATUS"`.
KAL_API
const char *kal_status_name(kal_status status);

// A client: one set of credentials, one workspace, one cache. `id` 0 is none.
typedef struct kal_client {
    // Opaque.
    uint64_t id;
} kal_client;

// What a successful call gave. `id` 0 is none.
typedef struct kal_result {
    // Opaque.
    uint64_t id;
} kal_result;

// Everything known about a failure. `id` 0 is none.
typedef struct kal_error {
    // Opaque.
    uint64_t id;
} kal_error;

// A stream of events. `id` 0 is none.
typedef struct kal_stream {
    // Opaque.
    uint64_t id;
} kal_stream;

// A queue of completions of submitted calls. `id` 0 is none.
typedef struct kal_queue {
    // Opaque.
    uint64_t id;
} kal_queue;

// A means to cancel calls. `id` 0 is none.
typedef struct kal_cancel {
    // Opaque.
    uint64_t id;
} kal_cancel;

/* --- CLIENT ---------------------------------------------------------------------------------------------------------- */

// Gives the Google IAP ID token, for servers behind an identity-aware proxy.
//
// Writes at most `capacity` bytes of token (16 KiB; no NUL needed) to `buffer`, its length to `length`, and returns `KAL_OK`; any
// other status fails the call with `KAL_AUTH_FAILED`. Called on the thread that makes a call (never on the library's own),
// before the request is sent, by one thread at a time. It is asked again after 50 minutes (time that the machine slept counts),
// earlier where the token is a JWT whose `exp` comes earlier, and when the proxy refuses the token.
//
// That is a 401, a 403 or a redirect to its login that Google's proxy marks as its own, a 403 that is no JSON object, a 401 or 403
// that remains after the library has signed in anew, or one of the token endpoint without an OAuth error code. A call that blocks,
// `kal_stream_next` included, asks for another token then and is repeated once. What was submitted fails with that status, and
// is `retryable` if the token was good before: the next submission asks.
//
// The other calls of the client wait for what that thread gets, and share its failure; `kal_submit` and
// `kal_stream_submit_next` return at once. Their deadlines, their cancels and `kal_client_close` hold meanwhile. The call on
// whose thread the function runs cannot be interrupted, but the time counts: it ends with `KAL_TIMED_OUT` afterwards if it has
// none left.
//
// The function must return: no `longjmp`, no exception. Within it, and within a log callback, every call on any client that
// would wait or needs a token from a provider gives `KAL_WOULD_DEADLOCK`; what is cached can be read.
typedef kal_status (*kal_token_provider)(void *user_data, char *buffer, size_t capacity, size_t *length);

// A header that is sent with every request.
typedef struct kal_header {
    // The header's name.
    const char *name;
    // The header's value, of at most 16 KiB; never shown in errors or logs.
    const char *value;
} kal_header;

// Take the proxy from the environment, as curl does: `https_proxy` or `HTTPS_PROXY` for an https server, `http_proxy` (not
// `HTTP_PROXY`) for an http one, else `all_proxy` or `ALL_PROXY`, but for the hosts in `no_proxy` or `NO_PROXY`; the README has
// the details. Read when the client is opened. A variable that counts and is no http or https proxy is refused by its name
// (`KAL_INVALID_ARGUMENT`), never passed over. Without this flag, and with `proxy_url`, the environment is not looked at.
#define KAL_CLIENT_PROXY_FROM_ENV 1

// Do not check the server's certificate. Logged as a warning. For test benches only.
#define KAL_CLIENT_INSECURE_TLS 2

// Allow plain http to a host that is not loopback. Without it that is refused: the client secret would travel in clear.
#define KAL_CLIENT_ALLOW_HTTP 4

// How a client is opened. Begin with `kal_client_options o = KAL_CLIENT_OPTIONS_INIT;`. Zero means "default" for every
// field. Everything is copied: nothing needs to outlive `kal_client_open`, except what `iap_user_data` points to.
typedef struct kal_client_options {
    // `sizeof(kal_client_options)`, set by the initialiser.
    size_t struct_size;
    // NULL: environment `KALEIDOSCOPE_API_CLIENT_ID`.
    const char *client_id;
    // NULL: environment `KALEIDOSCOPE_API_CLIENT_SECRET`. At most 16 KiB.
    const char *client_secret;
    // NULL: environment `KALEIDOSCOPE_API_URL`, then `https://api.kaleidoscope.bio`. A path is kept as a prefix.
    const char *base_url;
    // Sent with every request, token requests included; they win over the library's own.
    const struct kal_header *headers;
    // The number of `headers`.
    size_t headers_len;
    // A PEM file of certificates that are trusted in addition to the system's roots.
    const char *ca_bundle_path;
    // `http://user:password@host:port` or `https://...`; read as the same text in the environment would be. NULL: no proxy, unless
    // `KAL_CLIENT_PROXY_FROM_ENV`.
    const char *proxy_url;
    // Put before the library's own user agent.
    const char *user_agent;
    // Name lookup, TCP, a proxy's tunnel and TLS handshakes together; default 10 000. The addresses of a name are tried by turns,
    // the next one 250 ms after the one before or less, within this time.
    uint32_t connect_timeout_ms;
    // One whole call: sign-in, retries and waits included; default 60 000. `kal_call_options` may give a call a time of its own,
    // less or more.
    uint32_t timeout_ms;
    // Tries per request; default 6, 1 means never retry. See RETRIES at the top of this header.
    uint32_t max_attempts;
    // `KAL_CLIENT_*`; an unknown flag is refused.
    uint32_t flags;
    // The longest answer taken, in bytes after decompression; default 256 MiB, at most 4 GiB - 1. The records made of it may
    // take twice as much besides. `KAL_RESPONSE_TOO_LARGE` beyond either.
    uint64_t max_response_bytes;
    // 0: cached reads never expire by themselves.
    uint64_t cache_ttl_ms;
    // Google IAP: called for the ID token. NULL: no IAP.
    kal_token_provider iap_token_provider;
    // Handed to `iap_token_provider` as it is; must be valid until the client is closed and its last call has returned.
    void *iap_user_data;
    // How many requests of this client may be on the wire at once; default 64. More wait their turn, under their deadline.
    uint32_t max_in_flight;
    // Room for a later field; must be 0.
    uint32_t reserved;
    // The first wait before a request is sent again, in milliseconds; default 250. It doubles from try to try up to 20 s, is four
    // times as long after a 429, and is shortened at random by up to half.
    uint64_t retry_wait_ms;
} kal_client_options;

#define KAL_CLIENT_OPTIONS_INIT { sizeof(kal_client_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

// What a client did since it was opened.
typedef struct kal_stats {
    // `sizeof(kal_stats)`, set by the initialiser.
    size_t struct_size;
    // HTTP requests sent, token requests and retries included.
    uint64_t requests;
    // How many of them were retries.
    uint64_t retries;
    // How many of them were token requests.
    uint64_t token_requests;
    // Calls answered from the cache.
    uint64_t cache_hits;
    // Calls that waited for another call's request instead of sending their own.
    uint64_t shared_requests;
    // Bytes of answers received, after decompression.
    uint64_t bytes_received;
} kal_stats;

#define KAL_STATS_INIT { sizeof(kal_stats), 0, 0, 0, 0, 0, 0 }

// Opens a client. No I/O: names, certificates and credentials are first used by the first call.
//
// `options` NULL: everything from the environment and the defaults. On success `*client` owns the client; close it with
// `kal_client_close`. `KAL_NO_CREDENTIALS`, `KAL_INVALID_ARGUMENT`, `KAL_INVALID_UTF8`.
KAL_API
KAL_NODISCARD
kal_status kal_client_open(const struct kal_client_options *options,
                           struct kal_client *client,
                           struct kal_error *error);

// Closes a client. Its calls that are still under way end with `KAL_CANCELLED`; results, errors and streams that came from
// it stay valid until they are freed themselves. None and stale handles are accepted quietly.
KAL_API
void kal_client_close(struct kal_client client);

// Writes the client's figures to `stats`, whose `struct_size` says how much of it the caller knows.
KAL_API
KAL_NODISCARD
kal_status kal_client_stats(struct kal_client client,
                            struct kal_stats *stats,
                            struct kal_error *error);

/* --- WORKSPACE ------------------------------------------------------------------------------------------------------- */

// How one call is made. NULL wherever it is taken: all defaults.
typedef struct kal_call_options {
    // `sizeof(kal_call_options)`, set by the initialiser.
    size_t struct_size;
    // For the whole call, in milliseconds; 0: the client's.
    uint32_t timeout_ms;
    // `KAL_CACHE_*`. Calls that are not cached take no notice of it, but `KAL_CACHE_ONLY` gives `KAL_NOT_FOUND`.
    int32_t cache;
    // Cancels the call when fired; none: it cannot be cancelled.
    struct kal_cancel cancel;
} kal_call_options;

#define KAL_CALL_OPTIONS_INIT { sizeof(kal_call_options), 0, KAL_CACHE_USE, KAL_NONE }

// Which events to get. Unset filters are not sent. NULL wherever it is taken: no filter.
typedef struct kal_events_query {
    // `sizeof(kal_events_query)`, set by the initialiser.
    size_t struct_size;
    // The page's number; 0: not sent, the server gives its first page.
    int32_t page;
    // Events a page; 0: not sent, the server decides.
    int32_t page_size;
    // Only events of these types, such as `"create"`.
    const char *const *event_types;
    // The number of `event_types`; 0: not sent.
    size_t event_types_len;
    // Only events about resources of this type, such as `"task"`.
    const char *resource_type;
    // Only events of these users.
    const char *const *event_user_ids;
    // The number of `event_user_ids`; 0: not sent.
    size_t event_user_ids_len;
    // RFC 3339, or a bare date; checked before anything is sent. Whether the bound is inclusive is the server's affair.
    const char *after_date;
    // As `after_date`.
    const char *before_date;
} kal_events_query;

#define KAL_EVENTS_QUERY_INIT { sizeof(kal_events_query), 0, 0, 0, 0, 0, 0, 0, 0, 0 }

// The workspace of the credentials. Cached. Read it with `kal_result_workspace`.
//
// `KAL_NOT_FOUND` also when the server answers without a body; that is not cached.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_workspace(struct kal_client client,
                                       const struct kal_call_options *options,
                                       struct kal_result *result,
                                       struct kal_error *error);

// All members of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_users`.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_members(struct kal_client client,
                                     const struct kal_call_options *options,
                                     struct kal_result *result,
                                     struct kal_error *error);

// The members with these ids, taken from the cached list of all: in the server's order, each once; unknown ids are left out.
//
// `ids` may be NULL when `ids_len` is 0. Read them with `kal_result_workspace_users`.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_members_by_ids(struct kal_client client,
                                            const char *const *ids,
                                            size_t ids_len,
                                            const struct kal_call_options *options,
                                            struct kal_result *result,
                                            struct kal_error *error);

// All groups of the workspace, in the server's order. Cached. Read them with `kal_result_workspace_groups`.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_groups(struct kal_client client,
                                    const struct kal_call_options *options,
                                    struct kal_result *result,
                                    struct kal_error *error);

// The groups with these ids, as `kal_workspace_get_members_by_ids`.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_groups_by_ids(struct kal_client client,
                                           const char *const *ids,
                                           size_t ids_len,
                                           const struct kal_call_options *options,
                                           struct kal_result *result,
                                           struct kal_error *error);

// One page of events. Not cached. Read them with `kal_result_workspace_events`.
//
// `query` NULL: no filter. An answer without a body is an empty list; a 404 is `KAL_NOT_FOUND`, like everywhere.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_get_events(struct kal_client client,
                                    const struct kal_events_query *query,
                                    const struct kal_call_options *options,
                                    struct kal_result *result,
                                    struct kal_error *error);

// Calls any method by its name: `kal_call(c, "workspace.get_events", "{\"page_size\":50}", NULL, &r, &e)`.
//
// `params_json` is a JSON object; NULL or `""`: no parameters. A parameter that is `null` counts as not given. The result
// reads as JSON and, where there is one, through the typed view. `KAL_UNKNOWN_METHOD`; `KAL_INVALID_ARGUMENT` naming the
// parameter that is unknown, missing or of the wrong type; and whatever the typed function gives.
KAL_API
KAL_NODISCARD
kal_status kal_call(struct kal_client client,
                    const char *method,
                    const char *params_json,
                    const struct kal_call_options *options,
                    struct kal_result *result,
                    struct kal_error *error);

// Every method that `kal_call` knows, as a JSON list: name, parameters with their types, whether it is cached, what it gives.
//
// Never NULL; static, never to be freed.
KAL_API
const char *kal_methods(void);

/* --- RESULTS --------------------------------------------------------------------------------------------------------- */

// `access_level`: null, absent or a word this version does not know; see `access_level_name`.
#define KAL_ACCESS_UNKNOWN 0

// `"admin"`
#define KAL_ACCESS_ADMIN 1

// `"team-member"`
#define KAL_ACCESS_TEAM_MEMBER 2

// `"guest"`
#define KAL_ACCESS_GUEST 3

// `"viewer"`
#define KAL_ACCESS_VIEWER 4

// `"deactivated"`
#define KAL_ACCESS_DEACTIVATED 5

// The workspace that the credentials belong to.
typedef struct kal_workspace {
    // Never NULL.
    const char *id;
    // NULL where the API has none.
    const char *workspace_name;
} kal_workspace;

// A member of the workspace.
typedef struct kal_workspace_user {
    // Never NULL.
    const char *id;
    // NULL where the API has none.
    const char *full_name;
    // NULL where the API has none.
    const char *preferred_name;
    // NULL where the API has none.
    const char *email;
    // `KAL_ACCESS_*`
    int32_t access_level;
    // The server's own word; NULL where the API has none.
    const char *access_level_name;
} kal_workspace_user;

// A group of members.
typedef struct kal_workspace_group {
    // Never NULL.
    const char *id;
    // NULL where the API has none.
    const char *group_name;
    // NULL where the API has none.
    const char *email;
    // The members' ids; never NULL, no element is NULL.
    const char *const *user_ids;
    // The number of `user_ids`.
    size_t user_ids_len;
    // The programs' ids; never NULL, no element is NULL.
    const char *const *program_ids;
    // The number of `program_ids`.
    size_t program_ids_len;
} kal_workspace_group;

// Something that happened in the workspace.
typedef struct kal_workspace_event {
    // Never NULL.
    const char *id;
    // Such as `"create"`; NULL where the API has none.
    const char *event_type;
    // -1: absent, or no integer; a -1 from the server looks the same here, the JSON tells them apart.
    int64_t event_type_version;
    // As the server wrote it; NULL where the API has none.
    const char *created_at;
    // The same in microseconds since 1970-01-01 UTC (a time without an offset is taken as UTC); `INT64_MIN`:
    // absent, or `created_at` is no time (RFC 3339, or Unix seconds or milliseconds), which is logged as a warning.
    int64_t created_at_us;
    // The acting user; NULL where the API has none.
    const char *event_user_id;
    // The acting user's name; NULL where the API has none.
    const char *full_name;
    // The acting user's preferred name; NULL where the API has none.
    const char *preferred_name;
    // What it happened to; NULL where the API has none.
    const char *resource_id;
    // Such as `"task"`; NULL where the API has none.
    const char *resource_type;
    // Set when the event is part of a bulk event, else NULL.
    const char *parent_bulk_event_id;
    // JSON object text, its shape depends on `event_type`; never NULL, `{}` where the API has none.
    const char *event_attrs;
    // 1, 0, or -1: absent, or no boolean.
    int8_t is_bot;
    // 1, 0, or -1: absent, or no boolean.
    int8_t is_bulk;
} kal_workspace_event;

// The JSON text of a result, NUL-terminated UTF-8; its length goes to `len` (may be NULL).
//
// It is what the server sent, byte for byte for a whole answer and element by element for a filtered one. NULL with
// `*len = 0` for a handle that is none, stale or no result. Valid and unchanging until the result is freed; the first
// call makes the text, later ones give it again.
KAL_API
const char *kal_result_json(struct kal_result result,
                            size_t *len);

// The workspace, or NULL when the result holds something else or the handle is none or stale.
// Valid and unchanging until the result is freed.
KAL_API const struct kal_workspace *kal_result_workspace(struct kal_result result);

// The members: an array of pointers, its length in `len` (may be NULL).
//
// NULL with `*len = 0` when the result holds something else or the handle is none or stale; an empty list is a non-NULL
// pointer with `*len = 0`. Valid and unchanging until the result is freed.
KAL_API
const struct kal_workspace_user *const *kal_result_workspace_users(struct kal_result result,
                                                                   size_t *len);

// The groups, as `kal_result_workspace_users`.
KAL_API
const struct kal_workspace_group *const *kal_result_workspace_groups(struct kal_result result,
                                                                     size_t *len);

// The events, as `kal_result_workspace_users`.
KAL_API
const struct kal_workspace_event *const *kal_result_workspace_events(struct kal_result result,
                                                                     size_t *len);

// Frees a result and everything it gave. None and stale handles are accepted quietly.
KAL_API void kal_result_free(struct kal_result result);

/* --- ERRORS ---------------------------------------------------------------------------------------------------------- */

// Everything known about a failure. The strings belong to the error.
typedef struct kal_error_info {
    // What the call returned.
    kal_status status;
    // That of the response, if the head of one came, also where its body broke; else 0.
    int32_t http_status;
    // Tries made, 1 without a retry; 0 if nothing was sent.
    int32_t attempts;
    // Worth trying again later as it is.
    bool retryable;
    // How long the server asked to wait (`Retry-After`), in milliseconds; -1 if it did not. A date counts from the answer's own
    // `Date`, or else from now. At most 136 years.
    int64_t retry_after_ms;
    // One English sentence, no secret in it. Never NULL.
    const char *message;
    // Such as `"GET"`; NULL if nothing was sent.
    const char *method;
    // Path and query, secrets redacted; NULL if nothing was sent.
    const char *url;
    // The server's own error code, if its body had one; else NULL.
    const char *code;
    // From the response headers, if any; else NULL.
    const char *request_id;
    // The response body as received (secrets of this client redacted, and their beginnings from 8 bytes on), NUL-terminated, up to
    // 64 KiB; NULL if there was none. That of an error is read for at most a second, and kept as far as it came.
    const char *body;
    // Its length in bytes, without the NUL.
    size_t body_len;
} kal_error_info;

// Everything known about a failure; NULL when the handle is none or stale. Valid and unchanging until the error is freed.
KAL_API
const struct kal_error_info *kal_error_get(struct kal_error error);

// Frees an error and its strings. None and stale handles are accepted quietly.
KAL_API void kal_error_free(struct kal_error error);

/* --- CACHE ----------------------------------------------------------------------------------------------------------- */

// Answer from the cache, and ask the server only when nothing is there.
#define KAL_CACHE_USE 0

// Ask the server and keep the answer. When none comes (the request fails, or everybody who waits for it gives up, out of time
// or cancelled), what was cached is dropped. A call that fails before it asks leaves the cache as it is.
#define KAL_CACHE_REFRESH 1

// Never ask the server: `KAL_NOT_FOUND` where nothing is cached.
#define KAL_CACHE_ONLY 2

// Forgets everything cached. Results already handed out stay valid; a request under way is not kept when it comes back.
KAL_API
KAL_NODISCARD
kal_status kal_client_clear_caches(struct kal_client client,
                                   struct kal_error *error);

/* --- STREAMS --------------------------------------------------------------------------------------------------------- */

// Opens a stream of every event that matches `query`, each exactly once, page after page, even while new events arrive.
//
// No I/O: `kal_stream_next` fetches a page when it is asked for one. All events that there were at the first request come,
// in the server's order; of those that arrive later some come too. Free the stream with `kal_stream_free`.
//
// `query` NULL: no filter. `query->page` must be 0: the stream finds the numbers of the pages by itself; `page_size` is passed
// on. `options->timeout_ms` is for each request, `options->cancel` for the whole stream. Memory does not grow with the number
// of events.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_stream_events(struct kal_client client,
                                       const struct kal_events_query *query,
                                       const struct kal_call_options *options,
                                       struct kal_stream *stream,
                                       struct kal_error *error);

// Opens a stream of the events that match `query` as they happen. It never ends.
//
// It begins where `cursor` was taken, a text of `kal_stream_cursor` from this or another process, with nothing lost and
// nothing given twice. Without one (NULL) it begins at `query->after_date`, or else at the present, which is the end of the
// first round of requests. The cursor of `kal_workspace_stream_events` does too: first come the events that it had left, then
// the new ones. The stream that the cursor was taken from must have had the same filters, except dates and `page_size`.
//
// While nothing new comes, it asks again after 1 s, 2 s, 4 s and so on up to 30 s (see `kal_stream_set_backoff`); a round is
// one small request as a rule. Each round looks back over the last 10 seconds before the newest event, so an event that shows
// up late comes too, unless its `created_at` is longer than that before one that was already given.
//
// `query->page` must be 0 and `query->before_date` NULL; otherwise as `kal_workspace_stream_events`. A text that is no cursor,
// or one of other filters, is `KAL_INVALID_ARGUMENT` naming `cursor`.
KAL_API
KAL_NODISCARD
kal_status kal_workspace_follow_events(struct kal_client client,
                                       const struct kal_events_query *query,
                                       const char *cursor,
                                       const struct kal_call_options *options,
                                       struct kal_stream *stream,
                                       struct kal_error *error);

// Gives the next page of a stream: one or more events that were not given before, never none. Read them with
// `kal_result_workspace_events` or `kal_result_json`, and free the result.
//
// - `KAL_OK`: `*result` is the page.
// - `KAL_DONE`: the stream has ended; so says every later call. A stream that follows never ends.
// - `KAL_TIMED_OUT`: nothing yet after `timeout_ms` milliseconds. No error is given then; if one is, a request took longer than
//   the call options allow. A page that is on its way is not lost: the next call gets it.
// - `KAL_CANCELLED`: `options->cancel` was fired, the client was closed, or another thread freed the stream.
// - `KAL_INVALID_STATE`: another thread is in `kal_stream_next` with this stream, or a submitted call waits for its next page.
// - `KAL_BAD_RESPONSE`, also when the server's pages repeat themselves and never end.
// - Any other status: a request failed, after its retries. Nothing is lost: the next call asks again, on a stream that follows
//   after the wait that is due. Where the server asked for a wait (`retry_after_ms` of the error), the stream asks nothing before
//   that is over, hours if need be, and says `KAL_TIMED_OUT` until then; another stream from the cursor does not know of it.
//
// `timeout_ms` 0: does not wait for news. It asks at once, for one round, takes no longer than one request may
// (`options->timeout_ms`, or the client's), and gives `KAL_TIMED_OUT` when there is nothing new, or when it is not the time to ask.
//
// One thread at a time; any thread.
KAL_API
KAL_NODISCARD
kal_status kal_stream_next(struct kal_stream stream,
                           uint32_t timeout_ms,
                           struct kal_result *result,
                           struct kal_error *error);

// Where the stream is, as text: behind the last page that `kal_stream_next` or `kal_queue_next` gave you. Keep it when the page
// is dealt with, and `kal_workspace_follow_events` goes on from there, in another process, after any time. A page that nobody
// picked up, in a queue or in one that was closed, is always after the cursor, and so are the pages after it.
//
// It is one line of UTF-8, opaque, and mostly short; with many events of the same time it holds up to 1,000 of their ids
// (64 KiB). Should more than that lie within the last 10 seconds before the newest event, then events of these seconds that
// show up late may be missed. Some events may be given twice after a resume when more than 500 have one and the same time, or
// more than 1,000 arrive in the course of one round or come on pages of which none shows two times. Nothing else is ever lost
// or repeated. Events without `created_at` are told apart by their ids alone: the last 1,000 of them are remembered.
//
// Of a stream that follows from the present, keep it once `kal_stream_next` has returned the first time, with `KAL_TIMED_OUT`
// too: before that, the present is where the next process begins. NULL for none and stale handles. It belongs to the stream;
// valid and unchanging until `kal_stream_next`, `kal_stream_submit_next` or `kal_stream_free` is called on the stream next.
// Other calls of `kal_stream_cursor`, on any thread, leave it as it is, and so does a page that arrives.
KAL_API
const char *kal_stream_cursor(struct kal_stream stream);

// Sets the shortest and the longest wait between two rounds of a stream that follows, in milliseconds, from the next wait on.
//
// 0: the default, 1,000 and 30,000. `KAL_INVALID_ARGUMENT` when both are given and `min_ms` is more. Other streams do not wait.
KAL_API
KAL_NODISCARD
kal_status kal_stream_set_backoff(struct kal_stream stream,
                                  uint32_t min_ms,
                                  uint32_t max_ms,
                                  struct kal_error *error);

// Frees a stream. Its results stay valid; a thread that waits in `kal_stream_next` gets `KAL_CANCELLED`. None and stale
// handles are accepted quietly.
KAL_API
void kal_stream_free(struct kal_stream stream);

/* --- QUEUE ----------------------------------------------------------------------------------------------------------- */

// A submitted call that is over. Begin with `kal_completion c = KAL_COMPLETION_INIT;`.
typedef struct kal_completion {
    // `sizeof(kal_completion)`, set by the initialiser.
    size_t struct_size;
    // What was given to `kal_submit`.
    void *user_data;
    // How the call ended.
    kal_status status;
    // What it gave; yours to free. None unless `status` is `KAL_OK`.
    struct kal_result result;
    // Everything known about its failure; yours to free. None when there was no failure.
    struct kal_error error;
} kal_completion;

#define KAL_COMPLETION_INIT { sizeof(kal_completion), 0, KAL_OK, KAL_NONE, KAL_NONE }

// Opens a queue of completions. Close it with `kal_queue_close`.
KAL_API KAL_NODISCARD kal_status kal_queue_open(struct kal_queue *queue, struct kal_error *error);

// A descriptor that is readable while completions wait: for poll, select, epoll, and the loops of GUIs and Tcl.
//
// It belongs to the queue: do not read it, write it or close it. -1 when the handle is none or stale.
KAL_API
int kal_queue_fd(struct kal_queue queue);

// Starts a call and returns at once; its completion comes to `queue`, exactly once, whatever happens to it.
//
// `method` and `params_json` as in `kal_call`; `user_data` comes back in the completion. When the status is not `KAL_OK`
// nothing was started and no completion comes. Any number of calls may be submitted; `max_in_flight` of them are on the wire
// at once. An answer that is cached completes at once. Cancel it through the options' `cancel`. With an `iap_token_provider`,
// that is called here when a token is due: `KAL_AUTH_FAILED`, `KAL_TIMED_OUT` when it took all the time, and
// `KAL_WOULD_DEADLOCK` within a callback.
KAL_API
KAL_NODISCARD
kal_status kal_submit(struct kal_client client,
                      const char *method,
                      const char *params_json,
                      const struct kal_call_options *options,
                      struct kal_queue queue,
                      void *user_data,
                      struct kal_error *error);

// Starts `kal_stream_next` and returns at once; its completion comes to `queue`, exactly once.
//
// The completion's status is `KAL_OK` with a page, `KAL_DONE` at the end, `KAL_TIMED_OUT` when nothing came within
// `timeout_ms`, or a failure. One call at a time waits for a stream's next page: `KAL_INVALID_STATE` while another does.
// The stream's cursor moves when `kal_queue_next` gives you the page, not when it arrives. With an `iap_token_provider`, which is
// called here when a token is due, it waits for five minutes at most. `KAL_WOULD_DEADLOCK` as for `kal_submit`.
// When the status returned here is not `KAL_OK`, nothing was started and no completion comes.
KAL_API
KAL_NODISCARD
kal_status kal_stream_submit_next(struct kal_stream stream,
                                  uint32_t timeout_ms,
                                  struct kal_queue queue,
                                  void *user_data,
                                  struct kal_error *error);

// Takes the next completion, waiting up to `timeout_ms` milliseconds for it; 0 does not wait.
//
// `KAL_OK`: `*completion` is filled, its result and error are yours to free. `KAL_TIMED_OUT`: there is none yet (this is no
// failure: no error is given). `KAL_CANCELLED`: another thread closed the queue. `KAL_WOULD_DEADLOCK` when asked to wait
// within a callback. `KAL_INVALID_STATE`: there is no room for another handle; the completion stays in the queue.
KAL_API
KAL_NODISCARD
kal_status kal_queue_next(struct kal_queue queue,
                          uint32_t timeout_ms,
                          struct kal_completion *completion,
                          struct kal_error *error);

// Closes a queue: its calls that are under way are cancelled, completions that wait are freed. A stream's page among them is
// not lost: the stream gives it again. None and stale handles are accepted quietly.
KAL_API
void kal_queue_close(struct kal_queue queue);

/* --- CANCEL ---------------------------------------------------------------------------------------------------------- */

// Makes a means to cancel: put it into `kal_call_options.cancel` of any number of calls. Close it with `kal_cancel_close`.
KAL_API
KAL_NODISCARD
kal_status kal_cancel_open(struct kal_cancel *cancel,
                           struct kal_error *error);

// Ends every call made with it with `KAL_CANCELLED`, and every call that is made with it later. A request that other calls
// wait for too goes on for them. Firing again, or firing none or a stale handle, does nothing.
KAL_API
void kal_cancel_fire(struct kal_cancel cancel);

// Frees it without firing. None and stale handles are accepted quietly.
KAL_API void kal_cancel_close(struct kal_cancel cancel);

/* --- LOG ------------------------------------------------------------------------------------------------------------- */

// Nothing.
#define KAL_LOG_OFF 0

// Defects of the library.
#define KAL_LOG_ERROR 1

// What a user should change, such as certificates that are not checked.
#define KAL_LOG_WARN 2

// Retries, sign-ins, recoveries.
#define KAL_LOG_INFO 3

// Every request.
#define KAL_LOG_DEBUG 4

// Takes one line of the log: no line break at its end, no secret in it. `message` is valid during the call only.
//
// Called on whatever thread has something to say, the library's own included, possibly on several at once. It must return
// soon, and a blocking call back into the library gives `KAL_WOULD_DEADLOCK`, as does one that needs a token of an
// `iap_token_provider`.
typedef void (*kal_log_callback)(void *user_data, int32_t level, const char *message);

// Sends the library's log to `callback`, from `level` (`KAL_LOG_*`) up; `KAL_LOG_OFF` or NULL ends it.
//
// When it returns, the former callback is not running and will not be called again. In a child made by `fork` there is no
// log until it is set there. `KAL_INVALID_ARGUMENT`, and `KAL_WOULD_DEADLOCK` from within a callback.
KAL_API
KAL_NODISCARD
kal_status kal_set_log(int32_t level,
                       kal_log_callback callback,
                       void *user_data);

/* --- LIBRARY --------------------------------------------------------------------------------------------------------- */

// The version of the library that is loaded, such as `"0.1.0"`; `KAL_VERSION` is that of the header. Static.
KAL_API const char *kal_version(void);

// The same as a number, to be compared with `KAL_VERSION_NUMBER`: `major << 16 | minor << 8 | patch`.
KAL_API uint32_t kal_version_number(void);

// Ends the library's thread and waits for it, for at most `timeout_ms` milliseconds. Never needed before a program exits.
//
// Calls under way end with `KAL_CANCELLED`. Handles stay valid, and the next call starts the thread again. Before a `fork`
// or a `dlclose` it leaves a process without any thread of the library. `KAL_TIMED_OUT` when the thread, or a name lookup
// that cannot be interrupted, did not end in time; it ends by itself. `KAL_WOULD_DEADLOCK` from within a callback.
KAL_API
KAL_NODISCARD
kal_status kal_shutdown(uint32_t timeout_ms);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KALEIDOSCOPE_H */
