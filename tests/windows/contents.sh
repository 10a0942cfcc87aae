# Sourced by run.sh: what is in the zip, and how it was linked.
# shellcheck shell=sh

dll=$prefix/bin/kaleidoscope.dll
objdump=x86_64-w64-mingw32-objdump

expected() {
    (cd include && find . -type f ! -name '.*' | sed 's|^\.|./include|')
    printf './%s\n' bin/kaleidoscope.dll lib/kaleidoscope.lib lib/libkaleidoscope.dll.a lib/libkaleidoscope.a \
        lib/pkgconfig/kaleidoscope.pc lib/cmake/kaleidoscope/kaleidoscope-config.cmake \
        lib/cmake/kaleidoscope/kaleidoscope-config-version.cmake CMakeLists.txt README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT \
        THIRD-PARTY-LICENSES.txt
}
claim 'the zip contains exactly the DLL, the libraries to link with, the headers, the CMake package, the pkg-config file and the licences' \
    same "$(expected | LC_ALL=C sort)" "$(cd "$prefix" && find . ! -type d | LC_ALL=C sort)"
claim 'everything in the zip is in one folder' \
    same "$name" "$(python3 -m zipfile -l "$zip" | sed 1d | cut -d/ -f1 | sort -u)"
# Symbols of import libraries have paths with underscores.
mangled() { printf %s "$1" | tr -c 'A-Za-z0-9' _; }
no_path() {
    same '' "$(grep -rlF -e "$PWD" -e "${CARGO_HOME:-$HOME/.cargo}" -e "$target" -e "$(mangled "$PWD")" -e "$(mangled "$target")" "$prefix")"
}
claim 'no file contains a path of the machine that built it' no_path
crates() {
    cargo tree --locked --package kaleidoscope --edges normal,no-proc-macro --target x86_64-pc-windows-gnu --prefix none --format '{p}' |
        sed -n 's/^\([^ ]*\) v\([^ ]*\).*/  \1 \2:/p' | grep -v '^  kaleidoscope ' | sort -u
}
every_crate_is_named() {
    crates >"$scratch/crates"
    [ -s "$scratch/crates" ] && sed -n 's/^\(  [^ ]* [^ ]*:\).*/\1/p' "$prefix/THIRD-PARTY-LICENSES.txt" | sort -u >"$scratch/named" &&
        missing=$(comm -23 "$scratch/crates" "$scratch/named") && same '' "$missing"
}
claim 'the licences include every crate that is linked for Windows' every_crate_is_named
another_zip() {
    python3 -B scripts/zip.py "$prefix" "$scratch/again.zip" "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" && cmp "$zip" "$scratch/again.zip"
}
claim 'the same files result in the same zip' another_zip

claim 'the DLL exports exactly the functions of the header' \
    same "$(scripts/symbols names | sort)" "$("$objdump" -p "$dll" | awk '/Ordinal\/Name Pointer/ { on = 1; next } on && NF { print $NF } on && !NF { exit }' | sort)"
# All of them are in System32 of every Windows since 10.
windows_has='KERNEL32.dll ADVAPI32.dll WS2_32.dll CRYPT32.dll bcrypt.dll bcryptprimitives.dll ntdll.dll msvcrt.dll USERENV.dll SECUR32.dll
api-ms-win-core-synch-l1-2-0.dll'
only_of_windows() {
    for library in $("$objdump" -p "$dll" | sed -n 's/.*DLL Name: //p'); do
        printf '%s\n' "$windows_has" | tr ' ' '\n' | grep -qixF "$library" || echo "$library is not a part of Windows"
    done >"$scratch/others"
    [ -n "$("$objdump" -p "$dll" | grep 'DLL Name: ')" ] && same '' "$(cat "$scratch/others")"
}
claim 'the DLL needs only DLLs that are a part of Windows' only_of_windows
# Wine aborts a program that calls another one, Windows does not load the DLL at all.
of_ntdll() { "$objdump" -p "$dll" | awk '/DLL Name: / { on = tolower($3) == "ntdll.dll" } on && NF == 3 && $3 ~ /^[A-Z]/ { print $3 }' | sort -u; }
claim 'the DLL takes from ntdll.dll only functions of ntdll.dll' \
    same '' "$(of_ntdll | grep -vE '^(Nt|Rtl)')"
has() { "$objdump" -p "$dll" | grep -F "$1"; }
claim 'the DLL may be loaded at any 64-bit address (ASLR)' has HIGH_ENTROPY_VA
claim 'the DLL may be moved' has DYNAMIC_BASE
claim 'data of the DLL cannot be executed' has NX_COMPAT
claim 'the DLL has no date' sh -c "'$objdump' -p '$dll' | grep -E '^Time/Date[[:space:]]+(0|Thu Jan  1 00:00:00 1970)'"
has_text() { python3 - "$dll" "$1" <<'PY'
import pathlib, sys
sys.exit(sys.argv[2].encode("utf-16-le") not in pathlib.Path(sys.argv[1]).read_bytes())
PY
}
for text in ProductName libkaleidoscope ProductVersion "$VERSION" 'Licensed under MIT or Apache-2.0' kaleidoscope.dll; do
    claim "the version resource of the DLL has: $text" has_text "$text"
done
claim 'the DLL is below 3.5 MB' [ "$(stat -c %s "$dll")" -lt 3500000 ]
archive=$prefix/lib/libkaleidoscope.a
code() { x86_64-w64-mingw32-ar t "$archive" | grep -v '^kal_.*_dll_[hst][0-9]*\.o$'; }
claim 'the static library has one object, and import libraries of Windows' same kaleidoscope.o "$(code)"
globals() {
    x86_64-w64-mingw32-nm --print-file-name --defined-only --extern-only "$archive" | grep ':kaleidoscope.o:' | awk '{ print $NF }' | sort -u
}
claim 'that object defines only the functions of the header' same "$(scripts/symbols names | sort)" "$(globals)"
