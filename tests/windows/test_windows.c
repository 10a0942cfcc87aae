/* What only Windows has: text in UTF-16, a handle to wait for, FreeLibrary, ExitProcess. */
#include "../c/kit.h"

#include <stdlib.h>

#define EVENTS "/workspaces/events"
#define HANG "{\"path\":\"" EVENTS "\",\"drop\":\"hang\"}"

static kal_error error;

/* --- Unicode: the API takes UTF-8 whatever the code page is, and the environment is read as UTF-16 */

#define CLIENT_ID "Gerät-日本" /* this file is UTF-8 */
#define CLIENT_ID_WIDE L"Ger\u00e4t-\u65e5\u672c"

static void set_wide(const wchar_t *name, const wchar_t *value)
{
    REQUIRE(SetEnvironmentVariableW(name, value));
}

static const wchar_t *wide(const char *text)
{
    static wchar_t buffer[512];
    REQUIRE(MultiByteToWideChar(CP_UTF8, 0, text, -1, buffer, 512) > 0);
    return buffer;
}

/* getenv would return them in the code page, and the emulator would reject the id. */
CLAIM(credentials_of_the_environment_may_have_any_character)
{
    emulator named = emulator_start("--client-id", CLIENT_ID, (char *)NULL);
    kal_client client;
    set_wide(L"KALEIDOSCOPE_API_URL", wide(named.url));
    set_wide(L"KALEIDOSCOPE_API_CLIENT_ID", CLIENT_ID_WIDE);
    set_wide(L"KALEIDOSCOPE_API_CLIENT_SECRET", L"demo-secret");
    CHECK_STATUS(kal_client_open(NULL, &client, &error), KAL_OK);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
    set_wide(L"KALEIDOSCOPE_API_CLIENT_ID", L"Ger\u00e4t");
    CHECK_STATUS(kal_client_open(NULL, &client, &error), KAL_OK);
    FAILURE_OF(get_members, client, KAL_AUTH_FAILED, "");
    kal_client_close(client);
    set_wide(L"KALEIDOSCOPE_API_URL", NULL);
    set_wide(L"KALEIDOSCOPE_API_CLIENT_ID", NULL);
    set_wide(L"KALEIDOSCOPE_API_CLIENT_SECRET", NULL);
    emulator_stop(&named);
}

/* Not a character: half of a pair. */
CLAIM(a_variable_that_is_not_unicode_is_named)
{
    kal_client client;
    set_wide(L"KALEIDOSCOPE_API_CLIENT_ID", L"\xd800");
    set_wide(L"KALEIDOSCOPE_API_CLIENT_SECRET", L"demo-secret");
    FAILURE(kal_client_open(NULL, &client, &error), &error, KAL_INVALID_UTF8, "KALEIDOSCOPE_API_CLIENT_ID");
    set_wide(L"KALEIDOSCOPE_API_CLIENT_ID", NULL);
    set_wide(L"KALEIDOSCOPE_API_CLIENT_SECRET", NULL);
}

/* --- Certificates: paths of any characters, lines that end with \r\n */

static emulator secure;
static char ca_pem[8192];

/* Writes text to a file whose name is UTF-8. */
static void write_file(const char *path, const char *text)
{
    DWORD written = 0;
    HANDLE file = CreateFileW(wide(path), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    REQUIRE(file != INVALID_HANDLE_VALUE);
    REQUIRE(WriteFile(file, text, (DWORD)strlen(text), &written, NULL) && written == strlen(text));
    CloseHandle(file);
}

/* Reads the authority of `secure`, with \r\n at the end of each line. */
static void start_secure(void)
{
    char path[512];
    if (secure.pid != 0)
        return;
    snprintf(path, sizeof path, "%s/authority.pem", getenv("CHECK_DIR"));
    secure = emulator_start("--tls", "--ca-out", path, (char *)NULL);
    FILE *file = fopen(path, "rb");
    REQUIRE(file != NULL);
    size_t length = 0;
    for (int c; (c = fgetc(file)) != EOF && length < sizeof ca_pem - 2; ca_pem[length++] = (char)c)
        if (c == '\n')
            ca_pem[length++] = '\r';
    ca_pem[length] = '\0';
    fclose(file);
    CHECK_CONTAINS(ca_pem, "-----\r\n");
}

static void accepts(const kal_client_options *options)
{
    kal_client client = client_with(*options);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
}

CLAIM(a_bundle_has_any_path_and_either_end_of_line)
{
    char path[512];
    start_secure();
    kal_client_options options = options_for(&secure);
    options.ca_bundle_pem = ca_pem;
    accepts(&options);
    options.ca_bundle_pem = NULL;
    snprintf(path, sizeof path, "%s\\Zertifikat für 日本.pem", getenv("CHECK_DIR"));
    write_file(path, ca_pem);
    options.ca_bundle_path = path;
    accepts(&options);
    options.ca_bundle_path = NULL;
    set_wide(L"SSL_CERT_FILE", wide(path));
    accepts(&options);
    set_wide(L"SSL_CERT_FILE", NULL);
    snprintf(path, sizeof path, "%s\\fehlt für 日本.pem", getenv("CHECK_DIR"));
    options.ca_bundle_path = path;
    kal_client client = client_with(options);
    FAILURE_OF(get_members, client, KAL_TLS_FAILED, "für 日本.pem: the file cannot be read");
    kal_client_close(client);
}

/* On Wine every certificate is rejected that no bundle vouches for, so this says nothing about what Windows trusts. */
CLAIM(a_certificate_that_only_windows_could_trust_is_rejected)
{
    start_secure();
    kal_client client = client_with(options_for(&secure));
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_TLS_FAILED, "TLS failed: ");
    printf("# Windows says: %s\n", info->message);
    kal_client_close(client);
}

