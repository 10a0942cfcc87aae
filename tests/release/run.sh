#!/bin/sh
# Tests `make release` without compiling: run.sh. The archive of this machine's platform is that of `make dist`, the others are
# made up. All of it happens in clones of the repository.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
top=$(pwd)
target=$(cd "${TARGET:-target}" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
table() { sed '/^#/d; /^$/d' packaging/platforms.txt; }
every=$(table | awk '{ print $1 }' | xargs)
export KAL_BUILT="$target/dist" MAKE="$top/tests/release/made.sh" VERSION="$version" RELEASE_URL=https://example.invalid
export CROSS="${CROSS:-$target/cross}" GIT_AUTHOR_DATE='2020-02-02T02:02:02Z' GIT_COMMITTER_DATE='2020-02-02T02:02:02Z'
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test
unset PLATFORMS DRAFT SOURCE_DATE_EPOCH

git -c safe.directory='*' rev-parse --quiet --verify HEAD >/dev/null 2>&1 || {
    echo 'ok - make release # SKIP this is not a git repository'
    finish
}
# clone DIRECTORY: the tree with its uncommitted changes, as a commit, and the version in the changelog as a released one.
clone() {
    git -c safe.directory='*' clone --quiet --no-local "$top" "$1"
    (git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh |
        xargs -0 cp --parents --preserve=mode -t "$1")
    sed -i "s/^## \[$version\] - .*/## [$version] - 2020-02-02/" "$1/CHANGELOG.md"
    sed -i "1s/(.*)/($version-1)/" "$1/packaging/debian/changelog"
    # CycloneDX's library is installed once.
    mkdir -p "$1/target" "$target/sbom" && ln -s "$target/sbom" "$1/target/sbom"
    [ -n "$sbom" ] || printf '#!/bin/sh\n' >"$1/scripts/release/sbom.sh"
    (cd "$1" && git add --all && git commit --quiet --allow-empty --message release)
}
# What writes the bill of materials needs the source of Rust's standard library.
sbom=
[ ! -e "$CROSS/toolchain/.finished" ] || [ ! -e "$CROSS/venv/.finished" ] || sbom=yes
# release DIRECTORY [VARIABLE=VALUE...]
release() {
    directory=$1
    shift
    (cd "$directory" && env TARGET=target "$@" scripts/release.sh)
}
one=$scratch/one
clone "$one"
made=target/release-$version

# --- What it refuses

# refuses DIRECTORY MESSAGE [VARIABLE=VALUE...]
refuses() {
    directory=$1 message=$2
    shift 2
    rm -rf "$directory/$made"
    ! printed=$(release "$directory" "$@" 2>&1) && echo "$printed" | grep -F -e "$message" &&
        [ ! -e "$directory/$made/SHA256SUMS" ] || { echo "$printed" && false; }
}
# changed COMMAND... : a clone in which a command was run, and what changed committed.
changed() {
    rm -rf "$scratch/changed" && git clone --quiet "$one" "$scratch/changed" &&
        (cd "$scratch/changed" && "$@" && git commit --quiet --all --message changed)
}
refuses_dirty() { echo >>"$one/README.md" && refuses "$one" 'there are uncommitted changes: M README.md'; }
refuses_new() { touch "$one/new" && refuses "$one" 'there are uncommitted changes: ?? new'; }
refuses_changelog() {
    changed sed -i "s/^## \[$version\] - .*/## [$version] - unreleased/" CHANGELOG.md &&
        refuses "$scratch/changed" "CHANGELOG.md has no line '## [$version] - ' with a date"
}
refuses_debian() {
    changed sed -i '1s/(.*)/(0.0.9-1)/' packaging/debian/changelog &&
        refuses "$scratch/changed" "packaging/debian/changelog is for 0.0.9"
}
refuses_header() {
    changed sed -i 's/^#define KAL_VERSION .*/#define KAL_VERSION "0.0.9"/' include/kaleidoscope.h &&
        refuses "$scratch/changed" 'include/kaleidoscope.h is of 0.0.9'
}
claim 'a file with uncommitted changes is refused' refuses_dirty
(cd "$one" && git checkout --quiet README.md)
claim 'a file that is not committed is refused' refuses_new
rm "$one/new"
claim 'a version without a date in CHANGELOG.md is refused' refuses_changelog
claim 'a version that packaging/debian/changelog does not have is refused' refuses_debian
claim 'a version that the header does not have is refused' refuses_header
claim 'an unknown platform is refused, and the known ones are named' \
    refuses "$one" "unknown platform linux-riscv64; packaging/platforms.txt has: $every" PLATFORMS='linux-x86_64 linux-riscv64'
# Red with 1.2.0-rc.1: nuget.py found no shared library in the archives, and makepkg's pkgver cannot have a hyphen.
for each in 1.2.0-rc.1 1.2 1.2.3.4 1.2.x; do
    claim "the version $each is refused" refuses "$one" "the version $each is not x.y.z" DRAFT=1 VERSION="$each"
done
# Red with any name: windows-aarch64 made the archive of x86-64, of two names the first was made, and linux-riscv64 and linux-musl
# lacked an objcopy.
dist_refuses() { ! printed=$(make --no-print-directory dist PLATFORM="$1" 2>&1) && echo "$printed" | grep -F "PLATFORM is one of: $every; not $1"; }
script_refuses() { ! printed=$(sh -c '. scripts/platform.sh && platform "$1"' sh "$1" 2>&1) && echo "$printed" | grep -F "unknown platform $1"; }
for each in nonsense windows-aarch64 macos-riscv64 linux-riscv64 linux-musl 'linux-x86_64 linux-aarch64'; do
    claim "make dist refuses the platform '$each', and names the known ones" dist_refuses "$each"
done
for each in linux-riscv64 linux-musl linux-musl-riscv64; do claim "scripts/platform.sh refuses the platform $each" script_refuses "$each"; done
claim 'a missing archive is refused' refuses "$one" \
    "make dist PLATFORM=linux-x86_64 has not made target/dist/libkaleidoscope-$version-linux-x86_64.tar.gz" \
    PLATFORMS=linux-x86_64 KAL_MISSING=linux-x86_64
claim 'a missing Debian package is refused' \
    refuses "$one" 'make deb ARCH=amd64 has not made' PLATFORMS=linux-x86_64 KAL_MISSING=amd64

# --- What it makes

makes() { release "$one" >"$scratch/said" 2>&1 || { tail -n 20 "$scratch/said" && false; }; }
expected() {
    table | while read -r name suffix _ _ debian _; do
        echo "libkaleidoscope-$version-$name.$suffix"
        case $name in linux-*) echo "libkaleidoscope-$version-$name-debug.$suffix" ;; esac
        [ -z "$sbom" ] || echo "libkaleidoscope-$version-$name.cdx.json"
        [ "$debian" = - ] || printf "%s_$version-1_$debian.deb\n" libkaleidoscope0 libkaleidoscope0-dbgsym libkaleidoscope-dev \
            libkaleidoscope-sqlite kal-emulator
    done
    printf "%s$version%s\n" libkaleidoscope- .tar.gz libkaleidoscope- -go.tar.gz libkaleidoscope. .nupkg
    echo "libkaleidoscope-doc_$version-1_all.deb"
    echo SHA256SUMS
    table | while read -r name _; do case $name in linux-*) echo "recipes/meson/$name/kaleidoscope.wrap" ;; esac; done
    (cd packaging && find vcpkg conan homebrew arch alpine -type f ! -path '*/__pycache__/*' | sed 's|^|recipes/|')
}
sums_are_right() { (cd "$one/$made" && sha256sum --check --strict --quiet SHA256SUMS); }
files() { (cd "$1" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort); }
sums_are_of_all() { same "$(files "$one/$made" | grep -vx SHA256SUMS)" "$(sed 's/^[0-9a-f]*  //' "$one/$made/SHA256SUMS")"; }
sources_are_those_of_the_commit() {
    mkdir "$scratch/sources" && tar -xzf "$one/$made/libkaleidoscope-$version.tar.gz" -C "$scratch/sources" &&
        same "$(cd "$one" && git ls-files | LC_ALL=C sort)" "$(files "$scratch/sources/libkaleidoscope-$version")"
}
go_module_has_both() {
    tar -xzf "$one/$made/libkaleidoscope-$version-go.tar.gz" -C "$scratch" &&
        python3 -m zipfile --list "$scratch/kaleidoscope.bio/kaleidoscope/@v/v$version.zip" >"$scratch/go" &&
        same 'linux_amd64 linux_arm64' \
            "$(sed -n 's|.*/lib/\(linux_[a-z0-9]*\)/libkaleidoscope\.a .*|\1|p' "$scratch/go" | sort | xargs)"
}
archive_is_that_of_dist() {
    archive=libkaleidoscope-$version-linux-x86_64.tar.gz
    cmp "$KAL_BUILT/$archive" "$one/$made/$archive"
}
claim 'a release of every platform is made' makes
claim 'it consists of exactly archives, packages, sources, Go module, NuGet package, bills of materials, recipes and SHA256SUMS' \
    same "$(expected | LC_ALL=C sort)" "$(files "$one/$made")"
