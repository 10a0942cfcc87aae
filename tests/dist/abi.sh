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

# The C++ headers: types and inline functions, which objects of one version have in common.
cpp() { packaging/abi/cpp "$@"; }
known=packaging/abi/kaleidoscope.hpp.abi
# The names that are in both are the same: the headers without exceptions lack some functions.
alike() { cpp describe include "$1" >"$scratch/cpp.$1" && cpp compatible "$scratch/cpp.now" "$scratch/cpp.$1"; }
cpp_unchanged() { cpp describe include >"$scratch/cpp.now" && cpp compatible "$known" "$scratch/cpp.now"; }
cpp_described() {
    for name in client_options events_query error member 'list<kal::[^:]*::member>' 'exceptions::result<kal::[^:]*::answer>' \
        exceptions::client exceptions::queue exceptions::event_stream; do
        grep -q "^kal::v[0-9_]*::$name: [0-9]* bytes" "$known" || { echo "$name is not described" && return 1; }
    done
}
# A copy with a change of each kind.
cpp_changed() {
    rm -rf "$scratch/changed" && cp -r include "$scratch/changed" &&
        sed -i 's/^struct client_options {/& int new_field = 0;/; s/bool proxy_from_env = false;//
            s/bool insecure_tls = false;/& bool proxy_from_env = false;/; s/std::int32_t page_size = 0;/std::int64_t page_size = 0;/
            s/refresh = KAL_CACHE_REFRESH/refresh = KAL_CACHE_REFRESH + 5/' "$scratch/changed/kaleidoscope/options.hpp" &&
        sed -i 's/int attempts() const noexcept/virtual long attempts() const noexcept/' "$scratch/changed/kaleidoscope/error.hpp" &&
        cpp describe "$scratch/changed" >"$scratch/cpp.changed" &&
        ! cpp compatible "$known" "$scratch/cpp.changed" >"$scratch/differences" 2>&1
}
reported() { grep -qF -- "$1" "$scratch/differences" || { cat "$scratch/differences" && return 1; }; }
# The same changes with another version.
cpp_of_another_version() {
    sed '1s/.*/version 99.0.0/; s/kal::v[0-9_]*/kal::v99_0_0/g' "$scratch/cpp.changed" >"$scratch/cpp.newer"
    cpp compatible "$known" "$scratch/cpp.newer" >"$scratch/other" 2>&1 || true
    grep -q 'is of version .*, the headers are of version 99.0.0: run .make abi-cpp' "$scratch/other" &&
        cpp compatible "$scratch/cpp.newer" "$scratch/cpp.newer"
}
# In a clone with a tag, the description of a released version cannot be written anew.
cpp_released() {
    mkdir "$scratch/tree" && cp -r include packaging "$scratch/tree" && cp -r "$scratch/changed/." "$scratch/tree/include" && (
        cd "$scratch/tree" && git init -q && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m r &&
            git tag "v$(sed -n '1s/version //p' "$known")" && ! packaging/abi/cpp update include "$known" 2>"$scratch/refused"
    ) && grep -q 'was released with other types; raise the version first' "$scratch/refused"
}

# Red with any of the changes below.
claim 'no type of the C++ headers has changed without a new version: raise it, or run `make abi-cpp` if it was not released' cpp_unchanged
claim 'the types of the C++ headers are described' cpp_described
claim 'the types of the C++ headers are the same in C++17 and C++23' alike c++2b
claim 'a copy of the C++ headers with changes is described' cpp_changed
claim 'C++: a new field is detected' reported '+   0 new_field: int'
claim 'C++: a field in another place is detected' reported 'proxy_from_env: bool'
claim 'C++: a field of another type is detected' reported 'page_size: int64_t'
claim 'C++: another value is detected' reported '+   refresh = 6'
claim 'C++: a new virtual function is detected' reported 'attempts'
claim 'C++: another return type is detected' reported '+ long int'
claim 'C++: with another version everything may change, and is to be described' cpp_of_another_version
claim 'C++: what was released is not described anew' cpp_released
finish
