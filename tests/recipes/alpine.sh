# Sourced by run.sh: Alpine. tests/recipes/abuild.sh does what abuild does, which no other system has as a package.
# shellcheck shell=sh disable=SC2154

shell=$(command -v busybox || :)
packs() {
    rm -rf "$scratch/alpine" && mkdir "$scratch/alpine" &&
        ${shell:+"$shell"} sh tests/recipes/abuild.sh "$recipes/alpine/APKBUILD" "$1" "$scratch/alpine" &&
        for file in lib/kal_sqlite.so lib/libkaleidoscope.so lib/libkaleidoscope.a include/kaleidoscope.h lib/pkgconfig/kaleidoscope.pc \
            share/licenses/libkaleidoscope/THIRD-PARTY-LICENSES.txt; do
            [ -e "$scratch/alpine/pkg/usr/$file" ] || { echo "$file is not there" && return 1; }
        done
}
if has shellcheck; then
    # SC2034 and SC2154: variables of abuild.
    claim 'shellcheck reports nothing about the APKBUILD' shellcheck --shell=dash --exclude=SC2034,SC2154 "$recipes/alpine/APKBUILD"
else
    skip 'shellcheck reports nothing about the APKBUILD' 'shellcheck is not installed: make tools-recipes'
fi
if [ -n "$shell" ] || has wget; then
    claim "the APKBUILD downloads, verifies and packs the archive for arm64${shell:+, in busybox's shell}" packs aarch64
    claim "the APKBUILD downloads, verifies and packs the archive for x86-64${shell:+, in busybox's shell}" packs x86_64
    claim "the package's pkg-config file names no folder that compilers search" searches_nothing "$scratch/alpine/pkg/usr"
    wrong_sum() {
        wrong=$scratch/wrong-alpine
        mkdir "$wrong" && sed 's/^[0-9a-f]\{8\}/00000000/' "$recipes/alpine/APKBUILD" >"$wrong/APKBUILD" &&
            ! ${shell:+"$shell"} sh tests/recipes/abuild.sh "$wrong/APKBUILD" x86_64 "$wrong/out" && [ ! -e "$wrong/out/pkg/usr" ]
    }
    claim 'the APKBUILD refuses an archive with another checksum' wrong_sum
else
    skip 'the APKBUILD downloads, verifies and packs the archives' 'neither busybox nor wget is installed: make tools-recipes'
fi
if has abuild; then
    claim 'abuild accepts the APKBUILD' sh -c 'cd "$1" && abuild sanitycheck' sh "$recipes/alpine"
else
    skip 'abuild accepts the APKBUILD' 'abuild is a package of Alpine only'
fi
