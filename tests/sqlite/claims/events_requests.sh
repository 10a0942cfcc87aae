# How many requests the usual queries of kal_events send, by a workspace of 20,000 events. On the right what it was with pages of
# the server's own size, lookups one by one and sorting in SQLite.
# shellcheck shell=sh disable=SC2154  # sourced by run.sh

first_url=$KALEIDOSCOPE_API_URL
mkfifo "$scratch/events_stop" "$scratch/events_ready"
# other_server OPTION...: sends the requests of what follows to another emulator.
other_server() {
    exec 8>&-
    "$KAL_EMULATOR" --exit-with-stdin --seed 7 "$@" <"$scratch/events_stop" >"$scratch/events_ready" 9>&- &
    exec 8>"$scratch/events_stop"
    read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/events_ready"
}
# requests COUNT ROWS STATEMENT...: the statements send so many requests for events, and return these rows.
requests() {
    count=$1 && rows=$2 && shift 2
    admin sent >/dev/null
    found=$(shell "$@" 2>&1) || { echo "$found"; return 1; }
    same "$rows" "$found" && same "$count" "$(admin sent | grep -c '^events' || :)"
}

# sends_pages EXPECTED STATEMENT...: the requests, with their page sizes.
sends_pages() {
    expected=$1 && shift
    admin sent >/dev/null
    shell "$@" >/dev/null && same "$expected" "$(admin sent | head -1)"
}

exec 8>/dev/null
other_server --events 20000
user='SELECT id FROM kal_members LIMIT 1'
claim 'all events: 23 requests, 1,000 events each' requests 23 20000 'SELECT count(*) FROM kal_events' # 221
claim 'a type: 8 requests' requests 8 4010 "SELECT count(*) FROM kal_events WHERE event_type = 'create'" # 47
claim 'a user: 5 requests' requests 5 1666 "SELECT count(*) FROM kal_events WHERE event_user_id = ($user)" # 22
claim 'a month: 5 requests' requests 5 1649 \
    "SELECT count(*) FROM kal_events WHERE created_at >= '2025-06-01' AND created_at < '2025-07-01'" # 21
claim 'a week: 2 requests' requests 2 402 \
    "SELECT count(*) FROM kal_events WHERE created_at > datetime('2025-12-31', '-7 days')" # 8
claim 'a join with members: 23 requests' requests 23 20000 \
    'SELECT count(*) FROM kal_events JOIN kal_members ON kal_members.id = event_user_id' # 221
claim 'a left join of 12 members: 26 requests' requests 26 20000 \
    'SELECT count(*) FROM kal_members LEFT JOIN kal_events ON event_user_id = kal_members.id' # 237
claim 'types, counted: 23 requests' requests 23 5 \
    'SELECT count(*) FROM (SELECT event_type, count(*) FROM kal_events GROUP BY event_type)' # 221
claim 'the newest three: 1 request' requests 1 3 \
    'SELECT count(*) FROM (SELECT id FROM kal_events ORDER BY created_at DESC LIMIT 3)' # 221
claim 'IN and a subquery of four members: 10 requests' requests 10 6679 \
    'SELECT count(*) FROM kal_events WHERE event_user_id IN (SELECT id FROM kal_members ORDER BY id LIMIT 4)' # 76

# --- Pages

claim 'LIMIT requests a small page' sends_pages 'events page_size=100' 'SELECT id FROM kal_events LIMIT 3'
claim 'LIMIT and OFFSET are added' sends_pages 'events page_size=350' 'SELECT id FROM kal_events LIMIT 50 OFFSET 300'
claim 'the newest need some of the events that follow' sends_pages 'events page_size=150' \
    'SELECT id FROM kal_events ORDER BY created_at DESC LIMIT 100'
claim 'no page is requested ahead that LIMIT does not need' requests 2 1500 \
    'SELECT count(*) FROM (SELECT id FROM kal_events LIMIT 1500)'
claim 'a condition that is left to SQLite makes LIMIT no hint' sends_pages 'events page_size=1000' \
    "SELECT id FROM kal_events WHERE full_name LIKE '%' LIMIT 3"
claim 'page_size of kal_open is used instead' sends_pages 'events page_size=200' \
    "SELECT kal_open('{\"page_size\": 200}')" 'SELECT id FROM kal_events LIMIT 3'

