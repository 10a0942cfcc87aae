#!/bin/sh
# Tests the packages of `make deb` in a separate Debian 12: installs them, builds programs with them, and purges them. Must be
# root. KAL_EMULATOR is the program kal-emulator. With ARCH, the packages of another architecture: what is in them, and a program that
# is built with their files and run under qemu-user.
set -eu
cd "$(dirname "$0")/../.."
. scripts/claims.sh
. tests/artefact/optimised.sh
target=$(cd "${TARGET:-target}" && pwd)
root=$target/deb-root
emulator=${KAL_EMULATOR:-target/debug/kal-emulator}
version=$(sed -n 's/^#define KAL_VERSION "\(.*\)"/\1/p' include/kaleidoscope.h)
architecture=${ARCH:-$(dpkg --print-architecture)}
multiarch=$(dpkg-architecture --host-arch "$architecture" -q DEB_HOST_MULTIARCH 2>/dev/null)
of=
[ "$architecture" = "$(dpkg --print-architecture)" ] || of="$architecture: "
runtime=$(echo "$target"/deb/libkaleidoscope0_"$version"-*_"$architecture".deb)
extension=$(echo "$target"/deb/libkaleidoscope-sqlite_"$version"-*_"$architecture".deb)
dev=$(echo "$target"/deb/libkaleidoscope-dev_"$version"-*_"$architecture".deb)
changes=$(echo "$target"/deb/libkaleidoscope_"$version"-*_"$architecture".changes)

# --- The packages

files() { dpkg-deb --fsys-tarfile "$1" | tar -t | grep -v '/$' | LC_ALL=C sort; }
expected_runtime() {
    printf "./usr/lib/$multiarch/%s\n" libkaleidoscope.so.0 "libkaleidoscope.so.$version"
    printf './usr/share/doc/libkaleidoscope0/%s\n' README.md.gz changelog.Debian.gz changelog.gz copyright third-party-licences.gz
}
expected_dev() {
    (cd include && find . -type f ! -name '.*' | sed 's|^\.|./usr/include|')
    printf "./usr/lib/$multiarch/%s\n" libkaleidoscope.a libkaleidoscope.so pkgconfig/kaleidoscope.pc \
        cmake/kaleidoscope/kaleidoscope-config.cmake cmake/kaleidoscope/kaleidoscope-config-version.cmake
    python3 -B scripts/man.py --list | sed 's|.*|./usr/share/man/&.gz|'
    printf './usr/share/kaleidoscope/%s\n' libkaleidoscope.supp libkaleidoscope-tsan.supp
    printf './usr/share/doc/libkaleidoscope-dev/%s\n' changelog.Debian.gz changelog.gz copyright
}
expected_extension() {
    echo "./usr/lib/$multiarch/kal_sqlite.so"
    printf './usr/share/doc/libkaleidoscope-sqlite/%s\n' changelog.Debian.gz changelog.gz copyright sql.md.gz
}
listed() { awk '!/^#/ && NF { print $2 "@" $1 } !/^#/ && NF && !seen[$1]++ { print $1 "@" $1 }' packaging/symbols.txt; }
in_package() { dpkg-deb --info "$runtime" symbols | sed -n 's/^ \([^ ]*\) .*/\1/p'; }
claim "${of}libkaleidoscope0 contains exactly the library and its documentation" \
    same "$(expected_runtime | LC_ALL=C sort)" "$(files "$runtime" | sed '/lintian/d')"
claim "${of}libkaleidoscope-dev contains exactly the development files" \
    same "$(expected_dev | LC_ALL=C sort)" "$(files "$dev" | sed '/lintian/d')"
claim "${of}libkaleidoscope-sqlite contains exactly the extension and its documentation" \
    same "$(expected_extension | LC_ALL=C sort)" "$(files "$extension" | sed '/lintian/d')"
