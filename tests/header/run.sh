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

sed -n '/^ \* A COMPLETE PROGRAM$/,/^ \*     cc program.c/s/^ \*     //p' "$header" | sed '$d' >"$scratch/program.c"
grep -q 'int main(void)' "$scratch/program.c"

# compiles COMPILER LANGUAGE STANDARD FILE [FLAG]...
compiles() {
    compiler=$1 language=$2 standard=$3 file=$4
    shift 4
    # shellcheck disable=SC2086
    "$compiler" -x "$language" -std="$standard" $warnings "$@" -I "$include" -c "$file" -o "$scratch/object.o"
}
refuses() { ! compiles "$@"; }
takes() { echo | "$1" -x "$2" -std="$3" -E - >/dev/null 2>&1; }

# try COMPILER LANGUAGE STANDARD
try() {
    claim "$1 $3: the header compiles alone" compiles "$1" "$2" "$3" "$scratch/alone.c"
    claim "$1 $3: the header may be included twice" compiles "$1" "$2" "$3" "$scratch/twice.c"
    # Red as C++ when it jumped over an initialisation: "jump to label 'failed_open'".
    claim "$1 $3: the program in its introduction compiles" compiles "$1" "$2" "$3" "$scratch/program.c"
    # shellcheck disable=SC2086
    claim "$1 $3: the initialisers set every field" compiles "$1" "$2" "$3" initialisers.c $stricter
    case $3 in
    # Static assertions need C11.
    c99) ;;
    *) claim "$1 $3: every struct has the layout of the table" compiles "$1" "$2" "$3" layout.c ;;
    esac
    claim "$1 $3: ignoring a status is a warning" refuses "$1" "$2" "$3" "$scratch/unseen.c"
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
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
            for file in $wrapper; do
                echo "#include <$file>" >"$scratch/alone.cpp"
                claim "$compiler $standard: $file compiles alone" compiles $compiler c++ $standard "$scratch/alone.cpp"
            done
            ;;
        esac
    done
done

in_the_table() { sed -n 's/^STRUCT(\(kal_[a-z_]*\),.*/\1/p; s/^FIELD(\([a-z_]*\), \([a-z_]*\),.*/\1.\2/p' layout.def; }
claim 'layout.def has every struct and every field of the header' \
    same "$(python3 header.py fields "$header")" "$(in_the_table)"
# Red with the header of 0.1.0: none of the initialisers had one.
claim 'every function, struct, field, type, constant and initialiser has a doc comment' python3 header.py undocumented "$header"
# Red with the header of 0.1.0: "function kal_shutdown: says 0 times what it returns", and 122 more.
claim 'every function documents its parameters, return values and version' python3 header.py form "$header"
# Red with a status misspelt: "KAL_TIMEDOUT is in a comment, and not declared".
claim 'every name in a comment is declared' python3 header.py names "$header"

# The program in the header's tutorial must compile.
sed -n '/^ \* A COMPLETE PROGRAM/,/^ \*     }$/s/^ \*     //p' "$header" >"$scratch/tutorial.c"
claim 'the program at the top of the header compiles' compiles gcc c c11 "$scratch/tutorial.c"

finish
