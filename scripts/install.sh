#!/bin/sh
# install.sh install|uninstall: installs the library below $DESTDIR, or removes exactly the installed files.
#
# PREFIX, LIBDIR, INCLUDEDIR and MANDIR are the absolute destinations, LIB the directory of the built library, VERSION and ABI its
# versions, STATIC_LIBS the system libraries that the archive needs.
set -eu
name=libkaleidoscope
libdir=${DESTDIR:-}$LIBDIR
includedir=${DESTDIR:-}$INCLUDEDIR
pkgconfig=$LIBDIR/pkgconfig
cmake=$LIBDIR/cmake/kaleidoscope
mandir=${DESTDIR:-}$MANDIR
share=$PREFIX/share/kaleidoscope
# The size of a pointer of the library's platform, which may not be this machine's.
pointer=$(readelf -h "$LIB/$name.so.$VERSION" 2>/dev/null | sed -n 's/.*Class: *ELF\([0-9]*\).*/\1/p')
pointer=$((${pointer:-$(getconf LONG_BIT)} / 8))
headers=$(cd include && find . -name '*.h' -o -name '*.hpp' | sed 's|^\./||')

# fill TEMPLATE DIRECTORY: expands a template for a file in that directory, with relative paths to the other directories.
fill() {
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@ABI@|$ABI|g" -e "s|@POINTER@|$pointer|g" \
        -e "s|@PREFIX@|$(realpath -ms --relative-to="$2" "$PREFIX")|g" \
        -e "s|@INCLUDEDIR@|$(realpath -ms --relative-to="$2" "$INCLUDEDIR")|g" \
        -e "s|@STATIC_LIBS@|$STATIC_LIBS|g" "packaging/$1.in" >"${DESTDIR:-}$2/$1"
    chmod 644 "${DESTDIR:-}$2/$1"
}

# The manual pages are generated from the header by a Python script; without Python only they are omitted.
if command -v python3 >/dev/null; then
    pages=$(python3 -B scripts/man.py --list)
else
    pages=
    echo 'install.sh: python3 not found: the manual pages are not installed' >&2
fi

# Updates the cache of the dynamic loader, if it searches the directory.
refresh_loader_cache() {
    [ -z "${DESTDIR:-}" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null || return 0
    if ldconfig -vN 2>/dev/null | grep -q "^$LIBDIR:"; then ldconfig; fi
}

case $1 in
install)
    install -d "$libdir" "$includedir" "${DESTDIR:-}$pkgconfig" "${DESTDIR:-}$cmake"
    install -m 755 "$LIB/$name.so.$VERSION" "$libdir/"
    ln -sf "$name.so.$VERSION" "$libdir/$name.so.$ABI"
    ln -sf "$name.so.$ABI" "$libdir/$name.so"
    install -m 644 "$LIB/$name.a" "$libdir/"
    for header in $headers; do install -D -m 644 "include/$header" "$includedir/$header"; done
    fill kaleidoscope.pc "$pkgconfig"
    fill kaleidoscope-config.cmake "$cmake"
    fill kaleidoscope-config-version.cmake "$cmake"
    install -D -m 644 packaging/$name.supp "${DESTDIR:-}$share/$name.supp"
    [ -z "$pages" ] || python3 -B scripts/man.py "$LIB/man"
    for page in $pages; do install -D -m 644 "$LIB/man/$page" "$mandir/$page"; done
    ;;
uninstall)
    rm -f "$libdir/$name.so.$VERSION" "$libdir/$name.so.$ABI" "$libdir/$name.so" "$libdir/$name.a" \
        "${DESTDIR:-}$pkgconfig/kaleidoscope.pc" "${DESTDIR:-}$cmake/kaleidoscope-config.cmake" \
        "${DESTDIR:-}$cmake/kaleidoscope-config-version.cmake" "${DESTDIR:-}$share/$name.supp"
    for header in $headers; do rm -f "$includedir/$header"; done
    for page in $pages; do rm -f "$mandir/$page"; done
    # lib, include and share belong to the prefix; these directories are removed if they are empty.
    for folder in "$cmake" "$LIBDIR/cmake" "$pkgconfig" "$INCLUDEDIR/kaleidoscope" "$share" \
        "$MANDIR/man1" "$MANDIR/man3" "$MANDIR/man7" "$MANDIR"; do
        if [ -d "${DESTDIR:-}$folder" ]; then rmdir --ignore-fail-on-non-empty "${DESTDIR:-}$folder"; fi
    done
    ;;
*)
    echo "usage: install.sh install|uninstall" >&2
    exit 2
    ;;
esac
refresh_loader_cache
