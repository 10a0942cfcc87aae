#!/bin/sh
# Runs every section of `make test`, also after failures, and prints a summary. Sections that only use what is built run beside each
# other, as many as there are processors.
set -u
log=${TARGET:-target}/test.log
mkdir -p "$(dirname "$log")"
rm -rf "$log" "$log.lock" "$log.queue"
: >"$log"
: >"$log.queue"

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

# beside KIND HEADING TARGET [KIND HEADING TARGET]...: sections that `run_queue` runs, one after the other, beside those of other calls.
beside() {
    printf '%s|%s|%s' "$1" "$2" "$3" >>"$log.queue"
    shift 3
    while [ $# -gt 0 ]; do
        printf ';%s|%s|%s' "$1" "$2" "$3" >>"$log.queue"
        shift 3
    done
    echo >>"$log.queue"
}

run_queue() {
    xargs -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' scripts/test-section.sh "$log" '{}' <"$log.queue" ||
        printf '@section beside\n@ended %d Sections beside each other\n' $? >>"$log"
    rm "$log.queue"
}

# skip KIND HEADING WHY: a section that cannot run on this machine; it counts as skipped.
skip() {
    printf '\n=== %s\n' "$2"
    printf '@section %s\n' "$1" >>"$log"
    echo "ok - $2 # SKIP $3" | tee -a "$log"
}

# without KIND HEADING TARGET: a section whose tools are not installed.
without() { skip "$1" "$2" "make $3 installs what it needs, once"; }
has_cross() { scripts/cross.sh --has && scripts/linux-tools.sh --has "$1"; }

# optional TEST... -- KIND HEADING TARGET: a section of the queue, where what it needs is installed.
optional() {
    needed=
    while [ "$1" != -- ]; do
        needed="$needed $1"
        shift
    done
    shift
    # shellcheck disable=SC2086  # several words
    if $needed; then beside "$@"; else without "$@"; fi
}

# What the others need, and what keeps every processor busy by itself.
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
section 'build'          'Build'                                             test-build
section 'artefact'       'The built library'                                 test-artefact
section 'instructions'   'Instructions of the main paths'                    test-instructions

# The longest first. Sections of one call need the same files.
beside 'torture'         'Faults, races and forks, the short form'           test-torture \
       'ASan'            'C tests under AddressSanitizer'                    test-c-asan \
       'C++'             'The C++ header under AddressSanitizer'             test-cpp-asan
beside 'tarball'         'The tarball for older systems'                     test-dist \
       'release'         'What a release consists of'                        test-release \
       'recipes'         'The recipes of package managers'                   test-recipes
beside 'SQLite'          'The SQLite extension'                              test-sqlite \
       'SQLite'          'Tools that speak SQLite'                           test-sql-tools \
       'documentation'   'The snippets of the documentation'                 test-docs-snippets
beside 'C++'             'The C++ header'                                    test-cpp
# Those for arm64 use files of the same names.
set -- 'Go' 'The Go package' test-go
if has_cross arm64; then set -- "$@" 'arm64' 'Linux arm64' test-arm64; else without 'arm64' 'Linux arm64' test-arm64; fi
beside "$@"
# Tests in another Debian root need mounts, which not every container allows.
if [ -e /etc/debian_version ] && [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
    set -- 'Debian' 'The Debian packages' test-deb
    if has_cross arm64; then set -- "$@" 'Debian' 'The Debian packages for arm64' test-deb-arm64
    else without 'Debian' 'The Debian packages for arm64' test-deb-arm64; fi
    beside "$@"
    mounts=true
else
    skip 'Debian' 'The Debian packages' 'on Debian, as root, where mounts are allowed'
    mounts=false
fi
beside 'valgrind'        'C tests under valgrind'                            test-c-valgrind
beside 'header'          'The header, alone, in every standard of C and C++' test-header
beside 'installation'    'Installation'                                      test-install
beside 'TSan'            'Threads under ThreadSanitizer'                     test-tsan
beside 'compatibility'   'Compatibility with the Python client'              test-compat
beside 'C examples'      'C examples'                                        test-examples
beside 'documentation'   'The documentation site'                            test-docs-site
beside 'emulator page'   'The page of the emulator in a browser'             test-emulator-page
beside 'C tests'         'C tests'                                           test-c
beside 'any language'    'From any language'                                 test-any-language
beside 'documentation'   'The manual pages'                                  test-man
beside 'ABI'             'Compatibility with the last release'               test-abi

# What other platforms need is up to several GB, so that `make test` does not install it: the targets below do.
optional has_cross musl  -- 'musl' 'musl' test-musl
has_apple() { scripts/cross.sh --has && scripts/trixie.sh --has apple; }
optional has_apple -- 'Apple' 'macOS and iOS: linked, not run' check-apple
has_windows() { scripts/cross.sh --has && scripts/trixie.sh --has windows && command -v x86_64-w64-mingw32-gcc >/dev/null; }
if $mounts; then
    optional has_windows -- 'Windows' 'x64 Windows, on Wine' test-windows
    optional scripts/trixie.sh --has swift -- 'Swift' 'The Swift package' test-swift
else
    for what in 'Windows' 'Swift'; do skip "$what" "$what" 'on Debian, as root, where mounts are allowed'; done
fi
run_queue

echo
scripts/tally "$log"
