#!/bin/sh
# Tests the manual pages of scripts/man.py: each function, type and struct with fields has one, without warnings of groff and
# mandoc. KAL_EMULATOR is the program kal-emulator.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
header=include/kaleidoscope.h
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
pages=$scratch/man

documented() { python3 tests/header/header.py functions "$header" | sed 's|.*|man3/&.3|'; }
listed() { python3 -B scripts/man.py --list | LC_ALL=C sort; }
made() { (cd "$pages" && find . -type f | sed 's|^\./||' | LC_ALL=C sort); }
each_function_has_one() { listed >"$scratch/listed" && same '' "$(documented | LC_ALL=C sort | LC_ALL=C comm -23 - "$scratch/listed")"; }
# Check man's output, too: an empty page has no warnings.
no_warnings() {
    for page in "$pages"/man*/*; do
        LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l "$page" 2>>"$scratch/warnings" >"$scratch/page" || return 1
        for heading in NAME SYNOPSIS DESCRIPTION 'SEE ALSO'; do
            grep -q "^$heading" "$scratch/page" || echo "$page has no $heading" >>"$scratch/warnings"
        done
    done
    same '' "$(cat "$scratch/warnings")"
}
mandoc_is_content() { mandoc -Tlint "$pages"/man*/*; }
has_names() { same '' "$(lexgrog "$pages"/man*/* | grep 'parse failed')"; }
# Each "name(3)" that a page refers to is a page here or in the C library.
references_are_pages() {
    grep -ho 'fBkal[a-z_\\-]*.fP([137])' "$pages"/man*/* | sed 's/^fB//; s/.fP(/./; s/)//; s/\\-/-/g' | sort -u >"$scratch/references"
    [ -s "$scratch/references" ] && same '' "$(made | sed 's|.*/||' | sort | comm -23 "$scratch/references" -)"
}
# Red with an option taken out of the table of emulator/README.md: "---page-size".
options() { sed 's/\\-/-/g' | grep -o -e '--[a-z][a-z-]*' | grep -vx -e --help -e --version | LC_ALL=C sort -u; }
has_every_option() {
    same "$("$emulator" --help | grep -E '^ +(-[a-z], )?--[a-z]' | options)" "$(grep '^.fB.-.-' "$pages/man1/kal-emulator.1" | options)"
}

claim 'the manual pages are generated with Python alone' python3 -B -S scripts/man.py "$pages"
if [ ! -d "$pages" ]; then finish; fi
claim 'they are the pages that --list prints' same "$(listed)" "$(made)"
claim 'each function of the header has a page' each_function_has_one
claim 'whatis finds the name and purpose of each page' has_names
claim 'groff has no warning, and each page has the usual sections' no_warnings
claim 'mandoc -Tlint has no warning' mandoc_is_content
claim 'each page that is referred to exists' references_are_pages
claim 'kal-emulator(1) has every option of the program' has_every_option
finish
