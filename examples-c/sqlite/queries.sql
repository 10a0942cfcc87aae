-- Examples of queries. samples is an ordinary table with the columns barcode and owner:
--
--     make sqlite
--     sqlite3 -cmd '.load target/sqlite/kal_sqlite' lab.db <examples-c/sqlite/queries.sql

SELECT full_name, email FROM kal_members WHERE access_level = 'guest';

SELECT group_name, count(*) FROM kal_groups JOIN kal_group_members ON group_id = kal_groups.id GROUP BY group_name;

SELECT barcode, full_name FROM samples LEFT JOIN kal_members ON email = owner;

SELECT created_at, full_name, event_type FROM kal_events
WHERE resource_type = 'experiment' AND event_type IN ('create', 'delete') AND created_at >= datetime('2025-12-31', '-30 days')
ORDER BY created_at;