/* --- JSON with \r\n between its tokens */

CLAIM(json_may_have_either_end_of_line)
{
    kal_client client = new_client();
    size_t count = 0;
    emulator_answer(&server, EVENTS, 1, "[\r\n{\r\n\"id\":\r\n\"e1\"\r\n}\r\n,\r\n{\"id\":\"e2\"}\r\n]\r\n");
    kal_result events = RESULT_OF(get_events, client);
    const struct kal_workspace_event *const *each = kal_result_workspace_events(events, &count);
    CHECK_INT(count, 2);
    CHECK_TEXT(each[0]->id, "e1");
    CHECK_TEXT(each[1]->id, "e2");
    kal_result_free(events);
    kal_client_close(client);
}

/* --- A queue in an event loop */

/* Red with an event that resets itself: the second wait times out. */
CLAIM(the_handle_of_a_queue_is_signalled_while_completions_wait)
{
    kal_client client = new_client();
    kal_queue queue;
    kal_completion done = KAL_COMPLETION_INIT;
    REQUIRE(kal_queue_open(&queue, &error) == KAL_OK);
    HANDLE never = CreateEventW(NULL, TRUE, FALSE, NULL);
    HANDLE handles[] = { never, kal_queue_handle(queue) };
    CHECK_INT(kal_queue_fd(queue), -1);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_TIMEOUT);
    CHECK_STATUS(kal_submit(client, "workspace.get_members", NULL, NULL, queue, NULL, &error), KAL_OK);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, 60000), WAIT_OBJECT_0 + 1);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_OBJECT_0 + 1);
    CHECK_INT(MsgWaitForMultipleObjects(2, handles, FALSE, 0, QS_ALLINPUT), WAIT_OBJECT_0 + 1);
    CHECK_STATUS(kal_queue_next(queue, 0, &done, NULL), KAL_OK);
    CHECK_STATUS(done.status, KAL_OK);
    kal_result_free(done.result);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_TIMEOUT);
    kal_queue_shutdown(queue);
    CHECK_INT(WaitForMultipleObjects(2, handles, FALSE, 0), WAIT_OBJECT_0 + 1);
    kal_queue_close(queue);
    CHECK(kal_queue_handle(queue) == NULL);
    CHECK(kal_queue_handle((kal_queue){ 0 }) == NULL);
    CloseHandle(never);
    kal_client_close(client);
}

/* --- The error of the thread */

CLAIM(the_last_error_of_the_thread_stays)
{
    kal_client client = new_client();
    kal_queue queue;
    kal_result result;
    SetLastError(4321);
    CHECK_STATUS(kal_workspace_get_events(client, NULL, NULL, &result, NULL), KAL_OK);
    CHECK_INT(GetLastError(), 4321);
    kal_result_free(result);
    CHECK_INT(GetLastError(), 4321);
    CHECK_STATUS(kal_queue_open(&queue, NULL), KAL_OK);
    kal_queue_close(queue);
    CHECK_INT(GetLastError(), 4321);
    CHECK_STATUS(kal_workspace_get_events((kal_client){ 1 }, NULL, NULL, &result, NULL), KAL_INVALID_HANDLE);
    CHECK_INT(GetLastError(), 4321);
    kal_client_close(client);
}

/* --- The DLL, loaded and freed */

typedef struct library {
    HMODULE module;
    __typeof__(kal_client_open) *client_open;
    __typeof__(kal_client_close) *client_close;
    __typeof__(kal_queue_open) *queue_open;
    __typeof__(kal_queue_handle) *queue_handle;
    __typeof__(kal_queue_next) *queue_next;
    __typeof__(kal_result_free) *result_free;
    __typeof__(kal_submit) *submit;
} library;

static void find(HMODULE module, const char *name, void *function)
{
    FARPROC found = GetProcAddress(module, name);
    REQUIRE(found != NULL);
    memcpy(function, &found, sizeof found);
}

/* From the folder that it was unpacked in, whose name is not ASCII. */
static library load(void)
{
    wchar_t path[1024];
    library kal;
    REQUIRE(GetEnvironmentVariableW(L"KAL_UNICODE_DIR", path, 900) > 0);
    wcscat(path, L"\\kaleidoscope.dll");
    kal.module = LoadLibraryW(path);
    REQUIRE(kal.module != NULL);
    find(kal.module, "kal_client_open", &kal.client_open);
    find(kal.module, "kal_client_close", &kal.client_close);
    find(kal.module, "kal_queue_open", &kal.queue_open);
    find(kal.module, "kal_queue_handle", &kal.queue_handle);
    find(kal.module, "kal_queue_next", &kal.queue_next);
    find(kal.module, "kal_result_free", &kal.result_free);
    find(kal.module, "kal_submit", &kal.submit);
    return kal;
}

