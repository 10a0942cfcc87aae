/*
 * forms.h - the forms of documentation that scripts/headerdoc.py reads
 *
 * FIRST HEADING
 *
 * A paragraph with `code`.
 *
 *     int code = 1;
 *
 * LIMITS AND THE ENVIRONMENT
 *
 * | what | limit |
 * |---|---|
 * | a list | 10 |
 */
#ifndef FORMS_H
#define FORMS_H

/* Shared by two. */
#define KAL_ONE 1
#define KAL_TWO 2

// Not found.
#define KAL_NOT_FOUND 404

#define KAL_BARE 7

/* --- Client --- */

// A heading is no comment of what follows it.

typedef struct kal_client {
    uint64_t id;
} kal_client;

/**
 * Options of a call.
 */
typedef struct kal_options {
    /* In milliseconds. */
    uint32_t timeout_ms;
    // Two
    // lines.
    const char *const *ids;
} kal_options;

// Writes a token.
//
// Returns: `KAL_ONE`.
typedef kal_status (*kal_provider)(void *user_data, char *buffer);

// Opens a thing, e.g. a door. More about it.
//
// A second paragraph:
//
// - an item: `KAL_TWO`
//   that goes on
//
// Parameters:
// - `options`: NULL for the defaults.
// - `timeout_ms`: in milliseconds.
//
// Ownership: `*client` is the caller's.
//
// Returns:
// - `KAL_ONE`: when it could.
// - `KAL_NOT_FOUND`: when there is none.
//
// Since: 0.2.0
KAL_API
KAL_NODISCARD
kal_status kal_open(const struct kal_options *options, void (*callback)(int a, int b), struct kal_client *client);

KAL_API const char *kal_bare(void);

// Says more.
//
// Returns: the text, with `KAL_ONE`: kept.
//
// Parameters:
//   one  the first,
//     in two lines
//   `two`: the second
KAL_API const char *kal_more(int one, int two);
#endif
