# kal_open: its argument, and the file with the options. Sourced by tests/sqlite/run.sh.
# shellcheck shell=sh disable=SC2154  # scratch is run.sh's

file=$scratch/options.json
# holds MODE TEXT: the file has this mode and content.
holds() { rm -rf "$file" && printf '%s' "$2" >"$file" && chmod "$1" "$file"; }
# refused MESSAGE: kal_open of the file fails with it, and no message has the secret. Each was seen red without its check.
refused() {
    if found=$(shell "SELECT kal_open('$file')" 2>&1); then echo "it did not fail" && return 1; fi
    case $found in *hush*) echo "the message has the secret: $found" && return 1 ;; esac
    case $found in *"kal_open: the file $file $1"*) ;; *) same "$1" "$found" ;; esac
}
good="{\"client_id\": \"demo-client\", \"client_secret\": \"demo-secret\", \"base_url\": \"$KALEIDOSCOPE_API_URL\"}"
bad='{"client_id": "demo-client", "client_secret": "hush-hush"}'
alone() {
    env -u KALEIDOSCOPE_API_CLIENT_ID -u KALEIDOSCOPE_API_CLIENT_SECRET -u KALEIDOSCOPE_API_URL \
        sqlite3 -batch -bail -cmd ".load $KAL_SQLITE" "$scratch/lab.db" "$@"
}

holds 600 "$good"
claim 'kal_open reads credentials and URL from a file' same 12 "$(alone "SELECT kal_open('$file') WHERE 0" \
    "SELECT kal_open('$file') IS NULL" 'SELECT count(*) FROM kal_members' | tail -n 1)"
claim 'the path may be relative' same 12 "$(cd "$scratch" && alone "SELECT kal_open('options.json') IS NULL" \
    'SELECT count(*) FROM kal_members' | tail -n 1)"
ln -sf "$file" "$scratch/link"
claim 'a link is what it points to' same 12 "$(alone "SELECT kal_open('$scratch/link') IS NULL" \
    'SELECT count(*) FROM kal_members' | tail -n 1)"
holds 400 "
  $good
"
claim 'the file may be read-only, with space around the object' same 12 "$(alone "SELECT kal_open('$file') IS NULL" \
    'SELECT count(*) FROM kal_members' | tail -n 1)"

for mode in 640 604 660 602 620 601 777; do
    holds $mode "$bad"
    claim "a file of mode $mode is refused, with what to do" \
        refused "can be accessed by other users (its mode is 0$mode): make it your own by chmod 600"
done
claim 'nor is one by a link' fails 'can be accessed by other users' "SELECT kal_open('$scratch/link')"
if [ "$(id -u)" -eq 0 ]; then
    holds 600 "$bad" && chown 12345 "$file"
    claim 'the file of another user is refused' refused "belongs to user 12345: it must be your own (user 0) or root's"
fi
rm -f "$file"
claim 'a missing file is an error' refused 'cannot be opened: No such file or directory'
mkdir "$file"
claim 'so is a folder' refused 'is not a regular file'
rmdir "$file" && mkfifo -m 600 "$file"
claim 'and a pipe, which is not waited for' refused 'is not a regular file'
rm -f "$file" && ln -s /dev/null "$file"
claim 'and a device' refused 'is not a regular file'
holds 600 "$(printf '\357\273\277%s' "$bad")"
claim 'a byte order mark is an error that says so' refused 'begins with a byte order mark: save it as UTF-8 without one'
rm -f "$file" && printf '{"client_secret": "hush\000hush"}' >"$file" && chmod 600 "$file"
claim 'so is a NUL byte' refused 'contains a NUL byte: save it as UTF-8'
holds 600 ''
claim 'an empty file is no JSON object' refused 'is not a JSON object: expected one with the options'
holds 600 '["client_secret", "hush"]'
claim 'nor is a list' refused 'is not a JSON object: expected one with the options'
holds 600 "$(printf '{"client_id": "demo-client", "client_secret": "%065536d"}' 7)"
claim 'a file above 64 KiB is refused' refused 'is larger than 64 KiB: expected a JSON object with the options'
holds 600 "$(printf '%s%*s' "$good" $((65536 - ${#good})) '')"
claim 'one of 64 KiB is not' same 12 "$(alone "SELECT kal_open('$file') IS NULL" 'SELECT count(*) FROM kal_members' | tail -n 1)"

# The content is in no message, whatever is wrong with it.
for content in '{"client_secret": "hush-hush"' '{"client_secret": hush}' '{"client_secret": ["hush"]}' '{"timeout_ms": "hush"}' \
    '{"client_id": "demo-client", "client_secret": "hush\u0000hush"}' '{"client_secret": "hush", "base_url": "http://example.com"}' \
    '{client_secret: "hush"}' "{'client_secret': 'hush'}"; do
    holds 600 "$content"
    claim "an error does not show the content: $content" sh -c 'case $1 in *hush*) echo "$1" && exit 1 ;; *Error*) ;; *) exit 1 ;; esac' - \
        "$(shell "SELECT kal_open('$file')" 'SELECT count(*) FROM kal_members' 2>&1 || :)"
done
claim 'JSON5 is an error in every version of SQLite' fails 'kal_open: malformed JSON' "SELECT kal_open('{timeout_ms: 5}')"

# --- What is neither an object nor a path

neither='kal_open: expected a JSON object, which begins with {, or the path of a file with one'
for argument in "''" 5 "x'7b7d'" '5.5' "'{}' || char(0)" "'\"client_secret\": \"hush\"}'" "'[\"hush\"]'" "'a' || char(10) || 'hush'"; do
    claim "kal_open($argument) is an error that does not show it" sh -c \
        'case $1 in *hush*) echo "$1" && exit 1 ;; *"$2"*) ;; *) echo "$1" && exit 1 ;; esac' - \
        "$(shell "SELECT kal_open($argument)" 2>&1 || :)" "$neither"
done
claim 'NULL is no argument' same 12 "$(shell 'SELECT kal_open(NULL) IS NULL' 'SELECT count(*) FROM kal_members' | tail -n 1)"
after_failure() {
    admin sent >/dev/null
    printf '%s;\n' "SELECT kal_open('{\"page_size\": 7}')" 'SELECT count(*) FROM kal_members' "SELECT kal_open('$scratch/missing')" \
        'SELECT count(*) FROM kal_members' 'SELECT id FROM kal_events LIMIT 1' |
        sqlite3 -batch -cmd ".load $KAL_SQLITE" :memory: >/dev/null 2>"$scratch/errors" || [ -s "$scratch/errors" ]
    admin sent | sed 's/&before_date=.*//'
}
claim 'after a failure the client stays as it was' same 'members
events page_size=7' "$(after_failure)"
