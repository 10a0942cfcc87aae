/* Environment variables: an empty one counts as not set, and a program with more rights than its user ignores them all. */
#include "kit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __APPLE__
#define HAS_MORE_RIGHTS (issetugid() != 0)
#else
#include <sys/auxv.h>
#define HAS_MORE_RIGHTS (getauxval(AT_SECURE) != 0)
#endif

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static kal_error error;
/* The path of this program. */
static const char *program;

/* How a call to an https server ends that nobody listens for, with this environment: KAL_CONNECT_FAILED, or KAL_TLS_FAILED
 * without certificates. */
static kal_status call_nobody(void)
{
    kal_client_options options = options_for(&server);
    options.base_url = "https://127.0.0.1:1";
    options.client_id = "id";
    options.client_secret = "secret";
    options.max_attempts = 1;
    kal_client client;
    kal_result result;
    kal_status status = kal_client_open(&options, &client, NULL);
    if (status == KAL_OK)
        status = kal_workspace_get_workspace(client, NULL, &result, NULL);
    kal_client_close(client);
    return status;
}

/* Red when the platform's verifier reads it: KAL_TLS_FAILED. */
CLAIM(an_empty_ssl_cert_file_counts_as_not_set)
{
    if (access(BUNDLE, R_OK) != 0)
        check_skip("the system has no certificates");
    REQUIRE(setenv("SSL_CERT_FILE", "", 1) == 0);
    CHECK_STATUS(call_nobody(), KAL_CONNECT_FAILED);
    REQUIRE(setenv("SSL_CERT_DIR", "/nonexistent", 1) == 0);
    CHECK_STATUS(call_nobody(), KAL_TLS_FAILED);
    REQUIRE(setenv("SSL_CERT_DIR", "", 1) == 0);
    CHECK_STATUS(call_nobody(), KAL_CONNECT_FAILED);
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
}

enum { IGNORES = 0, NOT_SECURE = 100 };

/* Runs as a program with more rights than its user. */
static int with_more_rights(void)
{
    kal_client client;
    if (!HAS_MORE_RIGHTS)
        return NOT_SECURE;
    if (kal_client_open(NULL, &client, &error) != KAL_NO_CREDENTIALS || strstr(kal_error_get(error)->message, "ignores") == NULL)
        return 1;
    kal_error_free(error);
    if (access(BUNDLE, R_OK) == 0 && call_nobody() != KAL_CONNECT_FAILED)
        return 2;
    kal_client_options options = options_for(&server);
    options.base_url = "https://127.0.0.1:1";
    options.client_id = "id";
    options.client_secret = "secret";
    options.flags = KAL_CLIENT_PROXY_FROM_ENV;
    if (kal_client_open(&options, &client, NULL) != KAL_OK) /* the proxy of the environment is not a URL */
        return 3;
    kal_client_close(client);
    return IGNORES;
}

/* Red with getenv: "expected WEXITSTATUS(status) to be 0, it is 1". */
CLAIM(a_program_with_more_rights_than_its_user_ignores_the_environment)
{
    char path[200], command[500];
    if (geteuid() != 0)
        check_skip("only root can make one");
    snprintf(path, sizeof path, "%s/set-group-id", getenv("CHECK_DIR"));
    snprintf(command, sizeof command, "cp %s %s", program, path);
    if (check_is_slow() || check_mode_is("emulated"))
        check_skip("the program that runs is that of valgrind or qemu");
    REQUIRE(system(command) == 0);
    REQUIRE(chown(path, 0, 65534) == 0 && chmod(path, 02755) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        setenv("KALEIDOSCOPE_API_CLIENT_ID", "id", 1);
        setenv("KALEIDOSCOPE_API_CLIENT_SECRET", "secret", 1);
        setenv("SSL_CERT_FILE", "/nonexistent", 1);
        setenv("https_proxy", "://", 1);
        execl(path, path, "with-more-rights", (char *)NULL);
        _exit(99);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    unlink(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_SECURE)
        check_skip("the file system allows none");
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), IGNORES);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 2 && strcmp(argv[1], "with-more-rights") == 0)
        return with_more_rights();
    return kit_main(argc, argv, (char *)NULL);
}
