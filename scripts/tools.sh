#!/bin/sh
# tools.sh build|test|docs: sees to it that this machine has what the target needs. On Debian, as root, it says what is missing and
# installs it; elsewhere it says what that is, and stops where the target cannot do without. README.md has the list.
set -eu

missing=
# need PROGRAM PACKAGE: notes the Debian package when the program is not there.
need() {
    command -v "$1" >/dev/null 2>&1 || case " $missing " in
    *" $2 "*) ;;
    *) missing="$missing $2" ;;
    esac
}

if [ "$1" = docs ]; then
    need python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
else
    need "${CC:-cc}" gcc
    need ld binutils
    printf 'int main(void) { return 0; }\n' | ${CC:-cc} -x c - -o /dev/null 2>/dev/null || missing="$missing libc6-dev"
fi
if [ "$1" = test ]; then
    need gcc gcc
    need g++ g++
    need clang++ clang
    need pkg-config pkg-config
    need cmake cmake
    need valgrind valgrind
    need clang-format clang-format
    # valgrind cannot start programs without the symbols of the dynamic loader.
    [ ! -d /usr/share/doc/libc6 ] || [ -e /usr/share/doc/libc6-dbg ] || missing="$missing libc6-dbg"
    need python3 python3
    need sqlite3 sqlite3
    need curl curl
    [ -e /usr/include/sqlite3.h ] || [ ! -e /etc/debian_version ] || missing="$missing libsqlite3-dev"
    need luajit luajit
    need man man-db
    need mandoc mandoc
    need abidiff abigail-tools
    if [ -e /etc/debian_version ]; then
        need git git
        # dpkg-buildpackage looks for the package, not for what it is made of.
        [ -e /usr/share/doc/build-essential ] || missing="$missing build-essential"
        need dh debhelper
        need lintian lintian
        need debootstrap debootstrap
    fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
# Servers' certificates, pip's too, are checked against the system's. The demo's server is this machine's own: it does without.
if [ ! -s /etc/ssl/certs/ca-certificates.crt ] && [ -e /etc/debian_version ] && { [ "$1" != build ] || [ "$(id -u)" = 0 ]; }; then
    missing="$missing ca-certificates"
fi

if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing with apt-get:$missing"
        export DEBIAN_FRONTEND=noninteractive
        # shellcheck disable=SC2086
        { apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing; } >/dev/null || {
            echo "could not install:$missing" >&2
            exit 1
        }
    else
        echo "missing, by Debian's names:$missing" >&2
        exit 1
    fi
fi

[ "$1" != docs ] || exit 0

command -v cargo >/dev/null 2>&1 || {
    echo "cargo is missing, and Debian's is too old: curl -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env" >&2
    exit 1
}
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] || {
    echo "Rust $found is too old, $wanted or newer is needed: rustup update stable" >&2
    exit 1
}
if [ "$1" = test ]; then
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        rustup --quiet component add rustfmt clippy 2>/dev/null || {
        echo "rustfmt or clippy is missing: rustup component add rustfmt clippy" >&2
        exit 1
    }
    # What test-msrv compiles with; it says so where this cannot be had.
    if command -v rustup >/dev/null && ! rustup toolchain list | grep -q "^$wanted"; then
        echo "installing: Rust $wanted, beside the one in use"
        timeout 300 rustup --quiet toolchain install --profile minimal "$wanted" >/dev/null 2>&1 || :
    fi
fi