# Red when it is linked with the archive: it needs libgcc.
depends_on_the_library() {
    found=$(dpkg-deb --field "$extension" Depends | tr ',' '\n' | sed 's/^ *//' | LC_ALL=C sort) &&
        same "libc6 libkaleidoscope0 (= $(dpkg-deb --field "$runtime" Version))" "$(echo "$found" | sed 's/^libc6 .*/libc6/' | xargs)"
}
claim "${of}libkaleidoscope-sqlite depends on the C library and libkaleidoscope0 only" depends_on_the_library
claim "${of}the symbols file of libkaleidoscope0 has every function with its version" \
    same "$(listed | LC_ALL=C sort)" "$(in_package | LC_ALL=C sort)"
claim "${of}libkaleidoscope0 depends on the C library and libgcc only" \
    same 'libc6 libgcc-s1' "$(dpkg-deb --field "$runtime" Depends | tr ',' '\n' | awk '{ print $1 }' | sort | xargs)"
unpacked() { dpkg-deb --fsys-tarfile "$1" | tar -x -C "$scratch" "./usr/lib/$multiarch/$2"; }
optimised() {
    unpacked "$runtime" "libkaleidoscope.so.$version" && unpacked "$dev" libkaleidoscope.a &&
        smaller "$scratch/usr/lib/$multiarch/libkaleidoscope.so.$version" "$max_shared" &&
        smaller "$scratch/usr/lib/$multiarch/libkaleidoscope.a" "$max_archive" &&
        one_object "$target/deb/libkaleidoscope-$version/target/${of:+$architecture/}lib/rustc/libkaleidoscope.a"
}
claim "${of}link-time optimisation took effect in the packages" optimised
claim "${of}lintian has no error and no warning" lintian --allow-root --fail-on error,warning "$changes"

# --- Another architecture

mkfifo "$scratch/stop" "$scratch/ready"
"$emulator" --exit-with-stdin --seed 7 <"$scratch/stop" >"$scratch/ready" &
exec 9>"$scratch/stop"
read -r _ _ _ url <"$scratch/ready"
if [ "$of" ]; then
    . scripts/platform.sh
    platform "linux-$(dpkg-architecture --host-arch "$architecture" -q DEB_HOST_GNU_CPU 2>/dev/null)"
    dpkg-deb -x "$runtime" "$scratch/root"
    dpkg-deb -x "$dev" "$scratch/root"
    dpkg-deb -x "$extension" "$scratch/root"
    lib=$scratch/root/usr/lib/$multiarch
    pkg_config() { PKG_CONFIG_LIBDIR=$lib/pkgconfig pkg-config "$@" kaleidoscope; }
    # program NAME FLAGS...: builds the quickstart and runs it.
    program() {
        program=$scratch/$1
        shift
        "${tools}gcc" -Wall -Werror examples-c/quickstart.c -o "$program" "$@" &&
            # shellcheck disable=SC2086
            found=$(KALEIDOSCOPE_API_URL=$url KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret \
                LD_LIBRARY_PATH=$lib $runner "$program") && same "$(cat tests/c/expected/quickstart.txt)" "$found"
    }
    is_for_it() { same "$machine" "$(readelf -h "$lib/libkaleidoscope.so.0" | sed -n 's/.*Machine: *//p' | tr '[:upper:]' '[:lower:]')"; }
    claim "${of}the library is for it" is_for_it
    # There is no SQLite of that architecture here: a program stands in for one that is too old.
    # shellcheck disable=SC2086
    refuses_old_sqlite() {
        "${tools}gcc" -Wall -Werror tests/dist/old_sqlite.c -o "$scratch/old_sqlite" -ldl &&
            found=$(LD_LIBRARY_PATH=$lib $runner "$scratch/old_sqlite" kal_sqlite.so) &&
            same 'kal_sqlite requires SQLite 3.38 or later, this is 3.37.2' "$found"
    }
    claim "${of}the extension is loaded by its name, and says that this SQLite is too old" refuses_old_sqlite
    # shellcheck disable=SC2046
    claim "${of}a program with the shared library prints the members" program shared $(pkg_config --cflags --libs)
    # shellcheck disable=SC2046
    claim "${of}a program with the archive prints the members" program static $(pkg_config --cflags) $(pkg_config --variable=static)
    finish
