#!/bin/sh
# pack.sh FOLDER NAME FILE: packs NAME, which is in FOLDER, as FILE (.tar.gz). The same files result in the same bytes; all are owned by
# root and as old as the last commit, or as SOURCE_DATE_EPOCH says.
set -eu
tar --create --directory "$1" --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX \
    --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" "$2" | gzip --no-name --best >"$3.new"
mv "$3.new" "$3"
