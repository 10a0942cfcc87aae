/* Prints the workspace, its members with their access levels, and its groups, as tables. */
#include <kaleidoscope.h>
#include <stdio.h>
#include <stdlib.h>

/* Exits if a call failed; otherwise returns its result. */
static kal_result must(kal_status status, kal_result result, kal_error error)
{
    if (status != KAL_OK) {
        fprintf(stderr, "%s: %s\n", kal_status_name(status), kal_error_get(error)->message);
        kal_error_free(error);
        exit(1);
    }
    return result;
}

static const char *level_name(const kal_workspace_user *member)
{
    switch (member->access_level) {
    case KAL_ACCESS_ADMIN: return "administrator";
    case KAL_ACCESS_TEAM_MEMBER: return "team member";
    case KAL_ACCESS_GUEST: return "guest";
    case KAL_ACCESS_VIEWER: return "viewer";
    case KAL_ACCESS_DEACTIVATED: return "deactivated";
    default: return member->access_level_name ? member->access_level_name : "-"; /* a level newer than this program */
    }
}

/* Prints a cell of `width` columns. printf pads by bytes, but names contain multi-byte characters and even line breaks. */
static void cell(const char *text, int width)
{
    const char *c;
    for (c = text == NULL ? "-" : text; *c != '\0'; c++) {
        putchar((unsigned char)*c < ' ' ? ' ' : *c);
        if (((unsigned char)*c & 0xC0) != 0x80) /* not a UTF-8 continuation byte */
            width--;
    }
    while (width-- > 0)
        putchar(' ');
}

int main(void)
{
    kal_client client;
    kal_result result = KAL_NONE;
    kal_error error;
    kal_status status;
    size_t count, i;

    status = kal_client_open(NULL, &client, &error);
    must(status, result, error);

    status = kal_workspace_get_workspace(client, NULL, &result, &error);
    result = must(status, result, error);
    printf("%s\n\n", kal_result_workspace(result)->workspace_name);
    kal_result_free(result);

    status = kal_workspace_get_members(client, NULL, &result, &error);
    result = must(status, result, error);
    const kal_workspace_user *const *members = kal_result_workspace_users(result, &count);
    for (i = 0; i < count; i++) {
        cell(members[i]->full_name, 28);
        cell(members[i]->email, 40);
        printf("%s\n", level_name(members[i]));
    }
    kal_result_free(result);

    status = kal_workspace_get_groups(client, NULL, &result, &error);
    result = must(status, result, error);
    const kal_workspace_group *const *groups = kal_result_workspace_groups(result, &count);
    printf("\n");
    for (i = 0; i < count; i++) {
        cell(groups[i]->group_name, 28);
        printf("%zu members, %zu programs\n", groups[i]->user_ids_len, groups[i]->program_ids_len);
    }
    kal_result_free(result);
    kal_client_close(client);
    return 0;
}
