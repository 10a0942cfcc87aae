#!/bin/sh
# install.sh install|archive|uninstall: installs the library below $DESTDIR, or removes exactly the installed files. archive installs
# what may be moved afterwards: the pkg-config file then finds the others by relative paths, too, and CMake and Meson can take the folder
# for a part of a project.
#
# PREFIX, LIBDIR, INCLUDEDIR and MANDIR are the absolute destinations, LIB the directory of the built library, VERSION and ABI its
# versions, STATIC_LIBS the system libraries that the archive needs; KAL_SQLITE_SO is the built extension for SQLite, if that is
# installed, CROSS_COMPILE the prefix of the strip for it, which KEEP_SYMBOLS=yes leaves out.
set -eu
name=libkaleidoscope
fail() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 2
}
# place NAME: $NAME is where files of an installation are, in a form that programs compare.
place() {
    eval "path=\$$1"
    case $path in
    /*) ;;
    *) fail "$1 must be an absolute path, not '$path'" ;;
    esac
    # In an archive, no file has the path.
    if [ -z "$archive" ]; then
        case $path in
        *[\"\'\\\$\`\#\;\|:]*) fail "$1 must not contain any of \" ' \\ \$ \` # ; | : which pkg-config or CMake take for syntax: $path" ;;
        esac
    fi
    eval "$1=\$(realpath -ms -- \"\$path\")"
}
archive=
[ "${1:-}" != archive ] || archive=yes
for each in PREFIX LIBDIR INCLUDEDIR MANDIR; do place $each; done

libdir=${DESTDIR:-}$LIBDIR
includedir=${DESTDIR:-}$INCLUDEDIR
pkgconfig=$LIBDIR/pkgconfig
cmake=$LIBDIR/cmake/kaleidoscope
mandir=${DESTDIR:-}$MANDIR
share=$PREFIX/share/kaleidoscope
suppressions="$name.supp $name-tsan.supp" # of valgrind and of ThreadSanitizer
# The size of a pointer and the processor of the library's platform, which may not be this machine's.
elf=$(LC_ALL=C readelf -h "$LIB/$name.so.$VERSION" 2>/dev/null || :)
pointer=$(printf '%s\n' "$elf" | sed -n 's/.*Class: *ELF\([0-9]*\).*/\1/p')
pointer=$((${pointer:-$(getconf LONG_BIT)} / 8))
case $elf in
*X86-64*) machine=x86_64 ;;
*AArch64*) machine=aarch64 ;;
*) machine= ;;
esac
headers=$(cd include && find . -name '*.h' -o -name '*.hpp' | sed 's|^\./||')

# quoted TEXT: as the replacement of `s|...|...|` of sed.
quoted() { printf %s "$1" | sed 's/[\\&|]/\\&/g'; }

# expand TEMPLATE FILE PREFIX LIBDIR INCLUDEDIR
expand() {
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@ABI@|$ABI|g" -e "s|@POINTER@|$pointer|g" -e "s|@MACHINE@|$machine|g" \
        -e 's|@SYSTEM@|Linux|g' -e "s|@PREFIX@|$(quoted "$3")|g" \
        -e "s|@LIBDIR@|$(quoted "$4")|g" -e "s|@INCLUDEDIR@|$(quoted "$5")|g" -e "s|@STATIC_LIBS@|$STATIC_LIBS|g" \
        "packaging/$1.in" >"$2"
    chmod 644 "$2"
}

