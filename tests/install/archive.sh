# Sourced by run.sh: an archive of the release as a part of another project, with FetchContent, add_subdirectory and Meson.
# shellcheck shell=sh disable=SC2154

folder=$scratch/libkaleidoscope-$version
archive=$scratch/archive.tar.gz
work=$scratch/archive-work
mkdir "$work"
# What scripts/dist.sh packs, with the library of `make lib`.
make_archive() {
    mkdir "$folder" && VERSION=$version ABI=0 STATIC_LIBS='-lpthread -lm -ldl' LIB=${2:-$KAL_LIB_DIR} PREFIX=$1 LIBDIR=$1/lib \
        INCLUDEDIR=$1/include MANDIR=$1/share/man scripts/install.sh archive &&
        cp README.md LICENSE LICENSE-MIT LICENSE-APACHE "$1/" && echo none >"$1/THIRD-PARTY-LICENSES.txt" &&
        echo none >"$1/THIRD-PARTY-LICENSES-kal-emulator.txt" && mkdir "$1/bin" && printf '#!/bin/sh\n' >"$1/bin/kal-emulator" &&
        chmod 755 "$1/bin/kal-emulator"
}
claim 'an archive is made' make_archive "$folder"
# scripts/pack.sh names the top folder.
claim 'it is packed' scripts/pack.sh "$scratch" "libkaleidoscope-$version" "$archive"
sha256=$(sha256sum "$archive" | cut -d' ' -f1)

# --- CMake

# project OPTION...: configures and builds the project in $work/project, with what the caller says of the archive.
project() {
    rm -rf "$work/project"
    cmake -S tests/install/project -B "$work/project" -DSOURCES="$PWD/tests/install" -DLANGUAGE=C -DLINK=kaleidoscope \
        -DSHA256="$sha256" -DFIND=not "$@" && cmake --build "$work/project"
}
runs() { project "$@" && prints_version_and_members "$work/project/consumer"; }
for link in kaleidoscope static; do
    claim "add_subdirectory: a program with Kaleidoscope::$link runs" runs -DARCHIVE="$folder" -DLINK=$link
    claim "FetchContent: a program with Kaleidoscope::$link runs" runs -DARCHIVE="$archive" -DLINK=$link
    claim "FetchContent: a C++ program with Kaleidoscope::$link, in a project without C, runs" \
        runs -DARCHIVE="$archive" -DLINK=$link -DLANGUAGE=CXX
done
loads_that_of_the_archive() { runs -DARCHIVE="$folder" && ldd "$work/project/consumer" | grep -F "$folder/lib/libkaleidoscope.so.0"; }
wrong_hash() { ! project -DARCHIVE="$archive" -DSHA256="$(echo "$sha256" | tr 0-9 1-90)" >"$work/said" 2>&1 && grep -F SHA256 "$work/said"; }
claim 'add_subdirectory: the program loads the library of the archive' loads_that_of_the_archive
claim 'FetchContent: an archive with another checksum is refused' wrong_hash
# Red with find_package in the CMakeLists.txt of the archive: it was redirected as well, and there were no targets.
if [ "$(printf '3.24\n%s\n' "$(cmake --version | sed -n 's/^cmake version //p')" | sort -V | head -n 1)" = 3.24 ]; then
    claim 'FetchContent: find_package takes the archive in the place of an installation (OVERRIDE_FIND_PACKAGE)' \
        runs -DARCHIVE="$archive" -DFIND=after
else
    echo 'ok - FetchContent: find_package takes the archive in the place of an installation # SKIP CMake 3.24 has it'
fi
claim 'add_subdirectory: what find_package found before is used' runs -DARCHIVE="$folder" -DFIND=before -DCMAKE_PREFIX_PATH="$folder"

# installed_export LINK INSTALL: the project's exported package, installed, is used by another project. INSTALL: libkaleidoscope is
# installed with it; otherwise that project finds the archive.
installed_export() {
    project -DARCHIVE="$folder" -DLINK="$1" -DKALEIDOSCOPE_INSTALL="$2" -DCMAKE_INSTALL_PREFIX="$work/installed" || return
    rm -rf "$work/installed" "$work/program" && cmake --install "$work/project" || return
    kaleidoscope=$work/installed
    same '' "$(find "$work/installed" -name '*kal-emulator*' -o -name bin)" || return
    [ "$2" = ON ] || {
        kaleidoscope=$folder
        same 'lib/cmake/members/members-config.cmake lib/cmake/members/members-targets-noconfig.cmake lib/cmake/members/members-targets.cmake lib/libmembers.a' \
            "$(cd "$work/installed" && find . -type f | sed 's|^\./||' | LC_ALL=C sort | xargs)" || return
    }
    cmake -S tests/install/members -B "$work/program" -DCMAKE_PREFIX_PATH="$work/installed;$kaleidoscope" &&
        grep -F "Kaleidoscope_DIR:PATH=$kaleidoscope/lib/cmake/kaleidoscope" "$work/program/CMakeCache.txt" &&
        cmake --build "$work/program" && prints_version_and_members "$work/program/consumer"
}
for link in kaleidoscope static; do
    claim "CMake: a library with Kaleidoscope::$link is exported, installed and used by another project" installed_export $link OFF
    # Red with the folder bin installed as it is.
    claim "CMake: the same with KALEIDOSCOPE_INSTALL=ON, which installs libkaleidoscope with it, without the emulator" \
        installed_export $link ON
