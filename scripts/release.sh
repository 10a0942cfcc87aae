#!/bin/sh
# release.sh: makes everything that a release consists of, in TARGET/release-VERSION: the archive of each platform, the Debian
# packages, the sources, the Go module, the NuGet package, a software bill of materials for each archive, the recipes of package
# managers with this release's checksums, and SHA256SUMS.
#
# PLATFORMS     the platforms, separated by spaces   (default: every one in packaging/platforms.txt)
# RELEASE_URL   where the release will be downloaded from
# DRAFT=1       for trying: of a tree with uncommitted changes, whose sources are those of the last commit, and of a version that
#               is not in the changelogs yet
#
# What is made twice from one commit is the same, byte for byte.
set -eu
umask 022
export LC_ALL=C TZ=UTC0
make=${MAKE:-make}
# A make within make needs no options of the outer one.
unset MAKEFLAGS MAKELEVEL

fail() {
    echo "release: $1" >&2
    exit 1
}
table() { sed '/^#/d; /^$/d' packaging/platforms.txt; }
# column PLATFORM NUMBER
column() { table | awk -v name="$1" -v column="$2" '$1 == name { print $column }'; }

every=$(table | awk '{ print $1 }' | xargs)
wanted=${PLATFORMS:-$every}
for platform in $wanted; do
    [ "$(column "$platform" 1)" ] || fail "unknown platform $platform; packaging/platforms.txt has: $every"
done

# --- Is this a release?

# Each package manager has its own words for a pre-release, and some have none.
case $VERSION in
*[!0-9.]* | *.*.*.*) fail "the version $VERSION is not x.y.z, which every package manager understands" ;;
*[0-9].[0-9]*.[0-9]*) ;;
*) fail "the version $VERSION is not x.y.z, which every package manager understands" ;;
esac
problems=
problem() {
    problems=yes
    if [ "${DRAFT:-}" ]; then echo "draft: $1"; else echo "release: $1" >&2; fi
}
git rev-parse --verify --quiet HEAD >/dev/null || fail 'this is not a git repository: the sources are those of a commit'
[ -z "$(git status --porcelain)" ] || problem "there are uncommitted changes: $(git status --porcelain | head -n 5 | xargs)"
grep -qE "^## \[$(echo "$VERSION" | sed 's/\./\\./g')\] - [0-9]{4}-[0-9]{2}-[0-9]{2}\$" CHANGELOG.md ||
    problem "CHANGELOG.md has no line '## [$VERSION] - ' with a date"
packaged=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' packaging/debian/changelog)
[ "$packaged" = "$VERSION" ] || problem "packaging/debian/changelog is for $packaged, this is $VERSION"
header=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
[ "$header" = "$VERSION" ] || problem "include/kaleidoscope.h is of $header, this is $VERSION: make header"
[ -z "$problems" ] || [ "${DRAFT:-}" ] || fail 'nothing was made; DRAFT=1 makes a draft all the same'

SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
release=$TARGET/release-$VERSION
rm -rf "$release"
mkdir -p "$release"
release=$(cd "$release" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# --- What is built

# from TARGET/dist or TARGET/deb to the release; what an earlier run has left there is no substitute.
collect() {
    [ -s "$1" ] || fail "$2 has not made $1"
    cp "$1" "$release/"
}
for platform in $wanted; do
    name=libkaleidoscope-$VERSION-$platform.$(column "$platform" 2)
    rm -f "$TARGET/dist/$name" "$TARGET/dist/${name%.tar.gz}-debug.tar.gz"
    echo "release: $name"
    "$make" --no-print-directory dist PLATFORM="$platform" >"$scratch/log" 2>&1 || {
        tail -n 40 "$scratch/log" >&2
        fail "make dist PLATFORM=$platform failed"
    }
    collect "$TARGET/dist/$name" "make dist PLATFORM=$platform"
    case $platform in
    linux-*) collect "$TARGET/dist/${name%.tar.gz}-debug.tar.gz" "make dist PLATFORM=$platform" ;;
    esac
done
for platform in $wanted; do
    architecture=$(column "$platform" 5)
    [ "$architecture" != - ] || continue
    if ! command -v dpkg-buildpackage >/dev/null; then
        echo "left out: the Debian packages for $architecture, which dpkg-buildpackage makes (Debian package dpkg-dev)"
        continue
    fi
    echo "release: the Debian packages for $architecture"
    rm -f "$TARGET"/deb/*_"$architecture".deb
    "$make" --no-print-directory deb ARCH="$architecture" >"$scratch/log" 2>&1 || {
        tail -n 40 "$scratch/log" >&2
        fail "make deb ARCH=$architecture failed"
    }
    for package in libkaleidoscope0 libkaleidoscope0-dbgsym libkaleidoscope-dev libkaleidoscope-sqlite kal-emulator; do
        collect "$(echo "$TARGET"/deb/"$package"_"$VERSION"-*_"$architecture".deb)" "make deb ARCH=$architecture"
    done
    # Those of this machine make the package for all.
    [ "$architecture" != "$(dpkg --print-architecture)" ] ||
        collect "$(echo "$TARGET"/deb/libkaleidoscope-doc_"$VERSION"-*_all.deb)" "make deb ARCH=$architecture"
done

# --- What is made of it

sources=libkaleidoscope-$VERSION
git -c tar.umask=0022 archive --format=tar --prefix="$sources/" HEAD | gzip --no-name --best >"$release/$sources.tar.gz"

set --
for platform in $wanted; do
    architecture=$(column "$platform" 6)
    [ "$architecture" != - ] || continue
    name=libkaleidoscope-$VERSION-$platform
    tar -xzf "$release/$name.tar.gz" -C "$scratch" "$name/lib/libkaleidoscope.a"
    set -- "$@" "$architecture=$scratch/$name/lib/libkaleidoscope.a"
done
if [ $# -gt 0 ]; then
    # For the folder that https://kaleidoscope.bio/go serves.
    python3 -B scripts/go_module.py "$scratch/go" "$@" >/dev/null
    scripts/pack.sh "$scratch/go" kaleidoscope.bio "$release/libkaleidoscope-$VERSION-go.tar.gz"
else
    echo 'left out: the Go module, which is for Linux with glibc'
fi

# shellcheck disable=SC2086  # one word for each platform
scripts/release/sbom.sh "$release" $wanted
python3 -B scripts/release/nuget.py "$release" "$VERSION" >"$scratch/log"
grep -v '\.nupkg$' "$scratch/log" || :
python3 -B scripts/release/recipes.py "$release" "$VERSION" "$RELEASE_URL/$VERSION"
for platform in $every; do
    case " $wanted " in
    *" $platform "*) ;;
    *) echo "left out: $platform" ;;
    esac
done
(cd "$release" && find . -type f ! -name SHA256SUMS | sed 's|^\./||' | sort | xargs sha256sum >SHA256SUMS)
echo "$release"
