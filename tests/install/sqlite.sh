# Sourced by run.sh: the extension for SQLite, and what a distributor chooses.
# shellcheck shell=sh disable=SC2154

prefix=$scratch/extension libdir=$prefix/lib
with_extension() { same "$1" "$(find "$prefix" -name 'kal_sqlite*' | sed "s|$prefix/||")"; }
with_archive() {
    make_quietly install SQLITE=archive PREFIX="$prefix" && with_extension lib/kal_sqlite.so && extension "$libdir/kal_sqlite"
}
claim 'make install SQLITE=archive installs the extension' with_archive
claim 'it is stripped' sh -c '[ -e "$0" ] && ! readelf -SW "$0" | grep -F .symtab' "$libdir/kal_sqlite.so"
# As docs/sql.md says of /usr/local/lib. Red with the extension called libkal_sqlite.so.
cache_has_the_library_alone() {
    echo "$libdir" >"$scratch/ld.so.conf"
    PATH=$PATH:/sbin:/usr/sbin ldconfig -X -C "$scratch/cache" -f "$scratch/ld.so.conf" &&
        cached=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p -C "$scratch/cache" | sed -n "s|.* $libdir/||p" | LC_ALL=C sort | xargs) &&
        same 'libkaleidoscope.so libkaleidoscope.so.0' "$cached"
}
claim "the loader's cache has the library, and not the extension" cache_has_the_library_alone

prefix=$scratch/without libdir=$prefix/lib
without_it() { make_quietly install SQLITE=no PREFIX="$prefix" && with_extension '' && [ -e "$libdir/libkaleidoscope.so.0" ]; }
claim 'make install SQLITE=no installs the library without the extension' without_it
cat >"$scratch/no-header-cc" <<END
#!/bin/sh
case "\$*" in *sqlite3ext.h*) exit 1 ;; *) exec ${CC:-cc} "\$@" ;; esac
END
chmod +x "$scratch/no-header-cc"
says_that_it_is_missing() {
    said=$(make_quietly install CC="$scratch/no-header-cc" PREFIX="$prefix" 2>&1) && with_extension '' &&
        same 'make install: sqlite3ext.h not found: the extension for SQLite is not installed' "$said"
}
claim 'without the header of SQLite, make install says so and installs everything else' says_that_it_is_missing
needs_the_library() {
    make_quietly install SQLITE=shared PREFIX="$prefix" && with_extension lib/kal_sqlite.so &&
        loads_the_shared_library "$libdir/kal_sqlite.so" "$libdir" && extension_by_its_name
}
claim 'make install SQLITE=shared installs an extension that uses the shared library' needs_the_library
removes_it() { make_quietly uninstall PREFIX="$prefix" && same '' "$(installed "$prefix")"; }
claim 'make uninstall removes it, however it was installed' removes_it
refuses_other_words() {
    ! said=$(make_quietly install SQLITE=yes PREFIX="$prefix" 2>&1) && echo "$said" | grep -F "SQLITE is auto, archive, shared or no, not 'yes'"
}
claim 'another word for SQLITE is refused' refuses_other_words
