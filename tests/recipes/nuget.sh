# Sourced by run.sh: NuGet.
# shellcheck shell=sh disable=SC2154

claim 'the NuGet package is packed' python3 -B scripts/release/nuget.py "$release" "$version"
package=$release/libkaleidoscope.$version.nupkg
# Red with a content type left out, with a runtime left out, and with another name for libkaleidoscope.dylib.
# shellcheck disable=SC2086
claim 'it is a valid package, with the library of every platform by the name that .NET looks for' \
    python3 -B tests/recipes/nupkg.py "$package" "$version" $rids
same_library() {
    name=libkaleidoscope-$version-linux-x86_64
    mkdir -p "$scratch/nuget/content" && python3 -m zipfile --extract "$package" "$scratch/nuget/content" &&
        tar -xzOf "$release/$name.tar.gz" "$name/lib/libkaleidoscope.so.$version" |
        cmp - "$scratch/nuget/content/runtimes/linux-x64/native/libkaleidoscope.so"
}
claim 'the library for linux-x64 is that of the archive' same_library
if has nuget; then
    # NuGet keeps its settings and its cache in HOME.
    installs() {
        mkdir -p "$scratch/nuget/home" "$scratch/nuget/source" && cp "$package" "$scratch/nuget/source/" &&
            HOME=$scratch/nuget/home nuget install libkaleidoscope -Version "$version" -Source "$scratch/nuget/source" \
                -OutputDirectory "$scratch/nuget/packages" &&
            [ -e "$scratch/nuget/packages/libkaleidoscope.$version/build/native/include/kaleidoscope.h" ]
    }
    claim 'nuget installs it' installs
else
    skip 'nuget installs it' 'nuget is not installed: make tools-recipes'
fi
if has mcs && has mono; then
    calls() {
        mcs -out:"$scratch/Version.exe" tests/recipes/Version.cs &&
            same "$version" "$(LD_LIBRARY_PATH=$scratch/nuget/content/runtimes/linux-x64/native mono "$scratch/Version.exe")"
    }
    claim 'a C# program calls the library by the name "kaleidoscope"' calls
else
    skip 'a C# program calls the library by the name "kaleidoscope"' 'mono is not installed: make tools-recipes'
fi
