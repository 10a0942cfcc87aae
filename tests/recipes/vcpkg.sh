# Sourced by run.sh: vcpkg.
# shellcheck shell=sh disable=SC2154

port() {
    rm -rf "$scratch/vcpkg" && mkdir -p "$scratch/vcpkg/packages" &&
        cmake -D PORT_DIR="$recipes/vcpkg/libkaleidoscope" -D TRIPLET="$1" -D LINKAGE="$2" -D OUT="$scratch/vcpkg" \
            -P tests/recipes/vcpkg.cmake >"$scratch/vcpkg.log" 2>&1 || { tail -n 20 "$scratch/vcpkg.log" && false; }
}
# port_has TRIPLET LINKAGE FILE...: exactly these libraries.
port_has() {
    port "$1" "$2" || return
    shift 2
    same "$(printf '%s\n' "$@" | sort)" "$(cd "$scratch/vcpkg/packages" && find . -path '*/lib/*' ! -type d ! -path '*/pkgconfig/*' \
        -o -path '*/bin/*' | sed 's|^\./||' | sort)"
}
so="lib/libkaleidoscope.so lib/libkaleidoscope.so.0 lib/libkaleidoscope.so.$version"
dylib="lib/libkaleidoscope.dylib lib/libkaleidoscope.0.dylib lib/libkaleidoscope.$version.dylib"
dll='bin/kaleidoscope.dll lib/kaleidoscope.lib lib/libkaleidoscope.dll.a'
twice() { for file; do echo "$file" "debug/$file"; done; }
# shellcheck disable=SC2046,SC2086
for triplet in x64-linux arm64-linux; do
    claim "vcpkg's portfile installs the archive for $triplet" port_has $triplet static $(twice lib/libkaleidoscope.a)
    claim "vcpkg's portfile installs the shared library for $triplet-dynamic" port_has $triplet dynamic $(twice $so)
done
# shellcheck disable=SC2046,SC2086
for triplet in x64-osx arm64-osx; do
    claim "vcpkg's portfile installs the archive for $triplet" port_has $triplet static $(twice lib/libkaleidoscope.a)
    claim "vcpkg's portfile installs the shared library for $triplet-dynamic" port_has $triplet dynamic $(twice $dylib)
done
# shellcheck disable=SC2046,SC2086
{
    claim "vcpkg's portfile installs the DLL for x64-windows" port_has x64-windows dynamic $(twice $dll)
    claim "vcpkg's portfile installs the DLL for x64-windows-static, too: MSVC cannot link with the archive" \
        port_has x64-windows static $(twice $dll)
    claim "vcpkg's portfile installs the archive for x64-mingw-static" \
        port_has x64-mingw-static static $(twice lib/libkaleidoscope.a)
}
refuses() {
    ! printed=$(port arm64-windows dynamic 2>&1) &&
        echo "$printed" | grep -F "libkaleidoscope $version was not released for windows-aarch64"
}
claim "vcpkg's portfile says that there is none for arm64-windows" refuses

# with_cmake LINKAGE: a project that follows the usage that vcpkg prints.
with_cmake() {
    port x64-linux "$1" || return
    usage=$(sed -n 's/^    //p' "$scratch/vcpkg/packages/share/libkaleidoscope/usage")
    rm -rf "$scratch/project" && mkdir "$scratch/project"
    cp tests/install/consumer.c "$scratch/project/main.c"
    {
        printf 'cmake_minimum_required(VERSION 3.15)\nproject(main C)\nadd_executable(main main.c)\n'
        echo "$usage"
    } >"$scratch/project/CMakeLists.txt"
    cmake -S "$scratch/project" -B "$scratch/project/build" -D CMAKE_PREFIX_PATH="$scratch/vcpkg/packages" >/dev/null &&
        cmake --build "$scratch/project/build" >/dev/null && prints_the_members "$scratch/project/build/main"
}
claim 'a CMake project that does what the usage of the port says prints the members' with_cmake dynamic
claim 'the same with the static triplet' with_cmake static
claim "the port's pkg-config file works" works "$scratch/vcpkg/packages"
claim "the one of the debug configuration works, too" works "$scratch/vcpkg/packages/debug"
has_copyright() { grep -q 'Apache License' "$scratch/vcpkg/packages/share/libkaleidoscope/copyright"; }
claim 'the port has the licences as copyright' has_copyright
if has vcpkg; then
    formatted() {
        cp "$recipes/vcpkg/libkaleidoscope/vcpkg.json" "$scratch/vcpkg.json" && vcpkg format-manifest "$scratch/vcpkg.json"
    }
    claim 'vcpkg accepts vcpkg.json' formatted
else
    skip 'vcpkg accepts vcpkg.json' 'vcpkg is not installed, and is neither a Debian nor a PyPI package'
fi
