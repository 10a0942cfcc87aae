#!/bin/sh
# tools.sh build|test|docs|recipes|sql|windows: checks that the tools for the target are installed. On Debian, as root, it lists and
# installs missing packages; elsewhere it lists them, and fails if the target requires them. README.md has the list.
set -eu

missing=
# need PROGRAM PACKAGE: records the Debian package if the program is not found.
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
if [ "$1" = recipes ]; then
    # With which tests/recipes checks the recipes: 90 MB to download, 320 MB, one minute. It does without those that are missing.
    need cmake cmake
    need pkg-config pkg-config
    need ruby ruby
    need shellcheck shellcheck
    need makepkg makepkg
    need pacman pacman-package-manager
    need fakeroot fakeroot
    need bsdtar libarchive-tools
    need busybox busybox
    need nuget nuget
    need mcs mono-mcs
    need mono mono-runtime
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
if [ "$1" = sql ]; then
    # The tools of docs/sql.md that are large: 50 MB to download, 120 MB, one minute. Those that are small are among `test`.
    need sqlite3 sqlite3
    need sqlitebrowser sqlitebrowser
    Rscript -e 'library(RSQLite)' >/dev/null 2>&1 || missing="$missing r-cran-rsqlite"
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
if [ "$1" = windows ]; then
    # One whose library needs no other DLL, and one that has std::thread for the tests.
    need x86_64-w64-mingw32-gcc-win32 gcc-mingw-w64-x86-64-win32
    need x86_64-w64-mingw32-g++-posix g++-mingw-w64-x86-64-posix
    need cmake cmake
    need pkg-config pkg-config
fi
if [ "$1" = test ]; then
    need gcc gcc
    need g++ g++
    need clang++ clang
    need pkg-config pkg-config
    need cmake cmake
    need meson meson
    need valgrind valgrind
    need clang-format clang-format
    # valgrind cannot start programs without the symbols of the dynamic loader.
    [ ! -d /usr/share/doc/libc6 ] || [ -e /usr/share/doc/libc6-dbg ] || missing="$missing libc6-dbg"
    need python3 python3
    need sqlite3 sqlite3
    need curl curl
    [ -e /usr/include/sqlite3.h ] || [ ! -e /etc/debian_version ] || missing="$missing libsqlite3-dev"
    # The tools of docs/sql.md.
    perl -MDBD::SQLite -e 1 2>/dev/null || missing="$missing libdbd-sqlite3-perl"
    need tclsh tcl
    echo 'exit [catch {package require sqlite3}]' | tclsh >/dev/null 2>&1 || missing="$missing libsqlite3-tcl"
    need isql unixodbc
    odbcinst -q -d -n SQLite3 >/dev/null 2>&1 || missing="$missing libsqliteodbc"
    need luajit luajit
    need ruby ruby
    need node nodejs
    need man man-db
    need mandoc mandoc
    need abidiff abigail-tools
    if [ -e /etc/debian_version ]; then
        need git git
        # dpkg-buildpackage checks for the package, not for its programs.
        [ -e /usr/share/doc/build-essential ] || missing="$missing build-essential"
        need dh debhelper
        need lintian lintian
        need debootstrap debootstrap
        # The smallest Chromium: 100 MB to download, 310 MB, one minute. Ubuntu has none.
        if grep -qx 'ID=debian' /etc/os-release; then
            need chromium-headless-shell chromium-headless-shell
        fi
        # The newest clang of Debian 12, its C++ library and its sanitizers.
        need clang++-19 clang-19
        [ -e /usr/share/doc/libc++-19-dev ] || missing="$missing libc++-19-dev"
        [ -e /usr/share/doc/libclang-rt-19-dev ] || missing="$missing libclang-rt-19-dev"
    fi
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
fi
# System CA certificates, which pip needs, too. The demo uses a local server over http and does not need them.
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
        echo "missing Debian packages:$missing" >&2
        exit 1
    fi
fi

[ "$1" != docs ] || exit 0
if [ "$1" = recipes ]; then
    [ -x "${TARGET:-target}/recipes/bin/conan" ] || {
        python3 -m venv --clear "${TARGET:-target}/recipes"
        "${TARGET:-target}/recipes/bin/pip" install --quiet --disable-pip-version-check conan==2.34.0
    }
    exit 0
fi
if [ "$1" = sql ]; then
    [ -e "${TARGET:-target}/sql-tools/.finished" ] || {
        python3 -m venv --clear "${TARGET:-target}/sql-tools"
        "${TARGET:-target}/sql-tools/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
        touch "${TARGET:-target}/sql-tools/.finished"
    }
    exit 0
fi

command -v cargo >/dev/null 2>&1 || {
    echo "cargo not found: apt-get install cargo on Debian 13, elsewhere curl -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env" >&2
    exit 1
}
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version | cut -d' ' -f2)
[ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] || {
    echo "Rust $found is too old, $wanted or later is required: Debian 13 has it, elsewhere rustup update stable" >&2
    exit 1
}
if [ "$1" = test ]; then
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        rustup --quiet component add rustfmt clippy 2>/dev/null || {
        echo "rustfmt or clippy not found: rustup component add rustfmt clippy" >&2
        exit 1
    }
fi
