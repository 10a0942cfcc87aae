#!/bin/sh
# Installs the library and builds programs with what was installed: run.sh [PART]..., where a part is one of the files beside this one
# (prefix, cmake, archive, paths, sqlite). make sets KAL_EMULATOR, the program kal-emulator, and the path of the library.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/install/files.sh
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
KAL_LIB_DIR=${KAL_LIB_DIR:-$PWD/target/lib}
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
# Only the files installed here must be found, whatever the machine has.
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH DESTDIR PREFIX LIBDIR INCLUDEDIR MANDIR SQLITE MAKEFLAGS MAKEOVERRIDES
export PKG_CONFIG_LIBDIR=/nowhere

# The emulator exits when its standard input, a pipe held open by this shell, is closed.
mkfifo "$scratch/stop" "$scratch/ready"
"$emulator" --exit-with-stdin --members 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret

# installed ROOT: all files and links below it.
installed() { (cd "$1" && find . ! -type d | LC_ALL=C sort); }
make_quietly() { make --no-print-directory "$@"; }
prints_version_and_members() { found=$("$@") && same "$version 7" "$found"; }

# Every way to build against PREFIX LIBDIR, in a separate folder. $elsewhere is what pkg-config must be told if the files are not where
# they were installed: --define-prefix, or the DESTDIR.
elsewhere=
pkg_config() {
    case $elsewhere in
    /*) PKG_CONFIG_SYSROOT_DIR=$elsewhere PKG_CONFIG_LIBDIR=$libdir/pkgconfig pkg-config "$@" kaleidoscope ;;
    *) PKG_CONFIG_LIBDIR=$libdir/pkgconfig pkg-config $elsewhere "$@" kaleidoscope ;;
    esac
}
build() { ${CC:-cc} -Wall -Werror tests/install/consumer.c -o "$work/$@"; }
with_pkg_config() {
    # shellcheck disable=SC2046
    build shared $(pkg_config --cflags --libs) && LD_LIBRARY_PATH=$libdir prints_version_and_members "$work/shared"
}
with_pkg_config_static() {
    # shellcheck disable=SC2046
    build static -static-pie $(pkg_config --static --cflags --libs) && prints_version_and_members "$work/static"
}
with_the_archive_alone() {
    # shellcheck disable=SC2046
    build archive $(pkg_config --cflags) $(pkg_config --variable=static) && prints_version_and_members "$work/archive"
}
configure() {
    rm -rf "$work/cmake"
    cmake -S tests/install/cmake -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DPROGRAM="$PWD/tests/install/consumer.c" "$@"
}
with_cmake() {
    configure "-DLINK=$1" "-DWANTED=$version" && cmake --build "$work/cmake" &&
        prints_version_and_members "$work/cmake/consumer"
}
# Red with any range that begins before this version, and with any component.
range_that_ends() { ! configure -DLINK=kaleidoscope "-DWANTED=0.0.1...<$version"; }
range_that_includes() { configure -DLINK=kaleidoscope "-DWANTED=0.0.1...$version"; }
unknown_component() { ! configure -DLINK=kaleidoscope "-DWANTED=$version" '-DCOMPONENTS=COMPONENTS;nonsense'; }
optional_component() { configure -DLINK=kaleidoscope "-DWANTED=$version" '-DCOMPONENTS=OPTIONAL_COMPONENTS;nonsense'; }
in_time_to_come() { ! configure -DLINK=kaleidoscope -DWANTED=1.0; }
loads_the_shared_library() { LD_LIBRARY_PATH=${2:-} ldd "$1" | grep -F "$libdir/libkaleidoscope.so.0"; }
loads_no_kaleidoscope() { ! ldd "$1" | grep kaleidoscope; }
# extension NAME: the sqlite3 shell loads it by this name, and reads the members.
extension() { same 7 "$(sqlite3 -batch -cmd ".load $1" :memory: 'SELECT count(*) FROM kal_members')"; }
extension_by_its_name() { LD_LIBRARY_PATH=$libdir extension kal_sqlite; }

# usable WHEN: the claims about $prefix and $libdir.
usable() {
    work=$scratch/work
    rm -rf "$work"
    mkdir "$work"
    claim "$1: pkg-config reports the version" same "$version" "$(pkg_config --modversion)"
    claim "$1: pkg-config: a program with the shared library runs" with_pkg_config
    claim "$1: pkg-config: that program loads libkaleidoscope.so.0 of this prefix" \
        loads_the_shared_library "$work/shared" "$libdir"
    claim "$1: pkg-config --static: a fully static program runs" with_pkg_config_static
    claim "$1: pkg-config --variable=static: a program with the archive runs" with_the_archive_alone
    claim "$1: that program loads no libkaleidoscope" loads_no_kaleidoscope "$work/archive"
    claim "$1: SQLite loads the extension by its path" extension "$libdir/kal_sqlite"
    claim "$1: SQLite loads the extension by its name where the loader looks" extension_by_its_name
    claim "$1: the extension loads no libkaleidoscope" loads_no_kaleidoscope "$libdir/kal_sqlite.so"
    claim "$1: CMake: a program with Kaleidoscope::kaleidoscope runs" with_cmake kaleidoscope
    claim "$1: CMake: that program loads libkaleidoscope.so.0 of this prefix" loads_the_shared_library "$work/cmake/consumer"
    claim "$1: CMake: a program with Kaleidoscope::static runs" with_cmake static
    claim "$1: CMake: that program loads no libkaleidoscope" loads_no_kaleidoscope "$work/cmake/consumer"
    claim "$1: CMake: a request for the next major version is rejected" in_time_to_come
    claim "$1: CMake: a range of versions that ends before this one is rejected" range_that_ends
    claim "$1: CMake: a range of versions that includes this one is accepted" range_that_includes
    claim "$1: CMake: a component that is required is rejected, as there are none" unknown_component
    claim "$1: CMake: a component that is optional is accepted" optional_component
}

for part in prefix cmake archive paths sqlite; do
    [ $# -eq 0 ] || case " $* " in *" $part "*) ;; *) continue ;; esac
    . "tests/install/$part.sh"
done
finish
