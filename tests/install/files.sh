# Sourced by the tests of the installation and of the tarballs.
# shellcheck shell=sh disable=SC2154

# library_files LIBDIR: what is installed below a prefix, as ./PATH. $version is that of the library.
library_files() {
    (cd include && find . -type f ! -name '.*' | sed 's|^\.|./include|')
    printf "./$1/%s\n" kal_sqlite.so libkaleidoscope.a libkaleidoscope.so libkaleidoscope.so.0 "libkaleidoscope.so.$version" \
        pkgconfig/kaleidoscope.pc cmake/kaleidoscope/kaleidoscope-config.cmake cmake/kaleidoscope/kaleidoscope-config-version.cmake
    python3 -B scripts/man.py --list | sed 's|^|./share/man/|'
    printf './share/kaleidoscope/%s\n' libkaleidoscope.supp libkaleidoscope-tsan.supp
}
