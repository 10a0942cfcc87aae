#!/bin/sh
# Runs every section of `make test`, also after failures, and prints a summary.
set -u
log=${TARGET:-target}/test.log
mkdir -p "$(dirname "$log")"
: >"$log"

# What takes long is left out, aloud, and run by the targets of the sections.
export KAL_BRIEF=1

# section KIND HEADING TARGET: runs `make TARGET` and counts its claims under KIND.
section() {
    printf '\n=== %s\n' "$2"
    printf '@section %s\n' "$1" >>"$log"
    started=$(date +%s)
    { "${MAKE:-make}" --no-print-directory "$3" 2>&1; echo "@ended $? $2" >>"$log.end"; } | tee -a "$log"
    cat "$log.end" >>"$log"
    rm -f "$log.end"
    printf '    (%d s)\n' $(($(date +%s) - started))
}

# skip KIND HEADING WHY: a section that cannot run on this machine; it counts as skipped.
skip() {
    printf '\n=== %s\n' "$2"
    printf '@section %s\n' "$1" >>"$log"
    echo "ok - $2 # SKIP $3" | tee -a "$log"
}

# optional TEST... -- KIND HEADING TARGET: a section that runs where what it needs is installed.
optional() {
    needed=
    while [ "$1" != -- ]; do
        needed="$needed $1"
        shift
    done
    shift
    # shellcheck disable=SC2086  # several words
    if $needed; then section "$@"; else skip "$1" "$2" "make $3 installs what it needs, once"; fi
}

section 'formatting'     'Formatting'                                        test-format
section 'clippy'         'clippy'                                            test-clippy
section 'docs'           'Docs'                                              test-docs
section 'Rust tests'     'Rust tests'                                        test-rust
section 'dependencies'   'The crates'                                        test-deny
# The compiler is in another Debian root, which needs mounts; `make test-msrv` installs it.
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null && scripts/trixie.sh --has rust; then
    section 'oldest Rust' 'The oldest Rust'                                  test-msrv
else
    section 'oldest Rust' 'The oldest Rust that crates declare'              test-msrv-declared
fi
section 'header'         'The header, alone, in every standard of C and C++' test-header
section 'build'          'Build'                                             test-build
section 'artefact'       'The built library'                                 test-artefact
section 'instructions'   'Instructions of the main paths'                    test-instructions
section 'C tests'        'C tests'                                           test-c
section 'C examples'     'C examples'                                        test-examples
section 'valgrind'       'C tests under valgrind'                            test-c-valgrind
section 'ASan'           'C tests under AddressSanitizer'                    test-c-asan
section 'C++'            'The C++ header'                                    test-cpp
section 'C++'            'The C++ header under AddressSanitizer'             test-cpp-asan
section 'TSan'           'Threads under ThreadSanitizer'                     test-tsan
section 'torture'        'Faults, races and forks, the short form'           test-torture
section 'documentation'  'The documentation site'                            test-docs-site
section 'documentation'  'The snippets of the documentation'                 test-docs-snippets
section 'documentation'  'The manual pages'                                  test-man
section 'installation'   'Installation'                                      test-install
section 'compatibility'  'Compatibility with the Python client'              test-compat
section 'Go'             'The Go package'                                    test-go
section 'any language'   'From any language'                                 test-any-language
section 'emulator page'  'The page of the emulator in a browser'                 test-emulator-page
section 'SQLite'         'The SQLite extension'                              test-sqlite
section 'SQLite'         'Tools that speak SQLite'                           test-sql-tools
section 'ABI'            'Compatibility with the last release'               test-abi
section 'tarball'        'The tarball for older systems'                     test-dist
section 'release'        'What a release consists of'                        test-release
section 'recipes'        'The recipes of package managers'                   test-recipes

# What other platforms need is up to several GB, so that `make test` does not install it: the targets below do.
has_cross() { scripts/cross.sh --has && scripts/linux-tools.sh --has "$1"; }
optional has_cross arm64 -- 'arm64' 'Linux arm64' test-arm64
optional has_cross musl  -- 'musl' 'musl' test-musl
has_apple() { scripts/cross.sh --has && scripts/trixie.sh --has apple; }
optional has_apple -- 'Apple' 'macOS and iOS: linked, not run' check-apple
# Tests in another Debian root need mounts, which not every container allows.
if [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
    section 'Debian'     'The Debian packages'                               test-deb
    has_windows() { scripts/cross.sh --has && scripts/trixie.sh --has windows && command -v x86_64-w64-mingw32-gcc >/dev/null; }
    optional has_cross arm64 -- 'Debian' 'The Debian packages for arm64' test-deb-arm64
    optional has_windows -- 'Windows' 'x64 Windows, on Wine' test-windows
    optional scripts/trixie.sh --has swift -- 'Swift' 'The Swift package' test-swift
else
    for what in 'Debian' 'Windows' 'Swift'; do skip "$what" "$what" 'on Debian, as root, where mounts are allowed'; done
fi

echo
scripts/tally "$log"
