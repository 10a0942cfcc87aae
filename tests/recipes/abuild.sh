#!/bin/sh
# Runs an APKBUILD as abuild does: abuild.sh APKBUILD CARCH DIRECTORY. The package is in DIRECTORY/pkg.
#
# It checks what abuild requires of the file, verifies the archive with its checksums, unpacks it, and runs build and package.
set -eu
CARCH=$2
srcdir=$3/src
pkgdir=$3/pkg
startdir=$(cd "$(dirname "$1")" && pwd)
mkdir -p "$srcdir" "$pkgdir"
. "$startdir/APKBUILD"
# shellcheck disable=SC2154
for field in "$pkgname" "$pkgver" "$pkgrel" "$pkgdesc" "$url" "$arch" "$license" "$source" "$sha512sums"; do
    [ "$field" ] || { echo 'a field is empty' >&2 && exit 1; }
done
[ "${#pkgdesc}" -le 128 ] || { echo 'pkgdesc is longer than 128 characters' >&2 && exit 1; }
case " $arch " in
*" $CARCH "*) ;;
*) echo "not for $CARCH" >&2 && exit 1 ;;
esac
for archive in $source; do
    wget -q -O "$srcdir/${archive##*/}" "$archive"
done
(
    cd "$srcdir"
    printf '%s' "$sha512sums" | sed '/^$/d' | sha512sum -c -
    for archive in $source; do tar -xzf "${archive##*/}"; done
)
# In a folder of its own each, as abuild does.
# shellcheck disable=SC2154
(cd "$builddir" && build)
(cd "$builddir" && package)
