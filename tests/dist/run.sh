#!/bin/sh
# Tests the tarball of `make dist`: run.sh [TARBALL]. KAL_EMULATOR is the program kal-emulator.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
machine=$(uname -m)
name=libkaleidoscope-$version-linux-$machine
tarball=${1:-${TARGET:-target}/dist/$name.tar.gz}
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
floor=${DIST_GLIBC:-2.17}
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH

tar -xzf "$tarball" -C "$scratch"
prefix=$scratch/$name
lib=$prefix/lib
echo "#   $(stat -c %s "$tarball") bytes packed, $(du -sb "$prefix" | cut -f1) unpacked"

# --- What is in it

expected() {
    (cd include && find . -type f ! -name '.*' | sed 's|^\.|./include|')
    printf './lib/%s\n' libkaleidoscope.a libkaleidoscope.so libkaleidoscope.so.0 "libkaleidoscope.so.$version" \
        pkgconfig/kaleidoscope.pc cmake/kaleidoscope/kaleidoscope-config.cmake \
        cmake/kaleidoscope/kaleidoscope-config-version.cmake
    python3 -B scripts/man.py --list | sed 's|^|./share/man/|'
    echo ./share/kaleidoscope/libkaleidoscope.supp
    printf './%s\n' README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES.txt
}
claim 'the tarball contains exactly the library, the headers, the pkg-config file, the CMake package, the manual pages, the suppressions and the licences' \
    same "$(expected | LC_ALL=C sort)" "$(cd "$prefix" && find . ! -type d | LC_ALL=C sort)"
claim 'everything is in one folder and owned by root' \
    same "$name 0/0" "$(tar -tvzf "$tarball" --numeric-owner | awk '{ split($6, path, "/"); print path[1], $2 }' | sort -u)"
# Uses cargo tree; the text is generated with cargo metadata.
crates() {
    cargo tree --locked --package kaleidoscope --edges normal,no-proc-macro --target "$machine-unknown-linux-gnu" \
        --prefix none --format '{p}' | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/  \1 \2:/p' | grep -v '^  kaleidoscope ' | sort -u
}
every_crate_is_named() {
    crates >"$scratch/crates"
    [ -s "$scratch/crates" ] && sed -n 's/^\(  [^ ]* [^ ]*:\).*/\1/p' "$prefix/THIRD-PARTY-LICENSES.txt" | sort -u >"$scratch/named" &&
        missing=$(comm -23 "$scratch/crates" "$scratch/named") && same '' "$missing"
}
claim 'the licences include every linked crate' every_crate_is_named
claim 'no file contains the build path' same '' "$(grep -rlF -e "$PWD" "$prefix")"

# --- Old systems

newest() { objdump -T "$1" | grep -o 'GLIBC_[0-9][0-9.]*' | sort -Vu | tail -n 1; }
at_most() { same "GLIBC_$floor" "$(printf '%s\n' "$(newest "$1")" "GLIBC_$floor" | sort -V | tail -n 1)"; }
claim "the shared library needs no glibc newer than $floor" at_most "$lib/libkaleidoscope.so.$version"
echo "#   newest symbol: $(newest "$lib/libkaleidoscope.so.$version")"

# With a C library of that version, without any newer function.
venv=${TARGET:-target}/dist/venv/bin/python
old_cc() { KAL_PYTHON=$venv KAL_GLIBC=$floor scripts/zig-cc "$@"; }
pkg_config() { PKG_CONFIG_LIBDIR=$lib/pkgconfig pkg-config "$@" kaleidoscope; }
# shellcheck disable=SC2046
links_with_the_shared_library() {
    old_cc tests/install/consumer.c -o "$scratch/old-shared" $(pkg_config --cflags --libs)
}
# shellcheck disable=SC2046
links_with_the_archive() {
    old_cc tests/install/consumer.c -o "$scratch/old" $(pkg_config --cflags) $(pkg_config --variable=static) -lunwind &&
        at_most "$scratch/old"
}
claim "a program for glibc $floor is linked with the shared library" links_with_the_shared_library
claim "a program for glibc $floor is linked with the archive" links_with_the_archive

# --- It works

mkfifo "$scratch/stop" "$scratch/ready"
"$emulator" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret
prints_the_members() { found=$("$@") && same "$(cat tests/c/expected/quickstart.txt)" "$found"; }
# shellcheck disable=SC2046
quickstart() {
    ${CC:-cc} -Wall -Werror examples-c/quickstart.c -o "$scratch/quickstart" $(pkg_config --cflags --libs) &&
        prints_the_members env LD_LIBRARY_PATH="$lib" "$scratch/quickstart"
}
loads_this() { LD_LIBRARY_PATH=$lib ldd "$1" | grep -F "$lib/libkaleidoscope.so.0"; }
# shellcheck disable=SC2046
quickstart_static() {
    ${CC:-cc} -Wall -Werror examples-c/quickstart.c -o "$scratch/static" $(pkg_config --cflags) $(pkg_config --variable=static) &&
        prints_the_members "$scratch/static"
}
version_and_members() { LD_LIBRARY_PATH=$lib "$1" | grep -qx "$version [0-9]*"; }
claim 'the quickstart, built from the unpacked tarball alone, prints the members' quickstart
claim 'it loads the library of the tarball' loads_this "$scratch/quickstart"
claim 'the quickstart with the archive prints the members' quickstart_static
claim "the program for glibc $floor runs with the shared library" version_and_members "$scratch/old-shared"
claim "the program for glibc $floor runs with the archive" version_and_members "$scratch/old"

# --- The tests of the built library also pass for this one

KAL_LIB_DIR=$lib KAL_INCLUDE_DIR=$prefix/include tests/artefact/run.sh >"$scratch/artefact" 2>&1 || failures=$((failures + 1))
sed 's/^\(not \)\{0,1\}ok - /&the tarball: /' "$scratch/artefact"
finish