fi

# --- In a Debian 12

tests/deb/root.sh "$root"
inside() { scripts/inside.sh "$root" "$@"; }
# Remove leftovers of an interrupted run.
inside dpkg --purge libkaleidoscope-dev libkaleidoscope-sqlite libkaleidoscope0 >/dev/null 2>&1 || :
rm -rf "$root/packages"
# dpkg's database and the loader's cache do not belong to the packages.
installed() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./sys -o -path ./tmp -o -path ./packages \
        -o -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache \) -prune -o -print | LC_ALL=C sort)
    (cd "$root/var/lib/dpkg" && find info alternatives triggers updates diversions statoverride 2>/dev/null | LC_ALL=C sort)
    inside dpkg-query --show
}
before=$(installed)
mkdir "$root/packages"
cp "$runtime" "$dev" "$extension" examples-c/quickstart.c tests/install/consumer.c "$root/packages/"

with_credentials() {
    inside env KALEIDOSCOPE_API_URL="$url" KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret "$@"
}

install_with_dpkg() { inside sh -c 'dpkg --install /packages/*.deb'; }
all_are_installed() {
    same "$(printf "%s:$architecture installed\n" libkaleidoscope-dev libkaleidoscope-sqlite libkaleidoscope0)" \
        "$(inside dpkg-query --show --showformat '${binary:Package} ${db:Status-Status}\n' 'libkaleidoscope*')"
}
unchanged() { same '' "$(inside dpkg --verify libkaleidoscope0 libkaleidoscope-dev libkaleidoscope-sqlite)"; }
compiles() {
    inside sh -c 'gcc -Wall -Werror /packages/quickstart.c -o /packages/quickstart $(pkg-config --cflags --libs kaleidoscope)' &&
        inside sh -c 'gcc -Wall /packages/quickstart.c -o /packages/static $(pkg-config --variable=static kaleidoscope)'
}
prints_the_members() { found=$(with_credentials "$1") && same "$(cat tests/c/expected/quickstart.txt)" "$found"; }
version_is_known() { same "$version" "$(inside pkg-config --modversion kaleidoscope)"; }
in_sqlite() {
    found=$(with_credentials sqlite3 -batch -cmd '.load kal_sqlite' :memory: \
        "SELECT format('%s <%s>', full_name, coalesce(email, '-')) FROM kal_members") &&
        same "$(cat tests/c/expected/quickstart.txt)" "$found"
}
is_not_removed() { ! inside dpkg --remove libkaleidoscope0; }
purge() { inside dpkg --purge libkaleidoscope-dev libkaleidoscope-sqlite libkaleidoscope0; }
is_not_loaded() { ! in_sqlite 2>"$scratch/said" && grep 'cannot open shared object file' "$scratch/said"; }
cannot_start() { ! with_credentials /packages/quickstart; }

claim 'dpkg installs all on a minimal Debian 12 with a C compiler and sqlite3' install_with_dpkg
claim 'all are fully installed' all_are_installed
claim 'the installed files are unchanged' unchanged
claim 'pkg-config reports the version' version_is_known
claim 'the quickstart compiles with the flags of pkg-config alone' compiles
claim 'it prints the members' prints_the_members /packages/quickstart
claim 'it prints the members with the archive, too' prints_the_members /packages/static
claim 'sqlite3 loads kal_sqlite by its name and reads the members' in_sqlite
claim 'libkaleidoscope0 stays while the others need it' is_not_removed
claim 'dpkg purges all' purge
claim 'sqlite3 no longer finds kal_sqlite' is_not_loaded
claim 'the program with the shared library no longer starts' cannot_start
claim 'the one with the archive still prints the members' prints_the_members /packages/static
claim 'they leave no files' same "$before" "$(installed)"
rm -rf "$root/packages"
finish
