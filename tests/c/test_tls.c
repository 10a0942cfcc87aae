/* TLS: which certificates are trusted, and the errors for others. */
#include "kit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNTRUSTED "TLS failed"
#ifdef _WIN32
#define LIST_SEPARATOR ";"
#define NO_SUCH_FILE "" /* the system says it in its language */
#else
#define LIST_SEPARATOR ":"
#define NO_SUCH_FILE "no such file"
#define closesocket close
#endif

static emulator secure, stranger;
static char ca_path[256], stranger_ca_path[256], file_path[256], folder_path[256];

/* How often a file or folder below /etc/ssl was opened. */
static atomic_int opened_of_the_system;

#ifndef _WIN32

static void count_if_of_the_system(const char *path)
{
    if (strncmp(path, "/etc/ssl", 8) == 0)
        opened_of_the_system++;
}

/* Overrides the C library's function, for the library under test as well. */
int open64(const char *path, int flags, ...)
{
    int (*real)(const char *, int, ...);
    va_list arguments;
    *(void **)&real = dlsym(RTLD_NEXT, "open64");
    count_if_of_the_system(path);
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? (mode_t)va_arg(arguments, int) : 0;
    va_end(arguments);
    return real(path, flags, mode);
}

/* The same. */
DIR *opendir(const char *path)
{
    DIR *(*real)(const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    count_if_of_the_system(path);
    return real(path);
}

#endif

static void start_servers(void)
{
    const char *dir = getenv("CHECK_DIR");
    if (secure.pid != 0)
        return;
    REQUIRE(dir != NULL);
    snprintf(ca_path, sizeof ca_path, "%s/ca.pem", dir);
    snprintf(stranger_ca_path, sizeof stranger_ca_path, "%s/stranger.pem", dir);
    snprintf(file_path, sizeof file_path, "%s/file.pem", dir);
    secure = emulator_start("--tls", "--ca-out", ca_path, (char *)NULL);
    stranger = emulator_start("--tls", "--host", "127.0.0.2", "--ca-out", stranger_ca_path, (char *)NULL);
}

static kal_client secure_client(const emulator *of, const char *ca, uint32_t flags)
{
    kal_client_options options = options_for(of);
    options.max_attempts = 3;
    options.ca_bundle_path = ca;
    options.flags = flags;
    return client_with(options);
}

static void refused(kal_client client, const char *says)
{
    const kal_error_info *info = FAILURE_OF(get_members, client, KAL_TLS_FAILED, says);
    CHECK_INT(info->http_status, 0);
    CHECK(!info->retryable);
    kal_client_close(client);
}

CLAIM(a_certificate_of_an_unknown_ca_is_rejected_without_a_retry)
{
    kal_client client = secure_client(&secure, NULL, 0);
    CHECK_INT(FAILURE_OF(get_members, client, KAL_TLS_FAILED, UNTRUSTED)->attempts, 1);
    CHECK_INT(stats_of(client).retries, 0);
    kal_client_close(client);
}

CLAIM(a_certificate_of_a_ca_in_the_bundle_is_accepted)
{
    kal_client client = secure_client(&secure, ca_path, 0);
    for (size_t i = 0; i < KIT_METHODS; i++)
        kal_result_free(RESULT_OF(kit_methods[i].call, client));
    kal_client_close(client);
}

CLAIM(a_certificate_of_a_ca_not_in_the_bundle_is_rejected)
{
    refused(secure_client(&secure, stranger_ca_path, 0), UNTRUSTED);
}

CLAIM(a_certificate_of_another_host_is_rejected)
{
    refused(secure_client(&stranger, stranger_ca_path, 0), UNTRUSTED);
}

static void keep_warning(void *user_data, int32_t level, const char *message)
{
    if (level == KAL_LOG_WARN)
        snprintf(user_data, 256, "%s", message);
}

CLAIM(insecure_tls_accepts_any_certificate_and_logs_a_warning)
{
    char warning[256] = "";
    CHECK_STATUS(kal_set_log(KAL_LOG_WARN, keep_warning, warning), KAL_OK);
    kal_client client = secure_client(&secure, NULL, KAL_CLIENT_INSECURE_TLS);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
    CHECK_STATUS(kal_set_log(KAL_LOG_OFF, NULL, NULL), KAL_OK);
    CHECK_CONTAINS(warning, "KAL_CLIENT_INSECURE_TLS");
    client = secure_client(&stranger, NULL, KAL_CLIENT_INSECURE_TLS);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
}

static const char *file_of(const char *text)
{
    FILE *file = fopen(file_path, "w");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
    return file_path;
}

CLAIM(an_unusable_ca_bundle_is_named)
{
    refused(secure_client(&secure, "/nonexistent/ca.pem", 0), "ca_bundle_path: /nonexistent/ca.pem: ");
    refused(secure_client(&secure, "/", 0), "ca_bundle_path: /: this is a directory");
    refused(secure_client(&secure, file_of(""), 0), "it is empty");
    refused(secure_client(&secure, file_of("not PEM\n"), 0), "it contains no PEM certificate");
    refused(secure_client(&secure, file_of("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), 0),
            "ca_bundle_path: ");
    refused(secure_client(&secure, file_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0), "certificate");
}

static void set_variable(const char *name, const char *value)
{
    REQUIRE((value == NULL ? unsetenv(name) : setenv(name, value, 1)) == 0);
}

/* NULL: not set. */
static void set_variables(const char *file, const char *folders)
{
    set_variable("SSL_CERT_FILE", file);
    set_variable("SSL_CERT_DIR", folders);
}

/* A folder with the certificate of `secure` and a file that is no PEM. */
static const char *folder_of_the_ca(void)
{
    char path[300], text[4096];
    snprintf(folder_path, sizeof folder_path, "%s/folder", getenv("CHECK_DIR"));
    mkdir(folder_path, 0700);
    FILE *ca = fopen(ca_path, "r");
    REQUIRE(ca != NULL);
    text[fread(text, 1, sizeof text - 1, ca)] = '\0';
    fclose(ca);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%d", folder_path, i);
        FILE *file = fopen(path, "w");
        REQUIRE(file != NULL);
        fputs(i == 0 ? text : "no PEM", file);
        fclose(file);
    }
    return folder_path;
}

static void accepted(const char *ca)
{
    kal_client client = secure_client(&secure, ca, 0);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
}

/* Red when the system's certificates are read in addition to those of a variable: opened_of_the_system is not 0. */
CLAIM(one_variable_is_enough_to_replace_the_systems_certificates)
{
    const char *folder = folder_of_the_ca();
    char list[600];
    snprintf(list, sizeof list, "/nonexistent" LIST_SEPARATOR LIST_SEPARATOR "%s", folder);
    opened_of_the_system = 0;
    set_variables(ca_path, NULL);
    accepted(NULL);
    set_variables(NULL, folder);
    accepted(NULL);
    set_variables(NULL, list);
    accepted(NULL);
    set_variables(stranger_ca_path, folder);
    accepted(NULL);
    set_variables(stranger_ca_path, NULL);
    refused(secure_client(&secure, NULL, 0), UNTRUSTED);
    accepted(ca_path);
    CHECK_INT(opened_of_the_system, 0);
    set_variables(NULL, NULL);
    accepted(ca_path);
    CHECK_INT(opened_of_the_system, 0); /* not needed */
    refused(secure_client(&secure, stranger_ca_path, 0), UNTRUSTED);
#ifdef __linux__ /* elsewhere they are not in files */
    if (access("/etc/ssl/certs", R_OK) == 0)
        CHECK(opened_of_the_system > 0);
#endif
    set_variables(NULL, NULL);
}

/* Red when it suffices that any certificate is found: KAL_OK where ca_bundle_path or the other variable has one. */
CLAIM(a_variable_without_certificates_is_named)
{
    const char *dir = getenv("CHECK_DIR");
    set_variables("/nonexistent/ca.pem", NULL);
    refused(secure_client(&secure, NULL, 0), "SSL_CERT_FILE: /nonexistent/ca.pem: the file cannot be read: " NO_SUCH_FILE);
    refused(secure_client(&secure, ca_path, 0), "SSL_CERT_FILE: /nonexistent/ca.pem: ");
    set_variables(dir, NULL);
    refused(secure_client(&secure, NULL, 0), ": this is a directory");
    set_variables(file_of(""), folder_of_the_ca());
    refused(secure_client(&secure, NULL, 0), "/file.pem: it is empty");
    set_variables(NULL, "/nonexistent");
    refused(secure_client(&secure, NULL, 0), "SSL_CERT_DIR: /nonexistent: no PEM certificate was found in it");
    set_variables(ca_path, "/nonexistent");
    refused(secure_client(&secure, NULL, 0), "SSL_CERT_DIR: /nonexistent: ");
    set_variables(NULL, NULL);
}

/* Leaves the process so many free descriptors. */
static struct rlimit leave_descriptors(int count)
{
    struct rlimit before, now;
    int lowest = dup(STDOUT_FILENO), limit = lowest;
    REQUIRE(lowest > 0 && close(lowest) == 0);
    for (int left = count; left > 0; limit++)
        if (fcntl(limit, F_GETFD) < 0)
            left--;
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    now = before;
    now.rlim_cur = (rlim_t)limit;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &now) == 0);
    return before;
}

