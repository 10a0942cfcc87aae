#!/bin/sh
# In place of make in tests of scripts/release.sh, which compile nothing: made.sh dist PLATFORM=NAME, or deb ARCH=NAME.
#
# The archive of this machine's platform is that of `make dist`, in KAL_BUILT. The others are made up: one that was built earlier would
# be of other sources. Nothing is made for KAL_MISSING.
set -eu
[ "$1" != --no-print-directory ] || shift
name=${2#*=}
[ "$name" != "${KAL_MISSING:-}" ] || exit 0
case $1 in
dist)
    mkdir -p "$TARGET/dist"
    row=$(sed '/^#/d' packaging/platforms.txt | awk -v name="$name" '$1 == name')
    # shellcheck disable=SC2086
    set -- $row
    archive=libkaleidoscope-$VERSION-$name.$2
    if [ "$name" = "linux-$(uname -m)" ]; then
        cp "$KAL_BUILT/$archive" "$KAL_BUILT/${archive%.tar.gz}-debug.tar.gz" "$TARGET/dist/"
    else
        python3 -B scripts/licences.py "$3" >"$TARGET/dist/licences"
        python3 -B tests/recipes/fixture.py "$TARGET/dist" "$VERSION" "$name" --licences "$TARGET/dist/licences"
        case $name in linux-*) echo "symbols of $name" >"$TARGET/dist/${archive%.tar.gz}-debug.tar.gz" ;; esac
    fi
    ;;
deb)
    mkdir -p "$TARGET/deb"
    for package in libkaleidoscope0 libkaleidoscope0-dbgsym libkaleidoscope-dev libkaleidoscope-sqlite kal-emulator; do
        echo "$package for $name" >"$TARGET/deb/${package}_$VERSION-1_$name.deb"
    done
    [ "$name" != "$(dpkg --print-architecture)" ] || echo documentation >"$TARGET/deb/libkaleidoscope-doc_$VERSION-1_all.deb"
    ;;
esac
