#!/bin/sh
# Tests the recipes of package managers, filled in as by `make release`, with the package managers themselves where they are
# installed (make tools-recipes), on archives that a local server serves. KAL_EMULATOR is the program kal-emulator.
#
# The archive of x86-64 Linux is that of `make dist`. Those of other platforms are made up unless they are in TARGET/dist.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
target=$(cd "${TARGET:-target}" && pwd)
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
every=$(sed '/^#/d; /^$/d' packaging/platforms.txt | awk '{ print $1 }' | xargs)
rids=$(sed '/^#/d; /^$/d' packaging/platforms.txt | awk '{ print $4 }' | xargs)
export SOURCE_DATE_EPOCH=1000000000
unset PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH
release=$scratch/served/$version
mkdir -p "$release"

made_up=
for platform in $every; do
    case $platform in windows-*) suffix=zip ;; *) suffix=tar.gz ;; esac
    archive=$target/dist/libkaleidoscope-$version-$platform.$suffix
    if [ -e "$archive" ]; then cp "$archive" "$release/"; else made_up="$made_up $platform"; fi
done
[ -z "$made_up" ] || echo "#   not built, and made up here:$made_up"
# shellcheck disable=SC2086
python3 -B tests/recipes/fixture.py "$release" "$version" $made_up
is_real() { case " $made_up " in *" $1 "*) return 1 ;; esac; }

mkfifo "$scratch/port" "$scratch/input" "$scratch/stop" "$scratch/ready"
python3 -B tests/recipes/serve.py "$scratch/served" <"$scratch/input" >"$scratch/port" &
exec 8>"$scratch/input"
read -r port <"$scratch/port"
url=http://127.0.0.1:$port
"${KAL_EMULATOR:-target/debug/kal-emulator}" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" 8>&- &
exec 9>"$scratch/stop"
read -r _ _ _ KALEIDOSCOPE_API_URL <"$scratch/ready"
export KALEIDOSCOPE_API_URL KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret

recipes=$release/recipes
fill() { python3 -B scripts/release/recipes.py "$release" "$version" "$url/$version"; }
left_out_is_said() {
    mkdir "$scratch/few" && cp "$release/libkaleidoscope-$version-linux-x86_64.tar.gz" "$scratch/few/" &&
        said=$(python3 -B scripts/release/recipes.py "$scratch/few" "$version" "$url/$version") &&
        same 'alpine arch conan homebrew meson vcpkg' "$(echo "$said" | grep -oE 'recipe [a-z]+' | cut -d' ' -f2 | sort -u | xargs)" &&
        same 'arch conan homebrew meson vcpkg' "$(cd "$scratch/few/recipes" && echo *)"
}
claim 'the recipes are filled in' fill
# Red with a checksum changed by hand and with a platform taken out of a template.
claim 'each has the version, the URL and the checksums of exactly its archives' \
    python3 -B tests/recipes/filled.py "$release" "$version" "$url/$version"
claim 'of a release of one platform, each recipe says what it lacks' left_out_is_said

# skip TEXT WHY
skip() { echo "ok - $1 # SKIP $2"; }
has() { command -v "$1" >/dev/null; }
prints_the_members() { "$@" | grep -x "$version [1-9][0-9]*"; }
# works PREFIX [ROOT]: a program with the library that was installed there, by pkg-config, prints the members. ROOT is the folder in
# which the package was installed as if it were /.
# shellcheck disable=SC2046
works() {
    ${CC:-cc} tests/install/consumer.c -o "$scratch/consumer" \
        $(PKG_CONFIG_SYSROOT_DIR=${2:-} PKG_CONFIG_LIBDIR=$1/lib/pkgconfig pkg-config --cflags --libs kaleidoscope) &&
        prints_the_members env LD_LIBRARY_PATH="$1/lib" "$scratch/consumer"
}
# Red with the archive's pkg-config file as it is: -I/usr/lib/pkgconfig/../../include.
searches_nothing() { same -lkaleidoscope "$(PKG_CONFIG_LIBDIR=$1/lib/pkgconfig pkg-config --cflags --libs kaleidoscope | tr -d ' ')"; }

for part in vcpkg conan meson homebrew arch alpine nuget; do
    [ $# -eq 0 ] || case " $* " in *" $part "*) ;; *) continue ;; esac
    . "tests/recipes/$part.sh"
done
finish
