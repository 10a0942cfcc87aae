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
gnu=$(dpkg-architecture --host-arch "$architecture" -q DEB_HOST_GNU_TYPE 2>/dev/null)
of=
[ "$architecture" = "$(dpkg --print-architecture)" ] || of="$architecture: "
runtime=$(echo "$target"/deb/libkaleidoscope0_"$version"-*_"$architecture".deb)
extension=$(echo "$target"/deb/libkaleidoscope-sqlite_"$version"-*_"$architecture".deb)
dev=$(echo "$target"/deb/libkaleidoscope-dev_"$version"-*_"$architecture".deb)
emulators=$(echo "$target"/deb/kal-emulator_"$version"-*_"$architecture".deb)
documentation=$(echo "$target"/deb/libkaleidoscope-doc_"$version"-*_all.deb)
symbols=$(echo "$target"/deb/libkaleidoscope0-dbgsym_"$version"-*_"$architecture".deb)
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
    python3 -B scripts/man.py --list | sed '/^man1/d; s|.*|./usr/share/man/&.gz|'
    printf './usr/share/kaleidoscope/%s\n' libkaleidoscope.supp libkaleidoscope-tsan.supp
    printf './usr/share/doc/libkaleidoscope-dev/%s\n' changelog.Debian.gz changelog.gz copyright
}
expected_extension() {
    echo "./usr/lib/$multiarch/kal_sqlite.so"
    printf './usr/share/doc/libkaleidoscope-sqlite/%s\n' changelog.Debian.gz changelog.gz copyright sql.md.gz
}
expected_emulator() {
    printf './usr/%s\n' bin/kal-emulator share/man/man1/kal-emulator.1.gz
    printf './usr/share/doc/kal-emulator/%s\n' changelog.Debian.gz changelog.gz copyright emulator.md third-party-licences.gz
}
expected_documentation() {
    (cd docs && find ./*.md performance reference -type f) | sed 's|^\./||; s|^|./usr/share/doc/libkaleidoscope-doc/|'
    (cd examples-c && find . -type f) | sed 's|^\.|./usr/share/doc/libkaleidoscope-doc/examples|'
    printf './usr/share/doc/libkaleidoscope-doc/%s\n' changelog.Debian.gz changelog.gz copyright
}
listed() { awk '!/^#/ && NF { print $2 "@" $1 } !/^#/ && NF && !seen[$1]++ { print $1 "@" $1 }' packaging/symbols.txt; }
in_package() { dpkg-deb --info "$runtime" symbols | sed -n 's/^ \([^ ]*\) .*/\1/p'; }
claim "${of}libkaleidoscope0 contains exactly the library and its documentation" \
    same "$(expected_runtime | LC_ALL=C sort)" "$(files "$runtime" | sed '/lintian/d')"
claim "${of}libkaleidoscope-dev contains exactly the development files" \
    same "$(expected_dev | LC_ALL=C sort)" "$(files "$dev" | sed '/lintian/d')"
claim "${of}libkaleidoscope-sqlite contains exactly the extension and its documentation" \
    same "$(expected_extension | LC_ALL=C sort)" "$(files "$extension" | sed '/lintian/d')"
claim "${of}kal-emulator contains exactly the emulator, its manual page and its documentation" \
    same "$(expected_emulator | LC_ALL=C sort)" "$(files "$emulators")"
claim "${of}kal-emulator depends on the C library and libgcc only" \
    same 'libc6 libgcc-s1' "$(dpkg-deb --field "$emulators" Depends | tr ',' '\n' | awk '{ print $1 }' | sort | xargs)"
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
# The library has no symbols but those that it exports; the others, and the lines of the sources, are in the package of symbols.
has_lines_of_its_own() {
    dpkg-deb --fsys-tarfile "$symbols" | tar -x -C "$scratch" ./usr/lib/debug &&
        library=$scratch/usr/lib/$multiarch/libkaleidoscope.so.$version &&
        id=$(LC_ALL=C readelf -nW "$library" | sed -n 's/.*Build ID: //p') && id=$(printf %s "$id" | sed 's|^..|&/|') &&
        ! readelf -SW "$library" | grep -F .symtab &&
        address=$(readelf -sW --dyn-syms "$library" | awk '$8 ~ /^kal_client_open@/ { print "0x" $2; exit }') &&
        line=$("$gnu-addr2line" -e "$scratch/usr/lib/debug/.build-id/$id.debug" "$address") && echo "$line" | grep -E '/src/ffi/.*\.rs:[0-9]+'
}
claim "${of}the symbols of libkaleidoscope0 are in libkaleidoscope0-dbgsym, with the lines of the sources" has_lines_of_its_own
# lintian exits with 0, or with 2 when it has found something.
is_silent() {
    code=0
    lintian --allow-root "$@" >"$scratch/lintian" || code=$?
    [ "$code" = 0 ] || [ "$code" = 2 ] || { echo "lintian exits with $code" && return 1; }
    same '' "$(sed '/^N: .* overridden/d' "$scratch/lintian")"
}
claim "${of}lintian says nothing about the packages" is_silent "$changes"
# An extension of SQLite has no SONAME. Red with overrides for a tag that lintian does not give.
overridden() { sed '/^#/d' packaging/debian/*lintian-overrides packaging/debian/source/lintian-overrides 2>/dev/null; }
claim 'one thing that lintian says is overridden' \
    same 'libkaleidoscope-sqlite: sharedobject-in-library-directory-missing-soname [usr/lib/*/kal_sqlite.so]' "$(overridden)"

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

claim 'libkaleidoscope-doc contains exactly the chapters and the examples' \
    same "$(expected_documentation | LC_ALL=C sort)" "$(files "$documentation")"

# --- The source package

source=$(echo "$target"/deb/libkaleidoscope_"$version"-*.dsc)
built=$target/deb/libkaleidoscope-$version
# `make test` is brief: lintian reads every crate, and autopkgtest needs a Debian of its own with compilers.
if [ "${KAL_BRIEF:-}" ]; then
    echo 'ok - lintian says nothing about the source package # SKIP it takes minutes: make test-deb runs it'
else
    claim 'lintian says nothing about the source package' is_silent "$source"
fi
# The packages were built in the folder of which it was made.
unpacks_to_what_was_built() {
    dpkg-source --extract "$source" "$scratch/source" >/dev/null &&
        diff -rq "$scratch/source/debian" packaging/debian &&
        diff -rq --no-dereference --exclude=target --exclude=.library --exclude=debian --exclude=.pc "$scratch/source" "$built"
}
claim 'dpkg-source unpacks what the packages were built from' unpacks_to_what_was_built

# --- Its tests, debian/tests, by autopkgtest in a Debian 12 of their own

autopkgtests() {
    tests_root=$target/deb-tests-root
    tests/deb/root.sh "$tests_root" autopkgtest,gcc,g++,libc6-dev,make,cmake,pkg-config,ca-certificates,sqlite3
    inside_tests() { scripts/inside.sh "$tests_root" "$@"; }
    rm -rf "$tests_root/source" "$tests_root/packages" "$tests_root/result"
    mkdir -p "$tests_root/source/tests" "$tests_root/packages"
    cp -R "$built/examples-c" "$built/include" "$tests_root/source/"
    cp -R "$built/packaging/debian" "$tests_root/source/debian"
    cp -R tests/c tests/install "$tests_root/source/tests/"
    cp "$runtime" "$dev" "$extension" "$emulators" "$documentation" "$tests_root/packages/"
    inside_tests sh -c 'autopkgtest --no-built-binaries --output-dir=/result /packages/*.deb /source -- null' >"$scratch/autopkgtest" 2>&1 || :
    passes() { grep -E "^$1 +PASS" "$tests_root/result/summary" || { tail -n 60 "$scratch/autopkgtest" && false; }; }
    for each in $(sed -n 's/^Tests: //p' packaging/debian/tests/control); do claim "autopkgtest: $each passes" passes "$each"; done
    # Whatever autopkgtest has left installed.
    inside_tests sh -c 'dpkg --purge $(dpkg-query --show --showformat "\${Package} " "libkaleidoscope*" "kal-emulator*" | tr -d "\n")' >/dev/null 2>&1 || :
}
if [ "${KAL_BRIEF:-}" ]; then
    echo 'ok - autopkgtest passes # SKIP it needs 0.8 GB: make test-deb runs it'
else
    autopkgtests
fi

# --- In a Debian 12

tests/deb/root.sh "$root"
inside() { scripts/inside.sh "$root" "$@"; }
# Remove leftovers of an interrupted run.
inside dpkg --purge kal-emulator libkaleidoscope-doc libkaleidoscope-dev libkaleidoscope-sqlite libkaleidoscope0 >/dev/null 2>&1 || :
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
cp "$runtime" "$dev" "$extension" "$emulators" "$documentation" examples-c/quickstart.c tests/install/consumer.c "$root/packages/"

with_credentials() {
    inside env KALEIDOSCOPE_API_URL="$url" KALEIDOSCOPE_API_CLIENT_ID=demo-client KALEIDOSCOPE_API_CLIENT_SECRET=demo-secret "$@"
}

install_with_dpkg() { inside sh -c 'dpkg --install /packages/*.deb'; }
all_are_installed() {
    same "$(printf '%s installed\n' kal-emulator libkaleidoscope-dev libkaleidoscope-doc libkaleidoscope-sqlite libkaleidoscope0)" \
        "$(inside dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' kal-emulator 'libkaleidoscope*')"
}
unchanged() { same '' "$(inside dpkg --verify libkaleidoscope0 libkaleidoscope-dev libkaleidoscope-sqlite kal-emulator libkaleidoscope-doc)"; }
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
purge() { inside dpkg --purge kal-emulator libkaleidoscope-doc libkaleidoscope-dev libkaleidoscope-sqlite libkaleidoscope0; }
is_not_loaded() { ! in_sqlite 2>"$scratch/said" && grep 'cannot open shared object file' "$scratch/said"; }
cannot_start() { ! with_credentials /packages/quickstart; }

claim 'dpkg installs all on a minimal Debian 12 with a C compiler and sqlite3' install_with_dpkg
claim 'all are fully installed' all_are_installed
claim 'the installed files are unchanged' unchanged
claim 'pkg-config reports the version' version_is_known
# Red: -I/usr/lib/x86_64-linux-gnu/pkgconfig/../../../include.
claim 'pkg-config --cflags prints a newline only' same 0 "$(inside pkg-config --cflags kaleidoscope | tr -d ' \n' | wc -c)"
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
