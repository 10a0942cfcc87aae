#!/bin/sh
# Tests the header without the library: run.sh. Uses gcc, g++ and other installed compilers.
set -eu
cd "$(dirname "$0")"
. ../../scripts/claims.sh
include=${KAL_INCLUDE_DIR:-../../include}
header=$include/kaleidoscope.h
wrapper=$(cd "$include" && find . -name '*.hpp' | sed 's|^\./||' | sort)
warnings='-Wall -Wextra -Wpedantic -Werror'
stricter='-Wconversion -Wsign-conversion -Wmissing-field-initializers -Wshadow -Wundef'

echo '#include <kaleidoscope.h>' >"$scratch/alone.c"
printf '#include <kaleidoscope.h>\n#include <kaleidoscope.h>\n' >"$scratch/twice.c"
# A status that is ignored.
cat >"$scratch/unseen.c" <<'END'
#include <kaleidoscope.h>
void unseen(void);
void unseen(void) { kal_client_open(NULL, NULL, NULL); }
END

# A status that is ignored on purpose, and kal_shutdown's, as is usual at the end of a program.
cat >"$scratch/cast.c" <<'END'
#include <kaleidoscope.h>
void cast(void);
void cast(void) { (void)kal_set_log(KAL_LOG_OFF, NULL, NULL); }
END
cat >"$scratch/shutdown.c" <<'END'
#include <kaleidoscope.h>
void ending(void);
void ending(void) { (void)kal_shutdown(1000); kal_shutdown(1000); }
END

mkdir "$scratch/blocks"
python3 blocks.py "$scratch/blocks" "$header" ../../README.md

# compiles COMPILER LANGUAGE STANDARD FILE [FLAG]...
compiles() {
    compiler=$1 language=$2 standard=$3 file=$4
    shift 4
    # shellcheck disable=SC2086
    "$compiler" -x "$language" -std="$standard" $warnings "$@" -I "$include" -c "$file" -o "$scratch/object.o"
}
refuses() { ! compiles "$@"; }
takes() { echo | "$1" -x "$2" -std="$3" -E - >/dev/null 2>&1; }

# has_blocks STANDARD: `make test` is brief, and compiles them in the oldest standard and the newest one of each language.
has_blocks() {
    case ${KAL_BRIEF:-}-$1 in
    -* | *-c99 | *-c2* | *-c++11 | *-c++2[3b]) ;;
    *) return 1 ;;
    esac
}

# parts COMPILER STANDARD: the headers that are compiled alone; `make test` is brief, and compiles those of kaleidoscope/ in the oldest
# standard and the newest one with g++, and in the one between with clang++. What they include differs by standard.
parts() {
    case ${KAL_BRIEF:-}-$1-$2 in
    -* | *-g++-c++17 | *-g++-c++2[3b] | *-clang++-c++20) echo "$wrapper" ;;
    *) echo kaleidoscope.hpp ;;
    esac
}

