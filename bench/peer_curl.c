/* The peer: the same calls written by hand on libcurl (one easy handle per thread, persistent connection) and yyjson. BENCH_FORM
 * selects the form of the records:
 *
 *   strdup   a new buffer for every body, structs with copied strings (the default)
 *   fresh    a new buffer for every body, parsed in place, structs that point into it
 *   insitu   the same with one buffer, grown once, and one array of structs, reused between calls
 *   dynamic  as insitu, with yyjson's memory reused as well
 *
 * Credentials and URL come from the environment, as for the library; so does SSL_CERT_FILE. */
#include <curl/curl.h>
#include <yyjson.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

typedef enum { FORM_STRDUP, FORM_FRESH, FORM_INSITU, FORM_DYNAMIC } form;

typedef struct {
    char *id, *full_name, *preferred_name, *email, *access_level_name;
    int32_t access_level;
} member;

typedef struct {
    char *id, *event_type, *created_at, *event_user_id, *full_name, *preferred_name, *resource_id, *resource_type,
        *parent_bulk_event_id;
    /* Copies the string in the strdup form; the other forms point into the document. */
    char *attrs_text;
    yyjson_val *attrs;
    int64_t event_type_version;
    int8_t is_bot, is_bulk;
} event;

typedef struct {
    char *bytes;
    size_t length, room;
} buffer;

/* Per thread. */
typedef struct {
    CURL *curl;
    struct curl_slist *headers;
    buffer body;
    void *records;
    size_t room;
    yyjson_alc *allocator;
} handle;

static struct {
    const char *url, *id, *secret, *roots;
    form form;
    char token[512];
} shared;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        bench_fail("%s is not set", name);
    return value;
}

static void *allocated(void *memory)
{
    if (memory == NULL)
        bench_fail("no memory");
    return memory;
}

