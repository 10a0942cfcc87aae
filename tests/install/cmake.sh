# Sourced by run.sh: the CMake package refuses an installation that is broken, or for another platform, before anything is compiled.
# shellcheck shell=sh disable=SC2154

prefix=$scratch/whole libdir=$prefix/lib
work=$scratch/cmake-work
mkdir "$work"
claim 'make install for CMake succeeds' make_quietly install PREFIX="$prefix"
# refused MESSAGE OPTION...: find_package fails and says why, and nothing later does.
refused() {
    message=$1
    shift
    ! configured=$(configure -DLINK=kaleidoscope "-DWANTED=$version" "$@" 2>&1) && plain=$(echo "$configured" | tr -s ' \n' ' ') &&
        case $plain in *"$message"*) ;; *) false ;; esac && [ "$(echo "$configured" | grep -c '^CMake Error')" -eq 1 ] || {
        echo "$configured"
        return 1
    }
}
whole=$prefix
# without FILE: a copy of the installation that lacks it.
without() {
    prefix=$scratch/lacking
    rm -rf "$prefix" && cp -R "$whole" "$prefix" && rm "$prefix/$1"
}
lacks() { without "$1" && refused "$prefix/$1 does not exist, though libkaleidoscope $version is installed there"; }
optional_is_not_found() {
    without lib/libkaleidoscope.a && configure -DLINK=none "-DWANTED=$version" -DREQUIRED=QUIET >"$work/said" 2>&1 &&
        grep -Fx -e '-- Kaleidoscope_FOUND: 0' "$work/said" || { cat "$work/said" && false; }
}
# Red: 'no rule to make target libkaleidoscope.so' of make, 'kaleidoscope.h: No such file' of the compiler.
for file in include/kaleidoscope.h "lib/libkaleidoscope.so.$version" lib/libkaleidoscope.a; do
    claim "CMake: without $file the package is not found, and the file is named" lacks "$file"
done
claim 'CMake: without a file and without REQUIRED, it is not found, and nothing fails' optional_is_not_found
# As Alpine and vcpkg do.
split() {
    without lib/libkaleidoscope.a &&
        sed -i 's|^set(_kaleidoscope_required .*|set(_kaleidoscope_required kaleidoscope)|' "$prefix"/lib/cmake/kaleidoscope/*-config.cmake &&
        with_cmake kaleidoscope
}
claim 'CMake: a package that says that the archive is elsewhere is found without it' split

# As on a system whose /lib is a link to usr/lib. Red: its headers were looked for in /include.
through_a_link() {
    prefix=$scratch/linked
    mkdir -p "$prefix/usr" && cp -R "$whole/lib" "$whole/include" "$prefix/usr/" && ln -s usr/lib "$prefix/lib" &&
        configure -DLINK=kaleidoscope "-DWANTED=$version" -DKaleidoscope_DIR="$prefix/lib/cmake/kaleidoscope" &&
        cmake --build "$work/cmake" && prints_version_and_members "$work/cmake/consumer"
}
claim 'CMake: the package is found through a link to its lib' through_a_link

# --- Platforms

# An installation of a library for arm64: that is what its ELF header says.
for_arm64() {
    prefix=$scratch/arm64
    mkdir "$scratch/arm64-lib" && cp "$KAL_LIB_DIR/libkaleidoscope.a" "$KAL_LIB_DIR/libkaleidoscope.so.$version" "$scratch/arm64-lib/" &&
        printf '\267' | dd of="$scratch/arm64-lib/libkaleidoscope.so.$version" bs=1 seek=18 conv=notrunc 2>/dev/null &&
        LIB=$scratch/arm64-lib VERSION=$version ABI=0 STATIC_LIBS='-lpthread -lm -ldl' PREFIX=$prefix LIBDIR=$prefix/lib \
            INCLUDEDIR=$prefix/include MANDIR=$prefix/share/man scripts/install.sh install
}
# Red with a table without aarch64: they were accepted.
platforms() {
    cmake -DPACKAGE="$1/lib/cmake/kaleidoscope/kaleidoscope-config-version.cmake" -DMACHINE="$2" -DVERSION="$version" \
        -P tests/install/platforms.cmake
}
claim 'a library for arm64 is installed' for_arm64
claim 'CMake: a package for x86-64 is for compilers for x86-64 Linux, whatever their names for it' platforms "$whole" x86_64
claim 'CMake: a package for arm64 is for compilers for arm64 Linux' platforms "$scratch/arm64" aarch64
prefix=$scratch/arm64
if [ "$(uname -m)" = x86_64 ]; then
    # Red: it was found, and the linker said 'file in wrong format'.
    claim 'CMake: on x86-64, a package for arm64 is not found' refused \
        "$prefix/lib/cmake/kaleidoscope/kaleidoscope-config.cmake, version: $version, which is for Linux aarch64 and not for x86_64"
    claim 'CMake: nor if any version will do' refused 'which is for Linux aarch64 and not for x86_64' -DWANTED=
    if command -v aarch64-linux-gnu-gcc >/dev/null; then
        for_its_compiler() { configure -DLINK=kaleidoscope "-DWANTED=$version" -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc; }
        # Without a toolchain file, CMake says that the processor is x86_64.
        claim 'CMake: for a compiler for arm64 it is found' for_its_compiler
        prefix=$whole
        claim 'CMake: for a compiler for arm64, a package for x86-64 is not found' \
            refused 'which is for Linux x86_64 and not for aarch64' -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc
    else
        echo 'ok - CMake: for a compiler for arm64 it is found # SKIP aarch64-linux-gnu-gcc is not installed: scripts/linux-tools.sh arm64'
    fi
fi