/* Red when the DLL does not stay mapped: an access violation in its thread. */
CLAIM(the_dll_may_be_freed_while_a_request_is_in_progress_and_loaded_again)
{
    library kal = load();
    kal_client client;
    kal_queue queue;
    kal_completion done = KAL_COMPLETION_INIT;
    kal_client_options options = options_for(&server);
    REQUIRE(kal.client_open(&options, &client, NULL) == KAL_OK && kal.queue_open(&queue, NULL) == KAL_OK);
    emulator_fault(&server, "{\"path\":\"" EVENTS "\",\"delay_ms\":300}");
    REQUIRE(kal.submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) == KAL_OK);
    emulator_wait_for(&server, EVENTS, 1);
    HANDLE ready = kal.queue_handle(queue);
    for (int i = 0; i < 3; i++)
        FreeLibrary(kal.module);
    /* Its thread goes on, and completes the call. */
    CHECK_INT(WaitForSingleObject(ready, 60000), WAIT_OBJECT_0);
    library again = load();
    CHECK(again.module == kal.module);
    CHECK_STATUS(again.queue_next(queue, 0, &done, NULL), KAL_OK);
    CHECK_STATUS(done.status, KAL_OK);
    again.result_free(done.result);
    again.client_close(client);
    FreeLibrary(again.module);
}

/* --- Programs that end while requests are in progress: each is this one, run with the name of how it ends */

static void submit_hanging(void)
{
    kal_client client;
    kal_queue queue;
    /* The emulator of the parent process, whose requests for events hang. */
    if (kal_client_open(NULL, &client, NULL) != KAL_OK || kal_queue_open(&queue, NULL) != KAL_OK
        || kal_submit(client, "workspace.get_events", NULL, NULL, queue, NULL, NULL) != KAL_OK)
        _exit(50);
}

static DWORD WINAPI exit_process(void *unused)
{
    (void)unused;
    ExitProcess(42);
}

static DWORD WINAPI call_forever(void *unused)
{
    kal_client client;
    kal_result result;
    (void)unused;
    if (kal_client_open(NULL, &client, NULL) == KAL_OK)
        (void)!kal_workspace_get_events(client, NULL, NULL, &result, NULL);
    return 0;
}

/* Returns its exit code if it ends by itself. */
static int end_by(const char *how)
{
    submit_hanging();
    if (strcmp(how, "ends-in-a-call") == 0)
        CloseHandle(CreateThread(NULL, 0, call_forever, NULL, 0, NULL));
    if (strcmp(how, "ends-on-a-thread") == 0)
        WaitForSingleObject(CreateThread(NULL, 0, exit_process, NULL, 0, NULL), INFINITE);
    if (strcmp(how, "ends-by-exit") == 0)
        exit(42);
    if (strcmp(how, "ends-after-shutdown") == 0)
        return kal_shutdown(60000) == KAL_OK ? 42 : 51;
    return 42;
}

CLAIM(a_process_ends_while_requests_are_in_progress)
{
    static const char *const ways[] = { "ends-by-return", "ends-by-exit", "ends-on-a-thread", "ends-in-a-call",
                                        "ends-after-shutdown" };
    char program[512], command[700];
    REQUIRE(GetModuleFileNameA(NULL, program, sizeof program) > 0);
    emulator_fault(&server, HANG);
    setenv("KALEIDOSCOPE_API_URL", server.url, 1);
    setenv("KALEIDOSCOPE_API_CLIENT_ID", "demo-client", 1);
    setenv("KALEIDOSCOPE_API_CLIENT_SECRET", SECRET, 1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        STARTUPINFOA start = { .cb = sizeof start };
        PROCESS_INFORMATION child;
        DWORD code = 0;
        snprintf(command, sizeof command, "\"%s\" %s", program, ways[i]);
        REQUIRE(CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child));
        if (!CHECK_INT(WaitForSingleObject(child.hProcess, 30000), WAIT_OBJECT_0))
            TerminateProcess(child.hProcess, 1);
        GetExitCodeProcess(child.hProcess, &code);
        if (!CHECK_INT(code, 42))
            printf("#     %s\n", ways[i]);
        CloseHandle(child.hThread);
        CloseHandle(child.hProcess);
    }
    unsetenv("KALEIDOSCOPE_API_URL");
    unsetenv("KALEIDOSCOPE_API_CLIENT_ID");
    unsetenv("KALEIDOSCOPE_API_CLIENT_SECRET");
}

int main(int argc, char **argv)
{
    if (argc == 2 && strncmp(argv[1], "ends-", 5) == 0)
        return end_by(argv[1]);
    int outcome = kit_main(argc, argv, (char *)NULL);
    if (secure.pid != 0)
        emulator_stop(&secure);
    return outcome;
}