static size_t take(char *bytes, size_t one, size_t count, void *user)
{
    handle *handle = user;
    buffer *body = &handle->body;
    size_t wanted = body->length + one * count + YYJSON_PADDING_SIZE;
    if (wanted > body->room) {
        curl_off_t announced = -1;
        /* Allocates Content-Length bytes at once, if it is known. */
        if (body->length == 0)
            curl_easy_getinfo(handle->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        size_t room = announced >= 0 ? (size_t)announced + YYJSON_PADDING_SIZE : body->room * 2;
        body->room = room > wanted ? room : wanted;
        body->bytes = allocated(realloc(body->bytes, body->room));
    }
    memcpy(body->bytes + body->length, bytes, one * count);
    body->length += one * count;
    return one * count;
}

static void perform(handle *handle, const char *path, const char *form_fields)
{
    char url[1024];
    long status = 0;
    snprintf(url, sizeof url, "%s%s", shared.url, path);
    curl_easy_setopt(handle->curl, CURLOPT_URL, url);
    if (form_fields)
        curl_easy_setopt(handle->curl, CURLOPT_POSTFIELDS, form_fields);
    else
        curl_easy_setopt(handle->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(handle->curl, CURLOPT_HTTPHEADER, form_fields ? NULL : handle->headers);
    handle->body.length = 0;
    CURLcode code = curl_easy_perform(handle->curl);
    if (code != CURLE_OK)
        bench_fail("libcurl: %s: %s", url, curl_easy_strerror(code));
    curl_easy_getinfo(handle->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        bench_fail("%s: status %ld: %.*s", url, status, (int)handle->body.length, handle->body.bytes);
}

static void new_handle(handle *handle)
{
    memset(handle, 0, sizeof *handle);
    handle->curl = allocated(curl_easy_init());
    curl_easy_setopt(handle->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(handle->curl, CURLOPT_WRITEDATA, handle);
    curl_easy_setopt(handle->curl, CURLOPT_TIMEOUT_MS, 60000L);
    curl_easy_setopt(handle->curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(handle->curl, CURLOPT_USERAGENT, "peer/1.0");
    /* The maximum of libcurl, so that large responses arrive in fewer pieces. */
    curl_easy_setopt(handle->curl, CURLOPT_BUFFERSIZE, 512L * 1024);
    /* libcurl itself does not read the variable. */
    if (shared.roots)
        curl_easy_setopt(handle->curl, CURLOPT_CAINFO, shared.roots);
}

static void sign_in(handle *handle)
{
    char fields[1024];
    snprintf(fields, sizeof fields, "grant_type=client_credentials&client_id=%s&client_secret=%s", shared.id, shared.secret);
    perform(handle, "/auth/oauth/token", fields);
    yyjson_doc *answer = yyjson_read(handle->body.bytes, handle->body.length, 0);
    const char *token = yyjson_get_str(yyjson_obj_get(yyjson_doc_get_root(answer), "access_token"));
    if (token == NULL)
        bench_fail("no token");
    snprintf(shared.token, sizeof shared.token, "X-Kal-Authorization: Bearer %s", token);
    yyjson_doc_free(answer);
}

static void signed_in(handle *handle)
{
    handle->headers = curl_slist_append(NULL, "Content-Type: application/json");
    handle->headers = curl_slist_append(handle->headers, "Accept: */*");
    handle->headers = curl_slist_append(handle->headers, shared.token);
    if (shared.form == FORM_DYNAMIC)
        handle->allocator = allocated(yyjson_alc_dyn_new());
}

void *bench_open(void)
{
    const char *name = getenv("BENCH_FORM");
    static const char *const names[] = { "strdup", "fresh", "insitu", "dynamic" };
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            shared.form = (form)i;
    shared.url = setting("KALEIDOSCOPE_API_URL");
    shared.id = setting("KALEIDOSCOPE_API_CLIENT_ID");
    shared.secret = setting("KALEIDOSCOPE_API_CLIENT_SECRET");
    shared.roots = getenv("SSL_CERT_FILE");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    handle *first = allocated(malloc(sizeof *first));
    new_handle(first);
    sign_in(first);
    signed_in(first);
    return first;
}

/* The first thread reuses the connection of the sign-in, the others open their own. */
void *bench_join(void *opened)
{
    static bool taken;
    if (!__atomic_exchange_n(&taken, true, __ATOMIC_SEQ_CST))
        return opened;
    handle *own = allocated(malloc(sizeof *own));
    new_handle(own);
    signed_in(own);
    return own;
}

void bench_leave(void *opened, void *joined)
{
    handle *own = joined;
    (void)opened;
    curl_easy_cleanup(own->curl);
    curl_slist_free_all(own->headers);
    free(own->body.bytes);
    free(own->records);
    if (own->allocator)
        yyjson_alc_dyn_free(own->allocator);
    free(own);
}

static yyjson_doc *parse(handle *handle)
{
    buffer *body = &handle->body;
    if (shared.form == FORM_STRDUP)
        return allocated(yyjson_read(body->bytes, body->length, 0));
    memset(body->bytes + body->length, 0, YYJSON_PADDING_SIZE);
    return allocated(yyjson_read_opts(body->bytes, body->length, YYJSON_READ_INSITU, handle->allocator, NULL));
}

/* Allocates `count` records of `size`. */
static void *records(handle *handle, size_t count, size_t size)
{
    if (count * size > handle->room || handle->records == NULL) {
        free(handle->records);
        handle->room = count * size + 1;
        handle->records = allocated(malloc(handle->room));
    }
    return handle->records;
}

/* Frees the memory that this form does not reuse. */
static void done(handle *handle, yyjson_doc *doc)
{
    yyjson_doc_free(doc);
    if (shared.form == FORM_STRDUP || shared.form == FORM_FRESH) {
        free(handle->records);
        free(handle->body.bytes);
        handle->records = NULL;
        handle->body = (buffer){ 0 };
    }
}

static char *text(yyjson_val *value)
{
    const char *string = yyjson_get_str(value);
    return string && shared.form == FORM_STRDUP ? allocated(strdup(string)) : (char *)string;
}

static int8_t boolean(yyjson_val *value)
{
    return yyjson_is_bool(value) ? (int8_t)yyjson_get_bool(value) : -1;
}

static int32_t access_level(const char *name)
{
    static const char *const names[] = { "admin", "team-member", "guest", "viewer", "deactivated" };
    for (int32_t i = 0; name && i < 5; i++)
        if (strcmp(name, names[i]) == 0)
            return i + 1;
    return 0;
}

/* Looks up keys in the expected order directly, in any other order by a search. */
#define FIELD(name) yyjson_obj_iter_getn(&fields, name, sizeof name - 1)

static bench_read read_members(handle *handle)
{
    perform(handle, "/workspaces/members", NULL);
    yyjson_doc *doc = parse(handle);
    yyjson_val *root = yyjson_doc_get_root(doc), *value;
    size_t count = yyjson_arr_size(root), i, max;
    member *members = records(handle, count, sizeof *members);
    yyjson_arr_foreach(root, i, max, value)
    {
        yyjson_obj_iter fields = yyjson_obj_iter_with(value);
        member *member = &members[i];
        member->id = text(FIELD("id"));
        member->full_name = text(FIELD("full_name"));
        member->preferred_name = text(FIELD("preferred_name"));
        member->access_level_name = text(FIELD("access_level"));
        member->email = text(FIELD("email"));
        member->access_level = access_level(member->access_level_name);
    }
    /* Structs that point into the body no longer need the document; those with copies no longer need the body. */
    bench_read read = { .records = count };
    for (i = 0; i < count; i++) {
        const member *member = &members[i];
        read.checksum += bench_touch(member->id) + bench_touch(member->full_name) + bench_touch(member->preferred_name)
                         + bench_touch(member->email) + (uint64_t)member->access_level;
    }
    for (i = 0; shared.form == FORM_STRDUP && i < count; i++) {
        free(members[i].id);
        free(members[i].full_name);
        free(members[i].preferred_name);
        free(members[i].access_level_name);
        free(members[i].email);
    }
    done(handle, doc);
    return read;
}

static bench_read read_events(handle *handle, const char *path, bool follow)
{
    perform(handle, path, NULL);
    yyjson_doc *doc = parse(handle);
    yyjson_val *root = yyjson_doc_get_root(doc), *value;
    size_t count = yyjson_arr_size(root), i, max;
    event *events = records(handle, count, sizeof *events);
    yyjson_arr_foreach(root, i, max, value)
    {
        yyjson_obj_iter fields = yyjson_obj_iter_with(value);
        event *event = &events[i];
        event->id = text(FIELD("id"));
        event->full_name = text(FIELD("full_name"));
        event->preferred_name = text(FIELD("preferred_name"));
        event->is_bot = boolean(FIELD("is_bot"));
        event->attrs = FIELD("event_attrs");
        event->created_at = text(FIELD("created_at"));
        event->resource_id = text(FIELD("resource_id"));
        event->resource_type = text(FIELD("resource_type"));
        event->event_type = text(FIELD("event_type"));
        event->event_type_version = yyjson_get_sint(FIELD("event_type_version"));
        event->event_user_id = text(FIELD("event_user_id"));
        event->parent_bulk_event_id = text(FIELD("parent_bulk_event_id"));
        event->is_bulk = boolean(FIELD("is_bulk"));
        event->attrs_text = shared.form == FORM_STRDUP && event->attrs ? yyjson_val_write(event->attrs, 0, NULL) : NULL;
    }
    bench_read read = { .records = count };
    for (i = 0; i < count; i++) {
        const event *event = &events[i];
        read.checksum += bench_touch(event->id) + bench_touch(event->event_type) + bench_touch(event->full_name)
                         + bench_touch(event->resource_id) + bench_touch(event->created_at) + (yyjson_obj_size(event->attrs) > 0)
                         + (uint64_t)event->event_type_version + (uint64_t)event->is_bulk;
        if (follow)
            bench_next(event->id);
    }
    for (i = 0; shared.form == FORM_STRDUP && i < count; i++) {
        char *copies[] = { events[i].id,
                           events[i].event_type,
                           events[i].created_at,
                           events[i].event_user_id,
                           events[i].full_name,
                           events[i].preferred_name,
                           events[i].resource_id,
                           events[i].resource_type,
                           events[i].parent_bulk_event_id,
                           events[i].attrs_text };
        for (size_t j = 0; j < sizeof copies / sizeof *copies; j++)
            free(copies[j]);
    }
    done(handle, doc);
    return read;
}

/* The next page by its number. */
static bench_read read_page(handle *handle)
{
    static int number;
    char path[64];
    snprintf(path, sizeof path, "/workspaces/events?page=%d&page_size=1000", ++number);
    return read_events(handle, path, true);
}

static bench_read read_workspace(handle *handle)
{
    perform(handle, "/workspaces/active", NULL);
    yyjson_doc *doc = parse(handle);
    yyjson_val *root = yyjson_doc_get_root(doc);
    char *id = text(yyjson_obj_get(root, "id")), *name = text(yyjson_obj_get(root, "workspace_name"));
    bench_read read = { 1, bench_touch(id) + bench_touch(name) };
    if (shared.form == FORM_STRDUP) {
        free(id);
        free(name);
    }
    done(handle, doc);
    return read;
}

bench_read bench_make(void *joined, bench_call call)
{
    switch (call) {
    case CALL_WORKSPACE: return read_workspace(joined);
    case CALL_MEMBERS: return read_members(joined);
    case CALL_EVENTS: return read_events(joined, "/workspaces/events?page=1&page_size=1000", false);
    case CALL_SMALL: return read_events(joined, "/workspaces/events?page=1&page_size=1", false);
    case CALL_STREAM: return read_page(joined);
    case CALL_CACHED: break;
    }
    bench_fail("unknown call");
}
