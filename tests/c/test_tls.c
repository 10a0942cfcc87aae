/* TLS: which certificates are trusted, and the errors for others. */
#include "kit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define UNTRUSTED "TLS failed"

static emulator secure, stranger;
static char ca_path[256], stranger_ca_path[256], file_path[256];

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

/* Red with the verifier's own message: "No CA certificates were loaded from the system". */
CLAIM(without_ca_certificates_the_error_names_the_places_searched)
{
    REQUIRE(setenv("SSL_CERT_FILE", "/nonexistent/ca.pem", 1) == 0 && setenv("SSL_CERT_DIR", "/nonexistent", 1) == 0);
    refused(secure_client(&secure, NULL, 0),
            "no CA certificates were found at SSL_CERT_FILE=/nonexistent/ca.pem and SSL_CERT_DIR=/nonexistent; ");
    refused(secure_client(&secure, NULL, 0), "ca_bundle_path");
    kal_client client = secure_client(&secure, ca_path, 0);
    kal_result_free(RESULT_OF(get_members, client));
    kal_client_close(client);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
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
    int silent = socket(AF_INET, SOCK_STREAM, 0);
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
    close(silent);
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
