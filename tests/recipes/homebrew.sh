# Sourced by run.sh: Homebrew, whose language for formulas tests/recipes/formula.rb has in part.
# shellcheck shell=sh disable=SC2154

formula=$recipes/homebrew/libkaleidoscope.rb
fields() {
    name=libkaleidoscope-$version-$3.tar.gz
    same "$version
$url/$version/$name
$(sha256sum <"$release/$name" | cut -d' ' -f1)" "$(ruby tests/recipes/formula.rb "$formula" "$1" "$2" fields)"
}
brewed() {
    name=libkaleidoscope-$version-$1
    rm -rf "$scratch/brew" && mkdir "$scratch/brew" && tar -xzf "$release/$name.tar.gz" -C "$scratch/brew" &&
        ruby tests/recipes/formula.rb "$formula" "${1%-*}" "$2" install "$scratch/brew/$name" "$scratch/brew/prefix"
}
if has ruby; then
    claim 'the formula is Ruby' sh -c 'ruby -wc "$1"' sh "$formula"
    claim 'the formula downloads the archive for Linux on x86-64' fields linux intel linux-x86_64
    claim 'the formula downloads the archive for Linux on arm64' fields linux arm linux-aarch64
    claim 'the formula downloads the archive for macOS on x86-64' fields macos intel macos-x86_64
    claim 'the formula downloads the archive for macOS on arm64' fields macos arm macos-aarch64
    claim 'the formula installs the archive for macOS' brewed macos-aarch64 arm
    claim 'the formula installs the archive for Linux' brewed linux-x86_64 intel
    claim "the formula's test passes" ruby tests/recipes/formula.rb "$formula" linux intel test "$scratch/brew/prefix"
    claim 'a program with what it installed prints the members' works "$scratch/brew/prefix"
else
    skip 'the formula is Ruby' 'Ruby is not installed'
fi
if has brew; then
    claim 'brew style reports nothing' brew style "$formula"
else
    skip 'brew style reports nothing' 'Homebrew is not installed, and is neither a Debian nor a PyPI package'
fi
