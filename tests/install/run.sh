#!/bin/sh
# Installs into an empty prefix, builds programs with it, moves the prefix, builds again, uninstalls.
# make sets KAL_EMULATOR, the program kal-emulator, and the path of the library.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
# Only the files installed here must be found, whatever the machine has.
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH DESTDIR PREFIX LIBDIR INCLUDEDIR MANDIR MAKEFLAGS MAKEOVERRIDES
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

expected() {
    (cd include && find . -type f ! -name '.*' | sed "s|^\.|./include|")
    printf "./$1/%s\n" libkaleidoscope.a libkaleidoscope.so libkaleidoscope.so.0 "libkaleidoscope.so.$version" \
        pkgconfig/kaleidoscope.pc cmake/kaleidoscope/kaleidoscope-config.cmake \
        cmake/kaleidoscope/kaleidoscope-config-version.cmake
    python3 -B scripts/man.py --list | sed 's|^|./share/man/|'
    echo ./share/kaleidoscope/libkaleidoscope.supp
}
shows_the_page() { MANPATH=$prefix/share/man man -w "$1" "$2"; }

prefix=$scratch/first libdir=$prefix/lib
claim 'make install PREFIX=... succeeds' make_quietly install PREFIX="$prefix"
claim 'it installs exactly the library, the headers, the pkg-config file, the CMake package, the manual pages and the suppressions' \
    same "$(expected lib | LC_ALL=C sort)" "$(installed "$prefix")"
usable installed
claim 'man finds kal_client_open(3)' shows_the_page 3 kal_client_open
claim 'man finds kaleidoscope(7)' shows_the_page 7 kaleidoscope
mkdir "$scratch/elsewhere"
mv "$prefix" "$scratch/elsewhere/second"
prefix=$scratch/elsewhere/second libdir=$prefix/lib elsewhere=--define-prefix
usable moved
claim 'no installed file but that of pkg-config contains the prefix' \
    same "$libdir/pkgconfig/kaleidoscope.pc" "$(grep -rlF "$scratch/first" "$prefix")"
elsewhere=

claim 'make uninstall PREFIX=... succeeds' make_quietly uninstall PREFIX="$prefix"
claim 'make uninstall leaves no file' same '' "$(installed "$prefix")"
claim 'make uninstall leaves no folder that only this library uses' same 'include lib share' "$(cd "$prefix" && find . -mindepth 1 | sed 's|^./||' | sort | xargs)"

# Red: a hundred lines about recipes that override each other. The folder has no sources of the library, so that nothing is built.
mkdir "$scratch/with space"
cp Makefile Cargo.toml "$scratch/with space/"
says() {
    message=$1
    shift
    ! printed=$(LC_ALL=C make --no-print-directory "$@" 2>&1) && echo "$printed" | grep -F "$message" && same 1 "$(echo "$printed" | wc -l)"
}
claim 'make in a folder with a space in its path says that it cannot build there' \
    says 'this folder has a space in its path' -C "$scratch/with space" lib
claim 'make with a space in TARGET says that it cannot' says 'TARGET is a folder without a space' TARGET="$scratch/with space" lib

# As for a package: into a folder other than the prefix, with the platform's LIBDIR, where other packages have files too.
destdir=$scratch/package
multiarch=lib/x86_64-linux-gnu
mkdir -p "$destdir/usr/$multiarch/pkgconfig" "$destdir/usr/include"
mkdir -p "$destdir/usr/share/man/man3"
touch "$destdir/usr/$multiarch/pkgconfig/zlib.pc" "$destdir/usr/share/man/man3/zlib.3" "$destdir/usr/share/man/man3/kal_other.3" \
    "$destdir/usr/include/zlib.h" "$destdir/usr/$multiarch/libkaleidoscope.so.0.0.1"
before=$(installed "$destdir/usr")
make_package() { make_quietly "$1" DESTDIR="$destdir" PREFIX=/usr LIBDIR="/usr/$multiarch"; }
claim 'make install DESTDIR=... LIBDIR=... succeeds' make_package install
claim 'everything is below DESTDIR' \
    same "$( (expected $multiarch; printf '%s\n' "$before") | LC_ALL=C sort)" "$(installed "$destdir/usr")"
claim 'no installed file contains DESTDIR' same '' "$(grep -rlF "$destdir" "$destdir")"
prefix=$destdir/usr libdir=$prefix/$multiarch
# What is printed once the package is installed there. Red: -I/usr/lib/x86_64-linux-gnu/pkgconfig/../../../include, which is not
# recognised as the system's.
claim 'for a system prefix, pkg-config --cflags prints nothing' same '' "$(pkg_config --cflags | tr -d ' ')"
claim 'for a system prefix, pkg-config --libs prints the library alone' same -lkaleidoscope "$(pkg_config --libs | tr -d ' ')"
written() { sed -n 's/^\(prefix\|libdir\|includedir\)=//p' "$libdir/pkgconfig/kaleidoscope.pc" | xargs; }
claim 'its paths are plain' same "/usr \${prefix}/$multiarch \${prefix}/include" "$(written)"
elsewhere=$destdir
usable packaged
elsewhere=
claim 'make uninstall DESTDIR=... LIBDIR=... succeeds' make_package uninstall
claim "make uninstall keeps other packages' files" same "$before" "$(installed "$destdir/usr")"

finish
