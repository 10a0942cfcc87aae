#!/bin/sh
# windows.sh: builds the library for x64 Windows with mingw, and packs it: TARGET/dist/libkaleidoscope-VERSION-windows-x86_64.zip.
#
# All output is below TARGET/dist/x86_64-pc-windows-gnu: that of cargo, and what is in the zip in the directory of its name.
set -eu
[ -n "${KAL_WINDOWS_INSIDE:-}" ] || KAL_WINDOWS_INSIDE=yes exec scripts/cross.sh "$0"
triple=x86_64-pc-windows-gnu
tool=x86_64-w64-mingw32-
# The variant with the threads of Windows: libwinpthread is not needed.
gcc=${tool}gcc-win32
name=libkaleidoscope-$VERSION-windows-x86_64
# Libraries of Windows. kernel32 before ntdll, of which mingw says that it has functions that only kernel32 has.
libraries='-lws2_32 -lcrypt32 -lbcrypt -ladvapi32 -luserenv -lkernel32 -lntdll'
mkdir -p "$TARGET/dist/$triple"
dist=$(cd "$TARGET/dist" && pwd)
built=$dist/$triple
command -v $gcc >/dev/null || {
    echo 'windows.sh: x86_64-w64-mingw32-gcc not found: make tools-windows' >&2
    exit 1
}

# Clears the variables of the calling make.
unset MAKEFLAGS MAKEOVERRIDES LIB KAL_LIB_DIR
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$gcc CC_x86_64_pc_windows_gnu=$gcc AR_x86_64_pc_windows_gnu=${tool}ar
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust=rust" \
    make --no-print-directory "$built/lib/rustc/libkaleidoscope.a" TARGET="$built" PROFILE=release RUST_TARGET=$triple \
    CARGO_RUSTC="cargo rustc $KAL_BUILD_STD --target $triple"
rust_lib=$built/lib/rustc/libkaleidoscope.a

work=$built/link
root=$built/$name
rm -rf "$work" "$root"
mkdir -p "$work" "$root/bin" "$root/lib/cmake/kaleidoscope" "$root/lib/pkgconfig"

# fill TEMPLATE FILE
fill() {
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@VERSION_COMMAS@|$(echo "$VERSION" | tr . ,),0|g" -e "s|@ABI@|$ABI|g" -e 's|@POINTER@|8|g' \
        -e 's|@SYSTEM@|Windows|g' -e 's|@MACHINE@|x86_64|g' \
        -e 's|@PREFIX@|${pcfiledir}/../..|g' -e 's|@LIBDIR@|${prefix}/lib|g' -e 's|@INCLUDEDIR@|${prefix}/include|g' -e "s|@STATIC_LIBS@|$3|g" "$1" >"$2"
}

# The DLL. Only the file of definitions exports something; --undefined takes it from the archive.
scripts/symbols names >"$work/names"
{ echo 'LIBRARY kaleidoscope.dll' && echo EXPORTS && cat "$work/names"; } >"$work/kaleidoscope.def"
sed 's/^/-Wl,--undefined=/' "$work/names" >"$work/undefined"
fill packaging/windows/kaleidoscope.rc.in "$work/kaleidoscope.rc" ''
${tool}windres "$work/kaleidoscope.rc" "$work/version.o"
$gcc -shared -s -static-libgcc -o "$root/bin/kaleidoscope.dll" "$work/kaleidoscope.def" @"$work/undefined" "$work/version.o" \
    "$rust_lib" -Wl,--out-implib,"$work/libkaleidoscope.dll.a" -Wl,--gc-sections -Wl,--no-insert-timestamp \
    -Wl,--dynamicbase -Wl,--nxcompat -Wl,--high-entropy-va $libraries
# By a tool that leaves out the date; MSVC's link and lld want their own form.
"$KAL_PYTHON" -m ziglang dlltool -m i386:x86-64 -d "$work/kaleidoscope.def" -l "$root/lib/kaleidoscope.lib"