done
is_installed_alone() {
    cmake -S "$folder" -B "$work/alone" && cmake --install "$work/alone" --prefix "$work/alone-prefix" && prefix=$work/alone-prefix &&
        same "$(cd "$folder" && find bin include lib share ! -type d | LC_ALL=C sort)" \
            "$(cd "$prefix" && find bin include lib share ! -type d ! -path 'share/doc/*' | LC_ALL=C sort)" &&
        same 'LICENSE LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENSES-kal-emulator.txt THIRD-PARTY-LICENSES.txt' \
            "$(cd "$prefix/share/doc/libkaleidoscope" && LC_ALL=C ls | xargs)" &&
        [ -x "$prefix/bin/kal-emulator" ] && with_cmake kaleidoscope
}
claim 'CMake: cmake --install of the archive alone installs all of it' is_installed_alone

# fails_with MESSAGE COMMAND...
fails_with() {
    message=$1
    shift
    ! said=$("$@" 2>&1) && case $(echo "$said" | tr -s ' \n' ' ') in *"$message"*) ;; *) false ;; esac || { echo "$said" && false; }
}
cp -R "$folder" "$work/broken" && rm "$work/broken/lib/libkaleidoscope.a"
claim 'add_subdirectory: an archive that lacks a file is refused, and the file is named' \
    fails_with "$work/broken/lib/libkaleidoscope.a does not exist" project -DARCHIVE="$work/broken"
# One for arm64, and one for x86-64 on arm64.
case $(uname -m) in x86_64) foreign='AArch64 \267 aarch64' ;; *) foreign='X86-64 \076 x86_64' ;; esac
foreign_archive() {
    mkdir "$work/foreign-lib" && cp "$KAL_LIB_DIR/libkaleidoscope.a" "$KAL_LIB_DIR/libkaleidoscope.so.$version" "$work/foreign-lib/" &&
        printf "$(echo "$foreign" | cut -d' ' -f2)" | dd of="$work/foreign-lib/libkaleidoscope.so.$version" bs=1 seek=18 conv=notrunc 2>/dev/null &&
        mkdir "$work/foreign" && folder=$work/foreign/unused make_archive "$work/foreign" "$work/foreign-lib"
}
claim 'an archive for another processor is made' foreign_archive
claim 'add_subdirectory: an archive for another processor is refused' \
    fails_with "which is for Linux ${foreign##* } and not for $(uname -m)" project -DARCHIVE="$work/foreign"

# --- Meson

if ! command -v meson >/dev/null; then
    echo 'ok - Meson: the archive is a subproject # SKIP meson is not installed'
else
    # meson_project OPTION...: sets up, in $work/meson, a project whose subproject is $subproject, and compiles it.
    subproject=$folder
    meson_project() {
        rm -rf "$work/meson" && mkdir -p "$work/meson/subprojects" && cp tests/install/meson/meson* "$work/meson/" &&
            cp tests/install/consumer.c "$work/meson/" && cp tests/install/consumer.c "$work/meson/consumer.cpp" &&
            cp -R "$subproject" "$work/meson/subprojects/kaleidoscope" &&
            meson setup "$work/meson/build" "$work/meson" --wrap-mode=nodownload "$@" && meson compile -C "$work/meson/build"
    }
    meson_runs() { meson_project "$@" && prints_version_and_members "$work/meson/build/consumer"; }
    meson_static() { meson_runs "$@" && loads_no_kaleidoscope "$work/meson/build/consumer"; }
    meson_installs() {
        meson_project --prefix "$work/meson-prefix" --libdir lib && meson install -C "$work/meson/build" &&
            same "bin/consumer lib/libkaleidoscope.so.0 lib/libkaleidoscope.so.$version" \
                "$(cd "$work/meson-prefix" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort | xargs)" &&
            LD_LIBRARY_PATH=$work/meson-prefix/lib prints_version_and_members "$work/meson-prefix/bin/consumer"
    }
    claim 'Meson: a program whose subproject is the archive runs with the shared library' meson_runs
    claim 'Meson: a C++ program does, too' meson_runs -Dlanguage=cpp
    claim 'Meson: with default_library=static it is linked with the archive' meson_static -Ddefault_library=static
    claim 'Meson: so it is with static: true' meson_static -Dstatic=true
    claim 'Meson: meson install installs the shared library with the program' meson_installs
    subproject=$work/broken
    claim 'Meson: an archive that lacks a file is refused, and the file is named' \
        fails_with 'lib/libkaleidoscope.a does not exist in' meson_project
    subproject=$work/foreign
    claim 'Meson: an archive for another processor is refused' \
        fails_with "is for Linux ${foreign##* } and not for linux $(uname -m)" meson_project
fi
