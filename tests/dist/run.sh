#!/bin/sh
# Tests tarballs of `make dist`: run.sh [PLATFORM]..., by default each that is there and whose programs can be run.
# Programs of another architecture run under qemu-user. KAL_EMULATOR is the program kal-emulator.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/install/files.sh
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
dist=${TARGET:-target}/dist
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
floor=${DIST_GLIBC:-2.17}
. scripts/platform.sh
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH

if [ $# -ne 1 ]; then
    [ $# -gt 0 ] || for each in linux-x86_64 linux-aarch64 linux-musl-x86_64 linux-musl-aarch64; do
        [ ! -e "$dist/libkaleidoscope-$version-$each.tar.gz" ] || set -- "$@" "$each"
    done
    for each in "$@"; do "$0" "$each" || failures=$((failures + 1)); done
    finish
fi
platform "$1"
name=libkaleidoscope-$version-$platform
tarball=$dist/$name.tar.gz
# Its claims are named after it; those of the machine's own platform are not.
of=
[ "$platform" = "linux-$(uname -m)" ] || of="$platform: "
if [ -n "$runner" ] && ! command -v "${runner%% *}" >/dev/null || [ ! -e "$root$loader" ]; then
    echo "ok - ${of}programs with the tarball run # SKIP scripts/linux-tools.sh arm64 musl"
    exit
fi
test_compilers

tar -xzf "$tarball" -C "$scratch"
prefix=$scratch/$name
lib=$prefix/lib
echo "#   $(stat -c %s "$tarball") bytes packed, $(du -sb "$prefix" | cut -f1) unpacked"

# --- What is in it

expected() {
    library_files lib
    printf './%s\n' CMakeLists.txt meson.build README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES.txt
    printf './%s\n' bin/kal-emulator THIRD-PARTY-LICENSES-kal-emulator.txt
    [ "$libc" = glibc ] || echo ./Dockerfile
}
claim "${of}the tarball contains exactly the library, the emulator, the extension for SQLite, the headers, the pkg-config file, the CMake package, the manual pages, the suppressions and the licences" \
    same "$(expected | LC_ALL=C sort)" "$(cd "$prefix" && find . ! -type d | LC_ALL=C sort)"
claim "${of}everything is in one folder and owned by root" \
    same "$name 0/0" "$(tar -tvzf "$tarball" --numeric-owner | awk '{ split($6, path, "/"); print path[1], $2 }' | sort -u)"
# Uses cargo tree; the text is generated with cargo metadata.
crates() {
    cargo tree --locked --package "$1" --edges normal,no-proc-macro --target "$triple" \
        --prefix none --format '{p}' | sed -n 's/^\([^ ]*\) v\([^ ]*\).*/  \1 \2:/p' | grep -v "^  $1 " | sort -u
}
# every_crate_is_named PACKAGE FILE
every_crate_is_named() {
    crates "$1" >"$scratch/crates"
    [ -s "$scratch/crates" ] && sed -n 's/^\(  [^ ]* [^ ]*:\).*/\1/p' "$prefix/$2" | sort -u >"$scratch/named" &&
        missing=$(comm -23 "$scratch/crates" "$scratch/named") && same '' "$missing"
}
claim "${of}the licences include every linked crate" every_crate_is_named kaleidoscope THIRD-PARTY-LICENSES.txt
claim "${of}those of the emulator include every crate of it" every_crate_is_named kal-emulator THIRD-PARTY-LICENSES-kal-emulator.txt
claim "${of}no file contains the build path" same '' "$(grep -rlF -e "$PWD" "$prefix")"

# --- The symbols beside it

debug_of_it() {
    mkdir "$scratch/debug" && tar -xzf "$dist/$name-debug.tar.gz" -C "$scratch/debug" &&
        same "./$name/lib/libkaleidoscope.so.$version.debug" "$(cd "$scratch/debug" && find . ! -type d)"
}
# As a debugger does: by its name, and the checksum that the library has.
debuggers_take_it() {
    python3 - "$lib/libkaleidoscope.so.$version" "$scratch/debug/$name/lib/libkaleidoscope.so.$version.debug" "${tools}objcopy" <<'PY'
import pathlib, struct, subprocess, sys, tempfile, zlib
library, debug, objcopy = sys.argv[1:]
with tempfile.NamedTemporaryFile() as link:
    subprocess.run([objcopy, "-O", "binary", "--only-section=.gnu_debuglink", "--set-section-flags", ".gnu_debuglink=alloc", library,
                    link.name], check=True)
    section = pathlib.Path(link.name).read_bytes()
name, checksum = section.split(b"\0", 1)[0].decode(), struct.unpack("<I", section[-4:])[0]
found = zlib.crc32(pathlib.Path(debug).read_bytes())
sys.exit(None if (name, checksum) == (pathlib.Path(debug).name, found) else f"{name} {checksum:x}, found {debug} {found:x}")
PY
}
names_more_than_it_exports() {
    "${tools}nm" "$scratch/debug/$name/lib/libkaleidoscope.so.$version.debug" | grep -E ' t .*kaleidoscope.*client' >"$scratch/names" &&
        [ "$(wc -l <"$scratch/names")" -gt 20 ]
}
claim "${of}beside the tarball is one with the symbols of the library, in the same folder" debug_of_it
claim "${of}debuggers take it for that of this library" debuggers_take_it
claim "${of}it has the names of the functions that are not exported" names_more_than_it_exports

# --- Old systems

pkg_config() { PKG_CONFIG_LIBDIR=$lib/pkgconfig pkg-config "$@" kaleidoscope; }
# With zig's C library, in which a newer glibc's functions are not, or with musl's.
old_cc() { scripts/zig-cc "$@"; }
newest() { "${tools}objdump" -T "$1" | grep -o 'GLIBC_[0-9][0-9.]*' | sort -Vu | tail -n 1; }
if [ "$libc" = glibc ]; then
    at_most() { same "GLIBC_$floor" "$(printf '%s\n' "$(newest "$1")" "GLIBC_$floor" | sort -V | tail -n 1)"; }
    claim "${of}the shared library needs no glibc newer than $floor" at_most "$lib/libkaleidoscope.so.$version"
    echo "#   newest symbol: $(newest "$lib/libkaleidoscope.so.$version")"
    old="glibc $floor" dynamic=
else
    # musl's loader takes each of its names, libc.so included, for itself.
    at_most() { same '' "$(newest "$1")" && same libc.so "$(readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v kaleidoscope)"; }
    claim "${of}the shared library needs the C library of musl alone" at_most "$lib/libkaleidoscope.so.$version"
    old=musl dynamic=-dynamic
fi
# shellcheck disable=SC2046,SC2086
links_with_the_shared_library() {
    old_cc $dynamic tests/install/consumer.c -o "$scratch/old-shared" $(pkg_config --cflags --libs) && at_most "$scratch/old-shared"
}
# shellcheck disable=SC2046,SC2086
links_with_the_archive() {
    old_cc $dynamic tests/install/consumer.c -o "$scratch/old" $(pkg_config --cflags) $(pkg_config --variable=static) -lunwind &&
        at_most "$scratch/old"
}
# shellcheck disable=SC2046,SC2086
links_statically() {
    old_cc -static tests/install/consumer.c -o "$scratch/old-static" $(pkg_config --static --cflags --libs) -lunwind &&
        same '' "$(readelf -dW "$scratch/old-static" | grep NEEDED)"
}
claim "${of}a program for $old is linked with the shared library" links_with_the_shared_library
claim "${of}a program for $old is linked with the archive" links_with_the_archive
if [ "$libc$without" = musl ]; then claim "${of}a program for $old is linked fully statically" links_statically; fi

# --- It works

mkfifo "$scratch/stop" "$scratch/ready"
"$emulator" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret
prints_the_members() { found=$("$@") && same "$(cat tests/c/expected/quickstart.txt)" "$found"; }
run() { LD_LIBRARY_PATH=$lib $runner "$@"; }
# shellcheck disable=SC2046,SC2086
quickstart() {
    $cc -Wall -Werror examples-c/quickstart.c -o "$scratch/quickstart" $(pkg_config --cflags --libs) &&
        prints_the_members run "$scratch/quickstart"
}
loads_this() { run "$root$loader" --list "$1" | grep -F "$lib/libkaleidoscope.so.0"; }
# shellcheck disable=SC2046,SC2086
quickstart_static() {
    $cc -Wall -Werror examples-c/quickstart.c -o "$scratch/static" $(pkg_config --cflags) $(pkg_config --variable=static) \
        $unwinder && prints_the_members run "$scratch/static"
}
version_and_members() { run "$1" | grep -qx "$version [0-9]*"; }
claim "${of}the quickstart, built from the unpacked tarball alone, prints the members" quickstart
claim "${of}it loads the library of the tarball" loads_this "$scratch/quickstart"
claim "${of}the quickstart with the archive prints the members" quickstart_static
claim "${of}the program for $old runs with the shared library" version_and_members "$scratch/old-shared"
claim "${of}the program for $old runs with the archive" version_and_members "$scratch/old"
if [ "$libc$without" = musl ]; then claim "${of}the static program for $old runs" version_and_members "$scratch/old-static"; fi

# CMake compares the size of a pointer with that of the compiler.
cmake_package() { grep -q 'CMAKE_SIZEOF_VOID_P EQUAL 8' "$lib/cmake/kaleidoscope/kaleidoscope-config-version.cmake"; }
with_cmake() {
    cmake -S tests/install/cmake -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DPROGRAM="$PWD/tests/install/consumer.c" \
        -DLINK=kaleidoscope "-DWANTED=$version" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$machine" \
        -DCMAKE_C_COMPILER="${cc%% *}" && cmake --build "$scratch/cmake" && version_and_members "$scratch/cmake/consumer"
}
claim "${of}the CMake package is for pointers of 8 bytes" cmake_package
if [ "$libc" = glibc ]; then claim "${of}a program built with the CMake package runs" with_cmake; fi

# --- The extension for SQLite

kal_sqlite=$lib/kal_sqlite.so
# Red with the extension that Debian's gcc links.
claim "${of}the extension for SQLite needs no other C library than the shared library does" at_most "$kal_sqlite"
extension_is_alone() { same '' "$(readelf -dW "$kal_sqlite" | grep -e kaleidoscope -e PATH)"; }
claim "${of}it needs no libkaleidoscope.so" extension_is_alone
exported() { "${tools}nm" -D --defined-only "$kal_sqlite" | awk '{ print $3 }'; }
claim "${of}it exports its entry point and nothing else" same sqlite3_kalsqlite_init "$(exported)"
. tests/artefact/optimised.sh
claim "${of}link-time optimisation took effect in it, and it is stripped" smaller "$kal_sqlite" "$max_shared"
# Where there is no SQLite of the platform, in a program that stands in for one.
refuses_old_sqlite() {
    # shellcheck disable=SC2086  # several words
    $cc -Wall -Wextra -Werror -I "$sqlite_headers" tests/dist/old_sqlite.c -o "$scratch/old_sqlite" -ldl &&
        said=$(run "$scratch/old_sqlite" "$kal_sqlite") && same 'kal_sqlite requires SQLite 3.38 or later, this is 3.37.2' "$said"
}
sqlite_headers=$dist/$triple/sqlite-headers
claim "${of}a program loads it, and it says that this SQLite is too old" refuses_old_sqlite
loads_in_the_shell() {
    prints_the_members sqlite3 -batch -cmd ".load ${kal_sqlite%.so}" :memory: \
        "SELECT format('%s <%s>', full_name, coalesce(email, '-')) FROM kal_members"
}
if [ "$libc$runner" = glibc ]; then claim "${of}the sqlite3 shell loads it and reads the members" loads_in_the_shell; fi

# --- The emulator

if [ "$libc" = glibc ]; then
    claim "${of}the emulator needs no glibc newer than $floor" at_most "$prefix/bin/kal-emulator"
else
    # As an image that consists of it requires.
    claim "${of}the emulator is a static program" same '' "$(readelf -lW "$prefix/bin/kal-emulator" | grep INTERP)"
fi
claim "${of}the emulator is stripped" same '' "$(readelf -SW "$prefix/bin/kal-emulator" | grep -e '\.symtab' -e '\.debug_')"
serves() {
    mkfifo "$scratch/own-stop" "$scratch/own-ready"
    run "$prefix/bin/kal-emulator" --exit-with-stdin <"$scratch/own-stop" >"$scratch/own-ready" &
    exec 8>"$scratch/own-stop"
    read -r _ _ _ own <"$scratch/own-ready" && found=$(curl -sS --noproxy '*' "$own/__emulator/counts") || return
    exec 8>&-
    wait $! && case $found in *'"total":0'*) ;; *) echo "$found" && false ;; esac
}
claim "${of}the emulator starts, answers a request and ends with its standard input" serves
if [ "$libc$runner" = musl ]; then
    if [ "$(id -u)" = 0 ]; then
        claim "${of}the image of the Dockerfile runs as its user and answers" python3 -B tests/dist/image.py "$prefix/Dockerfile" "$prefix"
    else
        echo "ok - ${of}the image of the Dockerfile runs as its user and answers # SKIP chroot needs root"
    fi
fi

# --- The tests of the built library also pass for this one

KAL_PLATFORM=$platform KAL_LIB_DIR=$lib KAL_INCLUDE_DIR=$prefix/include KAL_RUST_LIB=$dist/$triple/lib/rustc/libkaleidoscope.a \
    tests/artefact/run.sh >"$scratch/artefact" 2>&1 || failures=$((failures + 1))
sed "s/^\(not \)\{0,1\}ok - /&${of:-the tarball: }/" "$scratch/artefact"
finish