# try COMPILER LANGUAGE STANDARD
try() {
    claim "$1 $3: the header compiles alone" compiles "$1" "$2" "$3" "$scratch/alone.c"
    claim "$1 $3: the header may be included twice" compiles "$1" "$2" "$3" "$scratch/twice.c"
    # With optimisation, so that uninitialised variables are found. Red as C++ when a block jumped over an initialisation: "jump
    # to label 'failed'"; in all standards with the status of kal_workspace_get_members ignored in CACHE.
    for block in "$scratch"/blocks/*.c; do
        has_blocks "$3" || break
        claim "$1 $3: the header's and the README's $(basename "$block" .c) compiles" compiles "$1" "$2" "$3" "$block" -O2
    done
    case $2 in
    # Red with 0 for each pointer: "zero as null pointer constant".
    c++) null=-Wzero-as-null-pointer-constant ;;
    *) null= ;;
    esac
    # shellcheck disable=SC2086
    claim "$1 $3: the initialisers set every field" compiles "$1" "$2" "$3" initialisers.c $stricter $null
    case $3 in
    # Static assertions need C11.
    c99) ;;
    *) claim "$1 $3: every struct has the layout of the table" compiles "$1" "$2" "$3" layout.c ;;
    esac
    claim "$1 $3: ignoring a status is a warning" refuses "$1" "$2" "$3" "$scratch/unseen.c"
    # Red with kal_shutdown like the others: "ignoring return value of 'kal_shutdown'", of gcc in spite of (void).
    claim "$1 $3: ignoring the status of kal_shutdown is none" compiles "$1" "$2" "$3" "$scratch/shutdown.c"
    case "$1 $3" in
    # Red with GNU's attribute in every standard: "ignoring return value of 'kal_set_log'".
    clang* | *c2* | *c++17 | *c++2*)
        claim "$1 $3: (void) says that a status is ignored on purpose" compiles "$1" "$2" "$3" "$scratch/cast.c" ;;
    esac
}

if [ -n "${KAL_BRIEF:-}" ]; then
    echo "ok - the header's and the README's code compiles in every standard # SKIP it takes minutes: make test-header does it"
    echo "ok - each header of kaleidoscope/ compiles alone with each compiler in every standard # SKIP it takes minutes: make test-header does it"
fi
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    # Red with // comments: "C++ style comments are not allowed in ISO C90".
    for file in "$scratch/alone.c" "$scratch/twice.c" initialisers.c; do
        # clang reports _Bool even in the system's stdbool.h, gcc does not.
        claim "$compiler c89: $(basename "$file" .c) is C90" \
            compiles $compiler c c89 "$file" -pedantic -Wconversion $(test $compiler = gcc || echo -Wno-c99-extensions)
    done
    for standard in c99 c11 c17 c23; do
        # Older compilers accept only C23's working name.
        takes $compiler c $standard || standard=c2x
        try $compiler c $standard
    done
done
for compiler in g++ clang++; do
    command -v $compiler >/dev/null || continue
    for standard in c++11 c++14 c++17 c++20 c++23; do
        takes $compiler c++ $standard || standard=c++2b
        try $compiler c++ $standard
        case $standard in
        c++11 | c++14) ;;
        *)
            for file in $(parts $compiler $standard); do
                echo "#include <$file>" >"$scratch/alone.cpp"
                claim "$compiler $standard: $file compiles alone" compiles $compiler c++ $standard "$scratch/alone.cpp"
            done
            ;;
        esac
    done
done

# On Windows, with headers of clang alone. `cl` is clang that does not say so: the header takes it for MSVC, whose __cplusplus
# is that of C++98.
cl() {
    case "$*" in *c++*) set -- "$@" -U__cplusplus -D__cplusplus=199711L ;; esac
    clang "$@" -U__clang__ -U__GNUC__ -Wno-builtin-macro-redefined
}
# for_windows COMPILER STANDARD FILE [FLAG]...
for_windows() {
    case $2 in c++*) language=c++ ;; *) language=c ;; esac
    tried="$1 $language $2 $3"
    shift 3
    # shellcheck disable=SC2086
    compiles $tried --target=x86_64-pc-windows-msvc -ffreestanding "$@"
}
warns_for_windows() { ! for_windows "$@" && for_windows "$@" -Wno-unused-result; }
declared() { for_windows "$@" -Wno-unused-result -S -emit-llvm && same "$wanted" "$(grep -o '^declare dllimport\|^declare' "$scratch/object.o")"; }
if command -v clang >/dev/null; then
    for standard in c99 c11 c17 c2x c++11 c++14 c++17 c++20 c++2b; do
        for compiler in clang cl; do
            who="$compiler $standard for Windows"
            wanted='declare'
            claim "$who: the functions are those of a static library" declared $compiler $standard "$scratch/unseen.c"
            wanted='declare dllimport'
            claim "$who: with KAL_DLL they are imported" declared $compiler $standard "$scratch/unseen.c" -DKAL_DLL
            case $compiler-$standard in
            # Before these, it has no attribute for it.
            clang-* | cl-c++17 | cl-c++2*)
                # Red with KAL_API before KAL_NODISCARD, "'nodiscard' attribute cannot be applied to types", and without _MSVC_LANG.
                for linked in -UKAL_DLL -DKAL_DLL; do
                    claim "$who, $linked: ignoring a status is a warning" warns_for_windows $compiler $standard "$scratch/unseen.c" $linked
                done
                ;;
            esac
        done
    done
fi

# docs/any-language.md says that a handle may be declared as a 64-bit integer on these platforms. Red for powerpc-linux-gnu, which
# passes structs in memory: "declare i32 @kal_call(ptr byval(ptr) align 8, ptr, ...)" and "(i64, ptr, ...)".
passed_as_integers() {
    python3 integer_handles.py "$header" clang "$1" "$scratch" && same "$(cat "$scratch/structs")" "$(cat "$scratch/integers")"
}
if command -v clang >/dev/null; then
    for target in x86_64-linux-gnu aarch64-linux-gnu x86_64-pc-windows-msvc aarch64-pc-windows-msvc x86_64-apple-macos \
        arm64-apple-macos; do
        claim "$target: a handle is passed as a uint64_t is, to every function" passed_as_integers $target
    done
fi

in_the_table() { sed -n 's/^STRUCT(\(kal_[a-z_]*\),.*/\1/p; s/^FIELD(\([a-z_]*\), \([a-z0-9_]*\),.*/\1.\2/p' layout.def; }
claim 'layout.def has every struct and every field of the header' \
    same "$(python3 header.py fields "$header")" "$(in_the_table)"
# Red with the header of 0.1.0: none of the initialisers had one.
claim 'every function, struct, field, type, constant and initialiser has a doc comment' python3 header.py undocumented "$header"
# Red with the header of 0.1.0: "function kal_shutdown: says 0 times what it returns", and 122 more.
claim 'every function documents its parameters, return values and version' python3 header.py form "$header"
# Red with the header before: "struct kal_error_info: does not say whether it may grow", and 10 more.
claim 'every struct says whether it may grow' python3 header.py growth "$header"
# Red before 0.2.0: "KAL_CLIENT_OPTIONS_INIT has no function kal_client_options_init", and four more.
claim 'every initialiser has a function for languages without macros' python3 header.py initialisers "$header"
# Red with a status misspelt: "KAL_TIMEDOUT is in a comment, and not declared".
claim 'every name in a comment is declared' python3 header.py names "$header"

finish
