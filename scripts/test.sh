#!/bin/sh
# Runs every section of `make test`, also after failures, and prints a summary.
set -u
log=${TARGET:-target}/test.log
mkdir -p "$(dirname "$log")"
: >"$log"

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
section 'torture'        'Faults, races and forks, the short form'           test-torture
section 'documentation'  'The documentation site'                            test-docs-site
section 'documentation'  'The snippets of the documentation'                 test-docs-snippets
section 'documentation'  'The manual pages'                                  test-man
section 'installation'   'Installation'                                      test-install
section 'compatibility'  'Compatibility with the Python client'              test-compat
section 'Go'             'The Go package'                                    test-go
section 'any language'   'From any language'                                 test-any-language
section 'SQLite'         'The SQLite extension'                              test-sqlite
section 'ABI'            'Compatibility with the last release'               test-abi
section 'tarball'        'The tarball for older systems'                     test-dist
# With a standard library that is compiled for each; `make test-arm64` and `make test-musl` install what they need, once.
foreign=false
! { scripts/cross.sh --has && scripts/linux-tools.sh --has arm64; } || foreign=true
if "$foreign"; then
    section 'arm64'      'Linux arm64'                                       test-arm64
else
    skip 'arm64'         'Linux arm64'                                       'make test-arm64 installs what it needs, once'
fi
if scripts/cross.sh --has && scripts/linux-tools.sh --has musl; then
    section 'musl'       'musl'                                              test-musl
else
    skip 'musl'          'musl'                                              'make test-musl installs what it needs, once'
fi
# Several hundred MB; `make check-apple` installs them.
if scripts/trixie.sh --has apple && [ -e "${CROSS:-${TARGET:-target}/cross}/toolchain/.finished" ]; then
    section 'Apple'      'macOS and iOS, linked but not run'                 check-apple
else
    skip 'Apple'         'macOS and iOS, linked but not run'                 'make check-apple installs what it needs'
fi
section 'release'        'What a release consists of'                        test-release
section 'recipes'        'The recipes of package managers'                  test-recipes
# Tests in another Debian root need mounts, which not every container allows.
if [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
    section 'Debian'     'The Debian packages'                               test-deb
    ! "$foreign" || section 'Debian' 'The Debian packages for arm64'         test-deb-arm64
    # Several GB; `make test-swift` and the like install it.
    if scripts/trixie.sh --has windows && command -v x86_64-w64-mingw32-gcc >/dev/null; then
        section 'Windows' 'x64 Windows, on Wine'                             test-windows
    else
        skip 'Windows'   'x64 Windows, on Wine'                              'scripts/trixie.sh windows and make tools-windows install what it needs'
    fi
    ! scripts/trixie.sh --has swift || section 'Swift' 'The Swift package' test-swift
else
    skip 'Debian'        'The Debian packages'                               'on Debian, as root, where mounts are allowed'
fi

echo
scripts/tally "$log"
