# Sourced by run.sh: installs into an empty prefix, builds programs with it, moves the prefix, builds again, uninstalls; the same as a
# package of a distribution.
# shellcheck shell=sh disable=SC2154

shows_the_page() { MANPATH=$prefix/share/man man -w "$1" "$2"; }

prefix=$scratch/first libdir=$prefix/lib
claim 'make install PREFIX=... succeeds' make_quietly install PREFIX="$prefix"
claim 'it installs exactly the library, the extension for SQLite, the headers, the pkg-config file, the CMake package, the manual pages and the suppressions' \
    same "$(library_files lib | LC_ALL=C sort)" "$(installed "$prefix")"
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
    same "$( (library_files $multiarch; printf '%s\n' "$before") | LC_ALL=C sort)" "$(installed "$destdir/usr")"
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