/* Closes the connections of earlier clients, so that no descriptor becomes free later, and starts the library's thread. */
static kal_client other_client(void)
{
    CHECK_STATUS(kal_shutdown(60000), KAL_OK);
    kal_client other = secure_client(&secure, NULL, KAL_CLIENT_INSECURE_TLS);
    kal_result_free(RESULT_OF(get_members, other));
    return other;
}

/* The first call of a client, with ever more free descriptors until it succeeds: each failure is of that kind, and the next call
 * of the same client succeeds. */
static void recovers(const char *ca)
{
    kal_status status = KAL_INTERNAL;
    for (int count = 0; count < 20 && status != KAL_OK; count++) {
        kal_result result;
        kal_error error;
        kal_client_options options = options_for(&secure);
        options.ca_bundle_path = ca;
        kal_client client = client_with(options);
        kal_client other = other_client();
        struct rlimit before = leave_descriptors(count);
        status = get_members(client, NULL, &result, &error);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (status != KAL_OK) {
            CHECK_STATUS(status, KAL_OUT_OF_RESOURCES);
            CHECK(kal_error_get(error)->retryable);
            CHECK_CONTAINS(kal_error_get(error)->message, no_descriptor());
            kal_error_free(error);
        }
        CHECK(count > 0 || status != KAL_OK);
        kal_result_free(result);
        kal_result_free(RESULT_OF(get_members, client));
        kal_client_close(client);
        kal_client_close(other);
    }
    CHECK_STATUS(status, KAL_OK);
}

