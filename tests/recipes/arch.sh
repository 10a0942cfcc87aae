# Sourced by run.sh: makepkg and pacman of Arch Linux, which Debian has.
# shellcheck shell=sh disable=SC2154

# makepkg does not run as root.
as_user() {
    if [ "$(id -u)" != 0 ]; then "$@"; else setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$scratch/arch" "$@"; fi
}
package() { echo "$scratch/arch/libkaleidoscope-bin-$version-1-$1.pkg.tar.gz"; }
packs() {
    rm -rf "$scratch/arch" && mkdir "$scratch/arch" && cp "$recipes/arch/PKGBUILD" "$scratch/arch/" || return
    { sed '/^CARCH=/d' /etc/makepkg.conf && echo "CARCH=$1"; } >"$scratch/arch/makepkg.conf"
    chmod 755 "$scratch" && { [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$scratch/arch"; } || return
    (cd "$scratch/arch" && PKGEXT=.pkg.tar.gz as_user makepkg --config makepkg.conf --nodeps --noprogressbar) &&
        [ -s "$(package "$1")" ]
}
installs() {
    mkdir -p "$scratch/arch/root/var/lib/pacman" &&
        pacman --root "$scratch/arch/root" --noconfirm --nodeps --nodeps --upgrade --logfile /dev/null --hookdir "$scratch/arch" \
            --config /dev/null --arch x86_64 "$(package x86_64)" && works "$scratch/arch/root/usr" "$scratch/arch/root"
}
if has shellcheck; then
    claim 'shellcheck reports nothing about the PKGBUILD' \
        shellcheck --shell=bash --exclude=SC2034,SC2154,SC2164 "$recipes/arch/PKGBUILD"
else
    skip 'shellcheck reports nothing about the PKGBUILD' 'shellcheck is not installed: make tools-recipes'
fi
if has makepkg && has setpriv; then
    claim 'makepkg downloads, verifies and packs the archive for arm64' packs aarch64
    claim 'makepkg downloads, verifies and packs the archive for x86-64' packs x86_64
    claim "the package's pkg-config file names no folder that compilers search" searches_nothing "$scratch/arch/pkg/libkaleidoscope-bin/usr"
    if has pacman && [ "$(id -u)" = 0 ]; then
        claim 'pacman installs the package, and a program with it prints the members' installs
    else
        skip 'pacman installs the package' 'pacman is not installed (make tools-recipes), or this is not root'
    fi
else
    skip 'makepkg downloads, verifies and packs the archives' 'makepkg is not installed: make tools-recipes'
    claim 'the PKGBUILD is a script of bash' bash -n "$recipes/arch/PKGBUILD"
fi