# --- Long lists

# numbers COUNT: ids that no user has, and two that members have.
numbers() { echo "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < $1) SELECT 'user-' || i FROM n
    UNION SELECT id FROM (SELECT id FROM kal_members LIMIT 2)"; }
claim '250 users are three batches: 9 requests' requests 9 3315 \
    "SELECT count(*) FROM kal_events WHERE event_user_id IN ($(numbers 248))" # 221
claim 'more than 10,000 users are not sent' requests 23 3315 \
    "SELECT count(*) FROM kal_events WHERE event_user_id IN ($(numbers 10001))"
claim '250 types are three batches' requests 10 4010 \
    "SELECT count(*) FROM kal_events WHERE event_type IN ($(numbers 248) UNION SELECT 'create')"
# 1,000 batches of both would be more than all events.
claim 'one of two long lists is sent: 31 batches' requests 31 0 \
    "SELECT count(*) FROM kal_events WHERE event_type IN ($(numbers 3000)) AND event_user_id IN ($(numbers 3100))"

# --- Joins

claim 'EXISTS: 3 requests for 12 members' requests 3 12 \
    'SELECT count(*) FROM kal_members AS m WHERE EXISTS (SELECT 1 FROM kal_events WHERE event_user_id = m.id)' # 12
claim 'the last event of each member: 3 requests' requests 3 12 'SELECT count(last) FROM (SELECT (SELECT created_at
    FROM kal_events WHERE event_user_id = m.id ORDER BY created_at DESC LIMIT 1) AS last FROM kal_members AS m)' # 237
# owners COUNT: a table of ids, half of them of members, the others of nobody.
owners() { echo "CREATE TEMP TABLE owners AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < $1),
    m AS (SELECT row_number() OVER () AS place, id FROM kal_members)
    SELECT i AS number, iif(i % 2, 'user-' || i, (SELECT id FROM m WHERE place = 1 + i % 12)) AS id FROM n"; }
claim 'a user is requested once, however often the outer loop has it' requests 13 9945 \
    'CREATE TEMP TABLE owners AS SELECT id FROM (SELECT id FROM kal_members LIMIT 2), (VALUES (1), (2), (3))' \
    'SELECT count(e.id) FROM owners AS o LEFT JOIN kal_events AS e ON e.event_user_id = o.id'
claim '500 owners: not more than the events need' requests 83 415105 "$(owners 500)" \
    'SELECT count(*) FROM owners AS o LEFT JOIN kal_events AS e ON e.event_user_id = o.id' # 5,000
claim 'numbers, which are not sent: all events twice' requests 45 30 "$(owners 30)" \
    'SELECT count(*) FROM owners AS o LEFT JOIN kal_events AS e ON e.event_user_id = o.number' # 6,630
claim 'NOCASE, which is not sent: all events twice' requests 45 24893 "$(owners 30)" \
    'SELECT count(*) FROM owners AS o LEFT JOIN kal_events AS e ON e.event_user_id = o.id COLLATE NOCASE' # 6,630
claim 'a scan repeated by a join is read twice, then remembered' requests 45 80000 \
    'SELECT count(*) FROM kal_groups CROSS JOIN kal_events' # 884

# --- ORDER BY created_at DESC

newest() { shell "SELECT group_concat(created_at) FROM (SELECT created_at FROM kal_events ORDER BY $1created_at DESC LIMIT 200)"; }
claim 'the newest are those that SQLite sorts' same "$(newest +)" "$(newest '')"
claim 'another order is left to SQLite' requests 23 3 \
    'SELECT count(*) FROM (SELECT id FROM kal_events ORDER BY created_at DESC, id LIMIT 3)'
other_server --events 20000 --order asc
claim 'a server that sends the oldest first: all events, and a page that shows it' requests 24 3 \
    'SELECT count(*) FROM (SELECT id FROM kal_events ORDER BY created_at DESC LIMIT 3)'
claim 'and the newest are those that SQLite sorts' same "$(newest +)" "$(newest '')"
other_server --events 60
claim 'a list shorter than a page is sorted' same "$(newest +)" "$(newest '')"

exec 8>&-
KALEIDOSCOPE_API_URL=$first_url