claim 'SHA256SUMS has the checksums' sums_are_right
claim 'SHA256SUMS has every other file' sums_are_of_all
claim 'the sources are those of the commit' sources_are_those_of_the_commit
claim 'the Go module has the archives of both architectures' go_module_has_both
claim 'the archive is that of make dist' archive_is_that_of_dist

# Red with a random serial number in the bills of materials.
again() {
    other=$scratch/in/another/directory
    mkdir -p "${other%/*}" && clone "$other" || return
    (umask 077 && release "$other" LC_ALL=C.UTF-8 LANG=de_DE.UTF-8 TZ=Asia/Kathmandu USER=somebody) >"$scratch/said" 2>&1 || {
        tail -n 20 "$scratch/said"
        return 1
    }
    diff -r "$one/$made" "$other/$made"
}
claim 'made again elsewhere, with another umask, locale and time zone, it is the same, byte for byte' again

says_what_it_leaves_out() {
    release "$one" PLATFORMS=linux-musl-x86_64 >"$scratch/said" 2>&1 || { cat "$scratch/said" && return 1; }
    for left in $every 'the Go module, which is for Linux with glibc' 'the recipe homebrew' 'the recipe arch'; do
        [ "$left" = linux-musl-x86_64 ] || grep -qF "left out: $left" "$scratch/said" || {
            echo "nothing is said of $left:" && cat "$scratch/said"
            return 1
        }
    done
}
claim 'of a release of one platform, everything left out is named' says_what_it_leaves_out
drafts() {
    echo >>"$scratch/changed/README.md"
    release "$scratch/changed" DRAFT=1 PLATFORMS=linux-x86_64 >"$scratch/said" 2>&1 &&
        grep -F 'draft: there are uncommitted changes' "$scratch/said" && [ -s "$scratch/changed/$made/SHA256SUMS" ]
}
mkdir -p "$scratch/changed/target" && ln -sfn "$target/sbom" "$scratch/changed/target/sbom"
claim 'DRAFT=1 makes one all the same, and says what is amiss' drafts

