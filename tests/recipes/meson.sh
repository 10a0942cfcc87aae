# Sourced by run.sh: Meson, whose wrap is the recipe.
# shellcheck shell=sh disable=SC2154

# wraps: a project with the wrap of this machine's platform and nothing else of libkaleidoscope.
wraps() {
    rm -rf "$scratch/meson" && mkdir -p "$scratch/meson/subprojects" && cp tests/install/meson/meson* "$scratch/meson/" &&
        cp tests/install/consumer.c "$scratch/meson/" && cp "$recipes/meson/linux-$(uname -m)/kaleidoscope.wrap" "$scratch/meson/subprojects/" &&
        sed -i "$1" "$scratch/meson/subprojects/kaleidoscope.wrap" &&
        PKG_CONFIG_LIBDIR=/nowhere meson setup "$scratch/meson/build" "$scratch/meson" -Dwrap=true && meson compile -C "$scratch/meson/build"
}
wrapped() { wraps '' && prints_the_members "$scratch/meson/build/consumer"; }
wrong_wrap() { ! wraps 's/^source_hash = ......../source_hash = 00000000/' >"$scratch/meson.log" 2>&1 && grep -iE 'hash' "$scratch/meson.log"; }
if ! has meson; then
    skip 'a Meson project with the wrap prints the members' 'meson is not installed'
elif ! is_real "linux-$(uname -m)"; then
    skip 'a Meson project with the wrap prints the members' 'the archive of this machine is not built: make dist'
else
    claim 'a Meson project with the wrap downloads the archive, and a program prints the members' wrapped
    claim 'the wrap refuses an archive with another checksum' wrong_wrap
fi
