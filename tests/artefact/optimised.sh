# Sourced by the tests of everything that is linked from the library: whether link-time optimisation took effect. Cargo leaves it
# out without a word where it builds a Rust library, too.
# shellcheck shell=sh

# Bytes. Without, the shared library has 3,742,168, the archive 9,390,718, the extension for SQLite, which keeps its symbols, 4,492,768.
max_shared=3500000
max_archive=8000000
max_extension=4050000
# limits RUSTC: what `rustc --version` prints. Debian 13's makes 3,500,616 and 8,184,270 of what is 3,422,664 and 7,703,542.
limits() {
    case $1 in "rustc 1.85."*) max_shared=3600000 max_archive=8500000 max_extension=4150000 ;; esac
}
limits "$(rustc --version)"

# smaller FILE LIMIT
smaller() {
    bytes=$(stat -L -c %s "$1")
    [ "$bytes" -lt "$2" ] || { echo "$1 has $bytes bytes, the limit is $2" && false; }
}
# one_object ARCHIVE: the Rust code in cargo's archive is one object, beside those of compiler_builtins and of C.
one_object() {
    found=$(ar t "$1" | grep '\.rcgu\.o$' | grep -v '^compiler_builtins-') || { echo "$1 has no object of rustc" && false; }
    [ "$(printf '%s\n' "$found" | wc -l)" -eq 1 ] || { printf '%s\n' "$found" && false; }
}