# escaped: standard input for the pkg-config file, where a space ends a word; & is for the shell that reads what pkg-config prints.
escaped() { sed 's/[ &]/\\&/g'; }
in_prefix() {
    case $1/ in
    "${PREFIX%/}"/*) printf '${prefix}%s' "${1#"${PREFIX%/}"}" ;;
    *) printf %s "$1" ;;
    esac | escaped
}

# pkg-config leaves out -I and -L of the directories that compilers search, and -isystem /usr/include would break <stdlib.h>: it
# recognises them only if they are written plainly. An archive is unpacked anywhere, so its paths are relative to the file.
fill_pkg_config() {
    prefix=$(printf %s "$PREFIX" | escaped)
    [ -z "$archive" ] || prefix=$(printf '${pcfiledir}/%s' "$(realpath -ms --relative-to="$pkgconfig" "$PREFIX")")
    expand kaleidoscope.pc "${DESTDIR:-}$pkgconfig/kaleidoscope.pc" "$prefix" "$(in_prefix "$LIBDIR")" "$(in_prefix "$INCLUDEDIR")"
}

# The files for CMake find the others by relative paths wherever they are installed.
fill_cmake() {
    for file in kaleidoscope-config.cmake kaleidoscope-config-version.cmake; do
        expand $file "${DESTDIR:-}$cmake/$file" '' '' "$(realpath -ms --relative-to="$cmake" "$INCLUDEDIR")"
    done
}

# What FetchContent, add_subdirectory and subprojects of Meson read.
fill_project() {
    install -m 644 packaging/archive/CMakeLists.txt "$PREFIX/"
    expand archive/meson.build "$PREFIX/meson.build" '' '' ''
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
    if ldconfig -vN 2>/dev/null | cut -d: -f1 | grep -qxF -e "$LIBDIR"; then ldconfig; fi
}

case ${1:-} in
install | archive)
    install -d "$libdir" "$includedir" "${DESTDIR:-}$pkgconfig" "${DESTDIR:-}$cmake"
    install -m 755 "$LIB/$name.so.$VERSION" "$libdir/"
    ln -sf "$name.so.$VERSION" "$libdir/$name.so.$ABI"
    ln -sf "$name.so.$ABI" "$libdir/$name.so"
    install -m 644 "$LIB/$name.a" "$libdir/"
    # In the dynamic loader's path, so that its name is enough in a default library directory.
    if [ "${KAL_SQLITE_SO:-}" ]; then
        install -m 755 "$KAL_SQLITE_SO" "$libdir/kal_sqlite.so"
        [ "${KEEP_SYMBOLS:-}" ] || "${CROSS_COMPILE:-}strip" --strip-unneeded "$libdir/kal_sqlite.so"
    fi
    for header in $headers; do install -D -m 644 "include/$header" "$includedir/$header"; done
    fill_pkg_config
    fill_cmake
    [ -z "$archive" ] || fill_project
    for file in $suppressions; do install -D -m 644 "packaging/$file" "${DESTDIR:-}$share/$file"; done
    [ -z "$pages" ] || python3 -B scripts/man.py "$LIB/man"
    for page in $pages; do install -D -m 644 "$LIB/man/$page" "$mandir/$page"; done
    ;;
uninstall)
    rm -f "$libdir/$name.so.$VERSION" "$libdir/$name.so.$ABI" "$libdir/$name.so" "$libdir/$name.a" "$libdir/kal_sqlite.so" \
        "${DESTDIR:-}$pkgconfig/kaleidoscope.pc" "${DESTDIR:-}$cmake/kaleidoscope-config.cmake" \
        "${DESTDIR:-}$cmake/kaleidoscope-config-version.cmake"
    for file in $suppressions; do rm -f "${DESTDIR:-}$share/$file"; done
    for header in $headers; do rm -f "$includedir/$header"; done
    for page in $pages; do rm -f "$mandir/$page"; done
    # lib, include and share belong to the prefix; these directories are removed if they are empty.
    for folder in "$cmake" "$LIBDIR/cmake" "$pkgconfig" "$INCLUDEDIR/kaleidoscope" "$share" \
        "$MANDIR/man1" "$MANDIR/man3" "$MANDIR/man7" "$MANDIR"; do
        if [ -d "${DESTDIR:-}$folder" ]; then rmdir --ignore-fail-on-non-empty "${DESTDIR:-}$folder"; fi
    done
    ;;
*)
    echo "usage: install.sh install|archive|uninstall" >&2
    exit 2
    ;;
esac
refresh_loader_cache