# The static library for mingw: one object with only kal_* as global symbols, so that it cannot clash with another Rust library in the
# same program, and an import library of what it calls in Windows.
# While it is linked, ld looks for the directory of thread-local storage that only a program has, hence the other name.
sed 's/^/--undefined=/' "$work/names" >"$work/roots"
${tool}objcopy --redefine-sym _tls_used=kal_tls_used "$rust_lib" "$work/renamed.a"
# Import libraries do not survive being linked into one object.
while imports=$(${tool}ar t "$work/renamed.a" | grep '\.dll[hst][0-9]*\.o$' | sort -u) && [ -n "$imports" ]; do
    # shellcheck disable=SC2086  # many words; of two members with one name this deletes one
    ${tool}ar dD "$work/renamed.a" $imports
done
${tool}ld -r @"$work/roots" "$work/renamed.a" -o "$work/linked.o"
${tool}objcopy --redefine-sym kal_tls_used=_tls_used --keep-global-symbols="$work/names" --remove-section=.llvmbc \
    --remove-section=.llvmcmd "$work/linked.o" "$work/kaleidoscope.o"
${tool}strip --strip-debug "$work/kaleidoscope.o"
python3 -B scripts/windows_imports.py "$rust_lib" "$work/kaleidoscope.o" "$work/imports"
(
    cd "$work/imports"
    for definitions in *.def; do
        dll=${definitions%.def}
        # The name of the library and the prefix of its members are in its symbols.
        ${tool}dlltool --deterministic-libraries --dllname "$dll" --input-def "$definitions" --output-lib "kal_$dll.a" \
            --temp-prefix "kal_$(echo "$dll" | tr -c 'A-Za-z0-9\n' _)_"
    done
    {
        echo "create ../libkaleidoscope.a"
        echo "addmod ../kaleidoscope.o"
        for library in *.a; do echo "addlib $library"; done
        echo save
        echo end
    } | ${tool}ar -MD
)
mv "$work/libkaleidoscope.a" "$root/lib/libkaleidoscope.a"

# Without dates, whatever the linker wrote.
${tool}objcopy --enable-deterministic-archives "$work/libkaleidoscope.dll.a" "$root/lib/libkaleidoscope.dll.a"

for header in $(cd include && find . -name '*.h' -o -name '*.hpp'); do install -D -m 644 "include/$header" "$root/include/$header"; done
fill packaging/windows/kaleidoscope-config.cmake.in "$root/lib/cmake/kaleidoscope/kaleidoscope-config.cmake" \
    "$(echo "$libraries" | sed 's/-l//g; s/ /;/g')"
fill packaging/kaleidoscope-config-version.cmake.in "$root/lib/cmake/kaleidoscope/kaleidoscope-config-version.cmake" ''
fill packaging/kaleidoscope.pc.in "$root/lib/pkgconfig/kaleidoscope.pc" "$libraries"
# What gcc links into every DLL.
gcc_licences=$(dirname "$(readlink -f /usr/share/doc/gcc-mingw-w64-x86-64-win32/copyright)")/copyright
mingw_licences=$(dirname "$(readlink -f /usr/share/doc/mingw-w64-x86-64-dev/copyright)")/copyright
python3 scripts/licences.py $triple "libgcc of GCC, with the GCC Runtime Library Exception=$gcc_licences" \
    "The start-up code of mingw-w64=$mingw_licences" >"$root/THIRD-PARTY-LICENSES.txt"
install -m 644 README.md CHANGELOG.md LICENSE LICENSE-MIT LICENSE-APACHE packaging/archive/CMakeLists.txt "$root/"
chmod -R u+w,go+rX "$root"
python3 -B scripts/zip.py "$root" "$dist/$name.zip.new" "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
mv "$dist/$name.zip.new" "$dist/$name.zip"
rm -rf "$root" "$work"
echo "$dist/$name.zip"
