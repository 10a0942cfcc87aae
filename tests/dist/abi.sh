#!/bin/sh
# Programs compiled against the last release work with this one: abidiff compares the header with that release's description in
# packaging/abi. The comparison itself is tested with each kind of break in a copy of the header.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
released=packaging/abi/libkaleidoscope.so.0.abi
header=include/kaleidoscope.h

compatible() { packaging/abi/describe "$1" "$scratch/now.abi" && packaging/abi/compatible "$released" "$scratch/now.abi"; }
# changed SED_PROGRAM: a modified copy of the header, which must differ.
changed() {
    sed -E "$1" "$header" >"$scratch/changed.h"
    ! cmp -s "$header" "$scratch/changed.h" && packaging/abi/describe "$scratch/changed.h" "$scratch/now.abi"
}
goes() { changed "$1" && packaging/abi/compatible "$released" "$scratch/now.abi"; }
# abidiff's status 4 is a change, 8 (with 4) an incompatible one; anything else is an error.
noticed() {
    changed "$1" || return 1
    status=0
    packaging/abi/compatible "$released" "$scratch/now.abi" || status=$?
    [ $((status & 4)) -ne 0 ] && [ $((status & 3)) -eq 0 ]
}
# Checks that the description is not empty.
described() { same "$(scripts/symbols names | sort)" "$(sed -n "s/.*<function-decl name='\([^']*\)'.*/\1/p" "$scratch/now.abi" | sort)"; }

claim 'programs compiled against the last release work with this one' compatible "$header"
claim 'every function of packaging/symbols.txt is compared' described
claim 'a new field at the end of options is compatible' goes 's/^( *uint32_t) reserved;/\1 reserved; uint64_t new_field;/'
claim 'a new field at the end of a record is compatible' goes 's/^( *int8_t) is_bulk;/\1 is_bulk; int8_t new_field;/'
claim 'a new function is compatible' goes 's/^KAL_API const char \*kal_version\(void\);/&\nKAL_API int kal_new(void);/'
claim 'a new field in the middle is detected' noticed 's/^ *uint64_t cache_hits;/uint64_t new_field; &/'
claim 'a field of another type is detected' noticed 's/uint64_t (bytes_received;)/uint32_t \1/'
claim 'a field of another type is detected, also together with a new one' \
    noticed 's/uint64_t (bytes_received;)/uint32_t \1 uint32_t new_field; uint64_t newer_field;/'
claim 'a renamed field is detected' noticed 's/uint64_t cache_hits;/uint64_t hits;/'
claim 'a removed field is detected' noticed '/^ *const char \*request_id;/d'
claim 'a new field in the padding of options is detected' \
    noticed 's/^( *int32_t) cache;/\1 cache; char new_field;/'
claim 'a struct that is passed in arrays must not grow' noticed '/^typedef struct kal_header /,/^}/s/^} kal_header;/int more; &/'
claim 'a handle must not grow' noticed '/^typedef struct kal_stream /,/^}/s/^} kal_stream;/int more; &/'
claim 'a parameter of another type is detected' noticed 's/kal_shutdown\(uint32_t/kal_shutdown(uint64_t/'
claim 'another return type is detected' noticed 's/^uint32_t kal_version_number|^KAL_API uint32_t kal_version_number/KAL_API uint64_t kal_version_number/'
claim 'another type of kal_status is detected' noticed 's/^typedef int32_t kal_status/typedef int64_t kal_status/'
finish
