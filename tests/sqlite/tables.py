"""The tables of the random queries: their columns, and the values to compare them with."""

import odd_data

# Columns by table, each with the values to compare it with.
VALUES = {
    "id": odd_data.IDS + ["g1", "G1", "e3", "e20", "e9", "E9"],
    "group_id": ["g1", "g1", "G1", "g2", "a1", "nothing"],
    "user_id": odd_data.IDS + ["nobody", "a1", "a1", "a1", "5"],
    "event_user_id": odd_data.USERS,
    "full_name": odd_data.NAMES,
    "preferred_name": odd_data.NAMES,
    "access_level": odd_data.LEVELS,
    "email": odd_data.EMAILS,
    "group_name": odd_data.NAMES,
    "user_ids": ["[]", '["a1","a1 "]'],
    "program_ids": ["[]", '["p"]'],
    "workspace_name": [None, "x"],
    "event_type": odd_data.TYPES + ["CREATE", "nothing"],
    "event_type_version": [1, 2, -1, 5, None, 2.0, "2"],
    "created_at": odd_data.DATES + odd_data.DOUBTFUL,
    "resource_id": ["r1", "r2", "a1", None],
    "resource_type": odd_data.RESOURCES + ["TASK"],
    "parent_bulk_event_id": ["e7", "e8", None],
    "event_attrs": ["{}"],
    "is_bot": [0, 1, None],
    "is_bulk": [0, 1, None],
    "created_at_raw": odd_data.SENT_DATES + odd_data.UNTIMED,
    "latest": ["2025-10-01T12:00:00.000000Z", "2025-10-01T00:00:00.000000Z", None],
    "barcode": ["A", "B", None],
    "owner": ["ann", "create", "A1", "task"],
    "taken_on": odd_data.DATES + odd_data.DOUBTFUL,
    "due": odd_data.DATES + odd_data.DOUBTFUL + odd_data.NO_TIMES,
    "number": [5, 0, None],
    "any": [5, "5", b"5", "create", None],
}
# With a collation other than BINARY, merged rows have one of several texts.
COLLATED = {"owner"}
# Columns with the collation kal_time, and others with times.
TIMED = {"created_at"}
DATED = {"created_at", "taken_on", "due"}
# What is no time is compared by = only, as the server and SQLite do not agree on the rest.
UNTIMED = [*odd_data.NO_TIMES, 20260131, b"2025-10-01", "NULL"]
# Columns with ids of users and other short texts that are looked up.
USERS = {"event_user_id", "user_id", "id"}
# Conditions that the extension uses.
SENT = {"id", "event_type", "resource_type", "event_user_id", "created_at", "group_id", "user_id", "email"}
PATTERNS = ["%a%", "CREATE", "*e*", "_1", "T%", "2025-10-0_%"]
TABLES = {
    "kal_workspace": ["id", "workspace_name"],
    "kal_members": ["id", "full_name", "preferred_name", "access_level", "email"],
    "kal_groups": ["id", "group_name", "email", "user_ids", "program_ids"],
    "kal_group_members": ["group_id", "user_id"],
    "kal_events": [
        "id", "event_type", "event_type_version", "created_at", "event_user_id", "full_name", "preferred_name", "resource_id",
        "resource_type", "parent_bulk_event_id", "event_attrs", "is_bot", "is_bulk", "created_at_raw",
    ],
    "samples": ["barcode", "owner", "taken_on", "number", "any", "user_id"],
    "drafts": ["barcode", "due", "user_id"],
    "crowd": ["user_id", "number", "resource_type"],
    "guests": ["id", "full_name", "email"],
    "tasks": ["id", "event_type", "created_at", "event_user_id"],
    "authors": ["id", "email", "event_type", "created_at"],
    "activity": ["user_id", "number", "latest"],
}  # fmt: skip
SETUP = [
    "CREATE TABLE samples(barcode TEXT, owner TEXT COLLATE NOCASE, taken_on TEXT, number INTEGER, any, user_id TEXT)",
    "INSERT INTO samples VALUES ('A', 'ann', '2025-10-01', 5, 5, 'a1'), ('B', 'CREATE', '2025-10-01 12:00:00', 0, '5', '5'),"
    " (NULL, NULL, NULL, NULL, NULL, NULL), ('C', 'Task', '2025-10-02T08:15:30.25Z', 1, x'35', 'A1'),"
    " ('A', 'a1', NULL, 5, 'create', '05'),"
    " ('D', 'A1 ', '2024-02-29T23:59:59Z', -1, 5.0, ''), ('E', '5', '9999-12-31T23:59:59Z', 2, x'637265617465', 'zz'),"
    " ('F', 'zz', '2025-09-31 12:00', 3, 6, 'zz'), ('G', 'x', '2460950', 4, '6', 'a1'), ('H', 'y', '1759320000', 5, 7, 'nobody')",
    "CREATE TABLE drafts(barcode TEXT, due TEXT, user_id TEXT)",
    "INSERT INTO drafts VALUES ('A', '', 'a1'), ('B', 'soon', 'zz'), ('C', '2025-10-01T14:00:00+02:00', 'A1'), ('D', NULL, NULL),"
    " ('E', '20260131', '5'), ('F', x'323032352d31302d3031', '05'), ('G', '2025-09-31', 'nobody')",
    # More users than fit into one request, most of them unknown.
    "CREATE TABLE crowd(user_id TEXT, number INTEGER, resource_type TEXT)",
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 230) INSERT INTO crowd SELECT CASE n % 19"
    " WHEN 0 THEN 'a1' WHEN 3 THEN 'zz' WHEN 7 THEN '5' WHEN 11 THEN 'A1' WHEN 12 THEN NULL WHEN 17 THEN '' ELSE 'n' || n END,"
    " n % 9, CASE n % 3 WHEN 0 THEN 'task' WHEN 1 THEN 'record' END FROM n",
    "CREATE TEMP VIEW guests AS SELECT id, full_name, email FROM kal_members WHERE access_level = 'guest' OR id >= 'a'",
    "CREATE TEMP VIEW tasks AS SELECT id, event_type, created_at, event_user_id FROM kal_events"
    " WHERE resource_type = 'task' OR event_type IN ('create', 'delete')",
    "CREATE TEMP VIEW authors AS SELECT m.id, m.email, e.event_type, e.created_at FROM kal_members AS m"
    " LEFT JOIN kal_events AS e ON e.event_user_id = m.id",
    "CREATE TEMP VIEW activity AS SELECT event_user_id AS user_id, count(*) AS number, max(created_at) AS latest FROM kal_events"
    " GROUP BY event_user_id",
]