# --- What is said of it

names_every_platform() {
    for each in $every; do
        grep -qE "^\|.*(\`|-)$each(\.|\`)" "$1" || { echo "$1 has no row for $each" && return 1; }
    done
}
# Red with another row in packaging/platforms.txt.
claim "README.md's table has every platform of packaging/platforms.txt" names_every_platform README.md
claim "docs/install.md's table has every platform of packaging/platforms.txt" names_every_platform docs/install.md

# --- The bills of materials

if [ -n "$sbom" ]; then
    other=$scratch/in/another/directory/$made
    table >"$scratch/table"
    while read -r name suffix triple _; do
        # Red with a crate removed from the list of a document, and with a macro (serde_derive) added.
        claim "the bill of materials of $name has exactly what is linked, as cargo and THIRD-PARTY-LICENSES.txt have it" \
            python3 -B tests/release/sbom.py "$other" "$version" "$name" "$suffix" "$triple"
    done <"$scratch/table"
    lacks_a_crate() {
        name=libkaleidoscope-$version-linux-x86_64
        mkdir "$scratch/lacking" "$scratch/unpacked" && tar -xzf "$other/$name.tar.gz" -C "$scratch/unpacked" &&
            sed -i '/^  httparse /d' "$scratch/unpacked/$name/THIRD-PARTY-LICENSES.txt" &&
            tar -czf "$scratch/lacking/$name.tar.gz" -C "$scratch/unpacked" "$name" &&
            ! printed=$(SOURCE_DATE_EPOCH=0 scripts/release/sbom.sh "$scratch/lacking" linux-x86_64 2>&1) &&
            echo "$printed" | grep "lacks \[('httparse', "
    }
    claim 'an archive whose licences lack a crate is refused' lacks_a_crate
else
    echo 'ok - the bills of materials # SKIP the source of the Rust standard library is not installed: scripts/cross.sh true'
fi
finish
