# Sourced by run.sh: paths with characters that make, the shell, pkg-config or CMake take for syntax work, or are refused with a reason.
# shellcheck shell=sh disable=SC2154,SC2016

work=$scratch/paths-work
mkdir "$work"
make_archive_in() {
    VERSION=$version ABI=0 STATIC_LIBS='-lpthread -lm -ldl' LIB=$KAL_LIB_DIR PREFIX=$1 LIBDIR=$1/lib INCLUDEDIR=$1/include \
        MANDIR=$1/share/man scripts/install.sh archive
}
# says MESSAGE COMMAND...: it fails, and says that.
says() {
    message=$1
    shift
    ! said=$("$@" 2>&1) && case $(echo "$said" | tr -s ' \n' ' ') in *"$message"*) ;; *) false ;; esac || { printf '%s\n' "$said" && false; }
}

# --- An archive, unpacked there

claim 'an archive is made in a path with a semicolon, a dollar sign and a space' make_archive_in "$work/at/plain;\$x y"
# moved_to TEXT: to a folder with that in its name. Claims run in subshells, so that only the file system knows where it was.
moved_to() { prefix="$work/at/an$1archive" libdir="$work/at/an$1archive/lib" && { [ -e "$prefix" ] || mv "$work"/at/* "$prefix"; }; }
cmake_there() { moved_to "$1" && with_cmake "$2"; }
for each in ' ' '$' '$x' '&' '#' '"' "'" '(' ')' '`'; do
    claim "an archive in a path with $each: CMake builds with the shared library" cmake_there "$each" kaleidoscope
done
claim 'an archive in a path with all of them: CMake builds with the archive' cmake_there ' $x&#"'\''()`' static
# Red: the library was 'found' in half of the path, and make said 'multiple target patterns' or 'no rule to make target'.
cmake_refuses_there() {
    moved_to "$1" && says "CMake cannot build with a path that contains $1 as $prefix/lib does" \
        configure -DLINK=kaleidoscope "-DWANTED=$version" -DKaleidoscope_DIR="$prefix/lib/cmake/kaleidoscope"
}
for each in ';' '|' ':'; do claim "an archive in a path with $each: CMake is told that it cannot build with it" cmake_refuses_there "$each"; done

built() { ${CC:-cc} -Wall -Werror tests/install/consumer.c -o "$work/consumer" "$@"; }
# shellcheck disable=SC2046
pkg_config_there() {
    moved_to "$1" && built $(pkg_config --cflags --libs) && LD_LIBRARY_PATH=$libdir prints_version_and_members "$work/consumer"
}
evaluated_there() {
    moved_to "$1" && eval "built $(pkg_config --cflags --libs)" && LD_LIBRARY_PATH=$libdir prints_version_and_members "$work/consumer"
}
for each in '$' '(' ')'; do claim "an archive in a path with $each: the words that pkg-config prints are right" pkg_config_there "$each"; done
for each in ' ' '&' '#' '|'; do claim "an archive in a path with $each: they are right after eval" evaluated_there "$each"; done
no_flags_there() { moved_to "$1" && same '' "$(pkg_config --cflags --libs)"; }
# pkgconf's, without a word of it; docs/install.md says so.
for each in '"' "'"; do claim "an archive in a path with $each: pkg-config prints nothing, rather than half of it" no_flags_there "$each"; done

# --- make install

installs_there() {
    prefix="$work/a${1}prefix" libdir="$work/a${1}prefix/lib"
    make_quietly install PREFIX="$prefix" && with_cmake kaleidoscope && eval "built $(pkg_config --cflags --libs | sed 's/[()]/\\&/g')" &&
        LD_LIBRARY_PATH=$libdir prints_version_and_members "$work/consumer" && make_quietly uninstall PREFIX="$prefix" &&
        same '' "$(installed "$prefix")"
}
for each in ' ' '&' '(' ')'; do
    claim "make install with $each in PREFIX: CMake and pkg-config build with it, and make uninstall removes it" installs_there "$each"
done
nothing_in() { same '' "$(find "$1" -mindepth 1)"; }
# Red: what sed made of it was installed, or a pkg-config file that names another folder.
refuses_prefix() {
    mkdir -p "$work/none" && says "$2" make_quietly install "${3:-PREFIX}=$1" DESTDIR="$work/none" && nothing_in "$work/none"
}
for each in '"' "'" '\' '`' '#' ';' '|' ':'; do
    claim "make install with $each in PREFIX is refused" refuses_prefix "/opt/a${each}b" \
        "install.sh: PREFIX must not contain any of \" ' \\ \$ \` # ; | : which pkg-config or CMake take for syntax"
done
for each in LIBDIR INCLUDEDIR MANDIR; do
    claim "so it is in $each" refuses_prefix '/opt/a;b' "install.sh: $each must not contain any of" $each
    claim "$each that is not absolute is refused" refuses_prefix lib "install.sh: $each must be an absolute path, not 'lib'" $each
done
claim 'PREFIX that is not absolute is refused' refuses_prefix out "install.sh: PREFIX must be an absolute path, not 'out'"
# Red: it was installed in /opt/a.
claim 'make install PREFIX=/opt/a$b is refused: make takes $b for a variable' \
    refuses_prefix '/opt/a$b' 'PREFIX has a $, which make takes for a variable: /opt/a$b'
# make hands LIBDIR, made of it, to the make that builds the extension for SQLite.
claim 'so is PREFIX=/opt/a$$b' refuses_prefix '/opt/a$$b' 'has a $, which make takes for a variable: /opt/a$b'
reference() {
    make_quietly install PREFIX=/opt/kal 'LIBDIR=$(PREFIX)/lib64' DESTDIR="$work/reference" &&
        same 'prefix=/opt/kal libdir=${prefix}/lib64 includedir=${prefix}/include' \
            "$(sed -n 1,3p "$work/reference/opt/kal/lib64/pkgconfig/kaleidoscope.pc" | xargs)"
}
claim 'make install LIBDIR='\''$(PREFIX)/lib64'\'' is a reference' reference
outside() {
    make_quietly install PREFIX=/opt/kal LIBDIR=/srv/lib INCLUDEDIR=/opt/kaleidoscope DESTDIR="$work/outside" &&
        same 'prefix=/opt/kal libdir=/srv/lib includedir=/opt/kaleidoscope' \
            "$(sed -n 1,3p "$work/outside/srv/lib/pkgconfig/kaleidoscope.pc" | xargs)"
}
claim 'what is not below PREFIX is not relative to it in the pkg-config file' outside
destdir_there() {
    make_quietly install PREFIX=/usr DESTDIR="$1" && prefix=$work/usr && rm -rf "$prefix" && cp -R "$(printf %s "$1" | sed 's/\$\$/$/g')/usr" "$prefix" &&
        libdir=$prefix/lib elsewhere=--define-prefix && with_pkg_config && elsewhere=
}
claim 'make install with any of these characters in DESTDIR installs there' destdir_there "$work/dest \$\$x&#\"'();|"

# --- Where it is built

# The folder has no sources of the library, so that nothing is built. Red: a hundred lines about recipes that override each other with
# a space, 'target pattern contains no %' with a colon.
refuses_to_build() {
    mkdir -p "$1" && cp Makefile Cargo.toml "$1/" && ! said=$(LC_ALL=C make --no-print-directory -C "$1" lib 2>&1) &&
        echo "$said" | grep -F "this folder has in its path what make cannot build with ($2)" && same 1 "$(echo "$said" | wc -l)"
}
claim 'make in a folder with a space in its path says that it cannot build there' refuses_to_build "$scratch/with space" space
for each in '"' "'" '`' '\' '#' '$' ';' '&' '|' '(' ')' '<' '>' '*' '?' '[' ']' ':' '%'; do
    claim "make in a folder with $each in its path says that it cannot build there" refuses_to_build "$scratch/with${each}it" "$each"
    claim "make with $each in TARGET says that it cannot" says 'TARGET is a folder whose path make can build with' \
        make_quietly lib "TARGET=a$(printf %s "$each" | sed 's/\$/$$/')b"
done
claim 'make with a space in TARGET says that it cannot' says 'without space), not' make_quietly lib TARGET="$scratch/with space"
