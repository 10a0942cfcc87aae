"""Queries that once returned wrong rows, and similar ones: their rows must equal those of the copies, and not be empty.

The comment above a query says what was wrong; "rowids" are those that counted the rows of each scan. The others never failed.
"""

LONG = "x" * 70000

CASES = [
    # Rowids: 10 rows of 15.
    ("the branches of an OR", "SELECT id FROM kal_events WHERE event_type = 'delete' OR event_user_id = 'zz'"),
    # Rowids: 6 rows of 7.
    ("an OR where a user is twice in a group", "SELECT * FROM kal_group_members WHERE group_id = 'g1' OR user_id = 'a1'"),
    # Rowids: members without a match were missing.
    (
        "a RIGHT JOIN where two members have one id",
        "SELECT u.user_id, m.full_name FROM kal_group_members AS u RIGHT JOIN kal_members AS m ON u.user_id = m.id",
    ),
    # Rowids: the same.
    (
        "a FULL JOIN of three tables",
        "SELECT e.id, m.full_name, s.barcode FROM kal_events AS e FULL JOIN kal_members AS m ON m.id = e.event_user_id "
        "FULL JOIN samples AS s ON s.user_id = m.id",
    ),
    (
        "an OR where a member is listed twice",
        "SELECT * FROM kal_members WHERE id = 'a1' OR email = (SELECT email FROM kal_members LIMIT 1) OR length(id) = 2",
    ),
    # Rowids: the group without users was missing.
    (
        "a RIGHT JOIN where a group and a user in it are listed twice",
        "SELECT g.id, u.user_id FROM kal_members AS m JOIN kal_group_members AS u ON u.user_id = m.id "
        "RIGHT JOIN kal_groups AS g ON g.id = u.group_id",
    ),
    ("ids that are there twice", "SELECT DISTINCT id FROM kal_groups"),
    # Only '5' was sent to the server.
    (
        "a number equals every text that means it",
        "SELECT e.id FROM samples AS s CROSS JOIN kal_events AS e ON e.event_user_id = s.number",
    ),
    ("so does a list of numbers", "SELECT id FROM kal_events WHERE event_user_id IN (SELECT number FROM samples)"),
    # Only '5' was searched for in the list.
    ("so do the ids of a list", "SELECT m.id FROM samples AS s JOIN kal_members AS m ON m.id = s.number"),
    # Rows that do not match: single values of an IN are compared with another affinity.
    ("an IN of values without a type", "SELECT id FROM kal_members WHERE id IN (SELECT any FROM samples)"),
    (
        "such an IN of resource types",
        "SELECT id FROM kal_events WHERE resource_type IN (SELECT any FROM samples) OR resource_type = 'record'",
    ),
    (
        "several resource types",
        "SELECT id FROM kal_events WHERE resource_type IN ('record', 'task', 'nothing', 'record', NULL)",
    ),
    # No request was sent: no date was considered later than the year 5907.
    ("the last of all dates", "SELECT id FROM kal_events WHERE created_at >= '9999-12-31'"),
    # The id, which has a NUL, differs between the server and SQL.
    (
        "an id that SQL cannot write",
        "SELECT m.full_name, e.id FROM kal_members AS m LEFT JOIN kal_events AS e ON e.event_user_id = m.id WHERE m.id "
        "LIKE 'x%'",
    ),
    # Errors of the library: KAL_INVALID_UTF8 and KAL_INVALID_ARGUMENT.
    (
        "a text that is no UTF-8",
        "SELECT id FROM kal_events WHERE event_type IN (CAST(x'ff' AS TEXT), CAST(x'eda080' AS TEXT), 'create')",
    ),
    ("a text that no URL has room for", f"SELECT id FROM kal_events WHERE event_type = '{LONG}' OR event_type = 'create'"),
    # It was not a valid date.
    ("a Unix time is the instant that it means", "SELECT id FROM kal_events WHERE created_at = '9999-12-31T23:59:59Z'"),
    # An error: it was not a valid date.
    (
        "so is one that comes from a table",
        "SELECT a.id, b.id FROM kal_events AS a CROSS JOIN kal_events AS b ON b.created_at = a.created_at",
    ),
    ("a Unix time of one's own", "SELECT id FROM kal_events WHERE created_at < 1790000000 AND created_at > '1700000000.5'"),
    (
        "two constraints on a column",
        "SELECT id FROM kal_events WHERE event_type = 'create' AND event_type >= 'c' AND created_at > '2024-01-01' AND "
        "created_at > '2025-09-30'",
    ),
    (
        "ids that differ by case and spaces",
        "SELECT m.id, e.id FROM kal_members AS m JOIN kal_events AS e ON e.event_user_id = m.id WHERE m.id LIKE 'a1%'",
    ),
    # Rows that do not match: SQLite does not say of constraints after the 32nd that they are an IN.
    (
        "an IN after many other constraints",
        "SELECT id FROM kal_members WHERE "
        + " AND ".join(["id >= ''"] * 32)
        + " AND id IN (SELECT any FROM samples)",
    ),
    (
        "such an IN of events",
        "SELECT id FROM kal_events WHERE "
        + " AND ".join(["id >= ''"] * 32)
        + " AND event_user_id IN (SELECT any FROM samples)",
    ),
    ("an email that several members have", "SELECT id, email FROM kal_members WHERE email = 'ann@example.com'"),
    ("emails in another case", "SELECT id FROM kal_members WHERE email IN ('ANN@EXAMPLE.COM', '', NULL) COLLATE NOCASE"),
    (
        "rows looked up by many texts, in the order of the list",
        "SELECT group_concat(id || '/' || email) FROM kal_members WHERE email IN ('e5', 'ann@example.com', 'ANN@example.com', '')",
    ),
    (
        "users and groups at once",
        "SELECT * FROM kal_group_members WHERE user_id IN ('a1', '5', 'nothing') AND group_id IN ('g1', 'g2')",
    ),
    ("no email", "SELECT id FROM kal_members WHERE email IS NULL OR email = ''"),
    (
        "emails and ids of different tables",
        "SELECT m.id, g.id, u.user_id FROM kal_members AS m LEFT JOIN kal_groups AS g ON g.email = m.email "
        "LEFT JOIN kal_group_members AS u ON u.user_id = m.id AND u.group_id = g.id",
    ),
    # Seen red with a list that was cut at 100 values.
    ("users of a longer list than a request has", "SELECT id FROM kal_events WHERE event_user_id IN (SELECT user_id FROM crowd)"),
    (
        "a LEFT JOIN of more users than a request has",
        "SELECT c.user_id, c.number, e.id FROM crowd AS c LEFT JOIN kal_events AS e ON e.event_user_id = c.user_id",
    ),
    (
        "such a join with conditions of both sides",
        "SELECT c.user_id, e.id FROM crowd AS c LEFT JOIN kal_events AS e ON e.event_user_id = c.user_id AND e.event_type = "
        "'create' AND c.number < 7 WHERE e.id IS NULL OR e.created_at >= '2025-10-01'",
    ),
    (
        "two joins by one user",
        "SELECT m.id, e.id, f.id FROM kal_members AS m LEFT JOIN kal_events AS e ON e.event_user_id = m.id "
        "LEFT JOIN kal_events AS f ON f.event_user_id = e.event_user_id AND f.created_at < e.created_at",
    ),
    ("members with one email", "SELECT a.id, b.id FROM kal_members AS a JOIN kal_members AS b ON b.email = a.email"),
    # Seen red with the server's order, in which events without a time are the newest.
    ("the latest events", "SELECT created_at FROM kal_events ORDER BY created_at DESC LIMIT 3"),
    ("the first events", "SELECT created_at FROM kal_events ORDER BY created_at LIMIT 6"),
]