/* Red when a file that cannot be opened for now is not told from one that is missing: KAL_TLS_FAILED (202). Red with the
 * certificates that could be read: "signed by an authority that is not trusted" also once descriptors are free. */
CLAIM(a_client_recovers_from_a_lack_of_descriptors)
{
    set_variables(NULL, NULL);
    recovers(ca_path);
    set_variables(NULL, folder_of_the_ca());
    recovers(NULL);
    recovers(stranger_ca_path);
    set_variables(ca_path, NULL);
    recovers(NULL);
    set_variables(NULL, NULL);
    kal_client_options options = options_for(&secure);
    options.flags = KAL_CLIENT_INSECURE_TLS;
    options.client_certificate_path = ca_path; /* without its key */
    kal_client client = client_with(options);
    kal_client other = other_client();
    struct rlimit before = leave_descriptors(0);
    FAILURE_OF(get_members, client, KAL_OUT_OF_RESOURCES, "client_certificate_path: ");
    REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
    refused(client, ": it contains no PEM private key");
    kal_client_close(other);
}

CLAIM(plain_http_to_a_tls_port_fails_and_vice_versa)
{
    char url[64];
    emulator plain = emulator_start((char *)NULL);
    kal_client_options options = options_for(&secure);
    kal_result result;
    snprintf(url, sizeof url, "http://127.0.0.1:%d", secure.port);
    options.base_url = url;
    kal_client client = client_with(options);
    kal_status status = get_members(client, NULL, &result, NULL);
    CHECK(status == KAL_BAD_HTTP || status == KAL_CONNECTION_LOST);
    kal_client_close(client);
    snprintf(url, sizeof url, "https://127.0.0.1:%d", plain.port);
    options.base_url = url;
    refused(client_with(options), UNTRUSTED);
    emulator_stop(&plain);
}

CLAIM(a_hanging_handshake_times_out)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    char url[64];
    int silent = (int)socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(silent, (struct sockaddr *)&address, size) == 0 && listen(silent, 4) == 0);
    REQUIRE(getsockname(silent, (struct sockaddr *)&address, &size) == 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%d", ntohs(address.sin_port));
    kal_client_options options = options_for(&secure);
    options.base_url = url;
    options.connect_timeout_ms = 150;
    kal_client client = client_with(options);
    CHECK(FAILURE_OF(get_members, client, KAL_CONNECT_FAILED,
                     "no connection within 150 ms (connect_timeout_ms), waiting for the TLS handshake with 127.0.0.1:")
              ->retryable);
    kal_client_close(client);
    closesocket(silent);
}

int main(int argc, char **argv)
{
    check_before_each(start_servers);
    int outcome = check_main(argc, argv);
    if (secure.pid != 0) {
        emulator_stop(&secure);
        emulator_stop(&stranger);
    }
    return outcome;
}
