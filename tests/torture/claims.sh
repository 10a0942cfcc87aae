#!/bin/sh
# claims.sh NAME COMMAND...: runs other tests of the project as a row. Runs each COMMAND through the shell, passes on its output,
# counts its claims ("ok - ...", "not ok - ..."), and prints the row's summary last.
set -u
name=$1
shift

for command in "$@"; do
    sh -c "$command" 2>&1
    printf '@ended %d %s\n' "$?" "$command"
done | awk -v name="$name" '
    function escaped(text) { gsub(/["\\]/, " ", text); return text }
    /^@ended / {
        status = $2
        command = $0
        sub(/^@ended [0-9]+ /, "", command)
        if (status != 0 && failed == failed_before) {
            print "not ok - " name ": " command " ended with " status
            failed++
        } else if (passed == passed_before && failed == failed_before) {
            print "not ok - " name ": " command " made no claims"
            failed++
        }
        detail = detail (detail == "" ? "" : ", ") command " " (passed - passed_before) " claims"
        passed_before = passed
        failed_before = failed
        next
    }
    { print }
    /^ok( [0-9]+)? - / && !/# SKIP/ { passed++ }
    /^ok( [0-9]+)? - .*# SKIP/ { skipped++ }
    /^not ok( [0-9]+)? - / && !/# SKIP/ { failed++ }
    END {
        if (skipped) detail = detail ", " skipped " skipped"
        printf "{\"name\":\"%s\",\"tried\":%d,\"failed\":%d,\"detail\":\"%s\"}\n", name, passed + failed, failed, escaped(detail)
        exit failed > 0 || passed == 0
    }'
