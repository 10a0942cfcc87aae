#!/bin/sh
# Tests the built library in KAL_LIB_DIR (default: target/lib). KAL_PLATFORM: that of scripts/platform.sh that it is for.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/artefact/optimised.sh
lib=${KAL_LIB_DIR:-target/lib}
include=${KAL_INCLUDE_DIR:-include}
libs=${KAL_STATIC_LIBS:--lpthread -lm -ldl}
cc=${CC:-cc} libc=glibc tools='' runner='' unwinder='' without=''
if [ -n "${KAL_PLATFORM:-}" ]; then
    . scripts/platform.sh
    platform "$KAL_PLATFORM"
    test_compilers
fi
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' "$include/kaleidoscope.h")
shared=$lib/libkaleidoscope.so.$version
archive=$lib/libkaleidoscope.a
# The newest glibc that may be required (Debian 12 and Ubuntu 22.04 have newer ones).
floor=2.34

# --- Exports

listed() { awk '!/^#/ && NF { print $2 "@@" $1 }' packaging/symbols.txt | LC_ALL=C sort; }
exported() { "${tools}nm" -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' | LC_ALL=C sort; }
header_is_listed() {
    python3 tests/header/header.py functions "$include/kaleidoscope.h" >"$scratch/declared"
    scripts/symbols names | sort >"$scratch/listed"
    new=$(LC_ALL=C comm -23 "$scratch/declared" "$scratch/listed")
    gone=$(LC_ALL=C comm -13 "$scratch/declared" "$scratch/listed")
    [ -z "$new" ] || echo "new in the header: $new
Run 'make symbols NODE=...' (the next release's version node), or add the lines to packaging/symbols.txt yourself."
    [ -z "$gone" ] || echo "no longer in the header: $gone
A function that was released stays for ever; take out of packaging/symbols.txt only what never was."
    [ -z "$new$gone" ]
}
claim 'packaging/symbols.txt lists exactly the functions of the header' header_is_listed
claim 'the shared library exports exactly the functions of packaging/symbols.txt, with their versions' \
    same "$(listed)" "$(exported)"
claim 'no function is listed twice' same '' "$(scripts/symbols names | sort | uniq -d)"
echo "#   $(exported | wc -l) functions"

# --- The shared library

dynamic=$(readelf -dW "$shared")
segments=$(readelf -lW "$shared")
has() { printf '%s\n' "$2" | grep -qE "$1" || { printf '%s\n' "$2" && false; }; }
lacks() { ! printf '%s\n' "$2" | grep -E "$1"; }
points_to() { [ "$(readlink "$1")" = "$2" ]; }

claim 'its SONAME is libkaleidoscope.so.0' has 'SONAME.*\[libkaleidoscope\.so\.0\]' "$dynamic"
claim 'libkaleidoscope.so.0 points to it' points_to "$lib/libkaleidoscope.so.0" "libkaleidoscope.so.$version"
claim 'libkaleidoscope.so points to libkaleidoscope.so.0' points_to "$lib/libkaleidoscope.so" libkaleidoscope.so.0
claim 'dlclose does not unmap it (NODELETE)' has 'FLAGS_1.*NODELETE' "$dynamic"
claim 'symbols are bound at load time (BIND_NOW)' has 'FLAGS_1.*NOW' "$dynamic"
claim 'relocated data is read-only after loading (RELRO)' has 'GNU_RELRO' "$segments"
claim 'it has no text relocations (no TEXTREL)' lacks 'TEXTREL' "$dynamic"
claim 'dlopen can load it (no STATIC_TLS)' lacks 'STATIC_TLS' "$dynamic"
claim 'its stack is not executable' has 'GNU_STACK.* RW  *0' "$segments"
claim 'no segment is writable and executable' lacks 'LOAD.* RWE ' "$segments"
# Red with -Wl,-z,max-page-size=4096: 0x1000 each.
case $(readelf -hW "$shared") in
*AArch64*)
    claim 'systems with pages of 64 KiB can load it' \
        same 0x10000 "$(printf '%s\n' "$segments" | awk '$1 == "LOAD" { print $NF }' | sort -u)"
    ;;
esac
claim 'it has no library search path (no RPATH)' lacks 'RPATH|RUNPATH' "$dynamic"
needed=$(printf '%s\n' "$dynamic" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if [ "$libc" = musl ]; then
    claim 'it needs the C library only' same libc.so "$needed"
    wants=none
    claim 'it needs no glibc' lacks GLIBC "$(readelf -VW "$shared")"
else
    claim 'it needs the C library and libgcc_s only' \
        same '' "$(printf '%s\n' "$needed" | grep -vE '^(lib(c|m|dl|pthread|rt|gcc_s)|ld-linux-[a-z0-9-]+)\.so\.[0-9]+$')"
    wants=$(readelf -VW "$shared" | grep -oE 'GLIBC_2[0-9.]+' | sed 's/GLIBC_//' | sort -Vu | tail -n 1)
    claim "it runs with glibc $floor" same "$floor" "$(printf '%s\n%s\n' "$wants" "$floor" | sort -V | tail -n 1)"
fi
# A packager's tools strip it later.
stripped=yes
[ -z "${KEEP_SYMBOLS:-}" ] || stripped=
[ -z "$stripped" ] || claim 'its symbols were stripped' lacks '\.symtab' "$(readelf -SW "$shared")"
no_path_of_this_machine() {
    same '' "$(strings -a "$1" | grep -oF -e "$PWD/" -e "${CARGO_HOME:-$HOME/.cargo}/" -e "${CROSS:-$PWD/target/cross}/" | sort | uniq -c)"
}
claim 'the shared library contains no path of the build machine' no_path_of_this_machine "$shared"
claim 'the archive contains no path of the build machine' no_path_of_this_machine "$archive"
[ -z "$stripped" ] || claim "the shared library is smaller than $max_shared bytes" smaller "$shared" "$max_shared"
claim "the archive is smaller than $max_archive bytes" smaller "$archive" "$max_archive"
claim 'the archive is one object' same kaleidoscope.o "$("${tools}ar" t "$archive")"
# Red without --crate-type in the Makefile: the object of each crate is named.
claim 'link-time optimisation took effect: the Rust code is one object' \
    one_object "${KAL_RUST_LIB:-$lib/rustc/libkaleidoscope.a}"
echo "#   $(stat -c %s "$shared") bytes, archive $(stat -c %s "$archive") bytes, glibc $wants, needs $(echo $needed)"

# --- The archive

claim 'the archive has one object' same kaleidoscope.o "$("${tools}ar" t "$archive")"
global() { "${tools}nm" -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort; }
claim 'the archive exports exactly the functions of the header' \
    same "$(scripts/symbols names | LC_ALL=C sort)" "$(global)"

# links_and_runs FLAGS...: a program with the archive. The linker's warning that a static program needs the machine's glibc for
# name lookups is expected.
links_and_runs() {
    # shellcheck disable=SC2086
    $cc -Wall -I "$include" tests/artefact/together.c "$@" "$archive" $libs $unwinder -o "$scratch/together" &&
        found=$($runner "$scratch/together") && same "$version" "$found"
}
other() { rustc --edition 2024 --crate-type staticlib -O -o "$scratch/libother.a" tests/artefact/other.rs; }
claim 'a program with the archive runs' links_and_runs
claim 'a program with the archive runs with --gc-sections' links_and_runs -Wl,--gc-sections
claim 'a program with the archive runs, position-dependent' links_and_runs -no-pie
if [ -z "$without" ]; then
    claim 'a fully static program runs' links_and_runs -static
    claim 'a fully static, position-independent program runs' links_and_runs -static-pie
else
    echo "ok - a fully static program runs # SKIP $without"
fi
if [ "$libc$runner" = glibc ]; then
    claim 'another Rust archive can be built' other
    claim 'a program with the archive and another Rust archive runs' links_and_runs -DOTHER "$scratch/libother.a"
    claim 'the order of the two archives does not matter' \
        links_and_runs -DOTHER -Wl,--start-group "$archive" "$scratch/libother.a" -Wl,--end-group
else
    echo 'ok - a program with the archive and another Rust archive runs # SKIP rustc has no standard library for it here; only kal_* are global'
fi

# --- A plugin that contains the archive, in a program with the shared library

# Red without hidden symbols: it exports them all.
copies() {
    # shellcheck disable=SC2086
    $cc -Wall -fPIC -shared -I "$include" tests/artefact/copy.c "$archive" -Wl,-z,nodelete $libs $unwinder -o "$scratch/copy.so" &&
        $cc -Wall -I "$include" tests/artefact/copies.c -L "$lib" -lkaleidoscope -ldl -o "$scratch/copies"
}
claim 'a plugin can contain the archive' copies
claim 'it exports none of the functions' same '' "$("${tools}nm" -D --defined-only "$scratch/copy.so" | grep ' kal_')"
# Red without a seed in the handles: the numbers are the same in both copies, so that each uses the other's clients.
claim 'a handle of another copy of the library is KAL_INVALID_HANDLE, in both directions' \
    same 'ok' "$(LD_LIBRARY_PATH=$lib $runner "$scratch/copies" "$scratch/copy.so" 2>&1)"

with_the_shared_library() {
    # shellcheck disable=SC2086
    $cc -Wall -I "$include" tests/artefact/together.c -L "$lib" -lkaleidoscope -o "$scratch/together" &&
        found=$(LD_LIBRARY_PATH=$lib $runner "$scratch/together") && same "$version" "$found"
}
claim 'the header, the file name and the library agree on the version' with_the_shared_library

finish
