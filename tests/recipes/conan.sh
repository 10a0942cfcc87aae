# Sourced by run.sh: Conan.
# shellcheck shell=sh disable=SC2154

conan=$(command -v conan || command -v "$target/recipes/bin/conan" || :)
if [ -n "$conan" ]; then
    export CONAN_HOME="$scratch/conan"
    # make exports CC=cc, and Conan wants to know which one that is.
    unset CC
    finds_the_compiler() { "$conan" profile detect && grep '^compiler=' "$CONAN_HOME/profiles/default"; }
    claim 'Conan finds the compiler' finds_the_compiler
    # create OPTION...: with the test package, which compiles and runs a program.
    create() { printed=$("$conan" create "$recipes/conan" "$@" 2>&1) || { echo "$printed" | tail -n 30 && false; }; }
    runs() { create "$@" && echo "$printed" | grep -qx "libkaleidoscope $version"; }
    shared='libkaleidoscope/*:shared=True'
    msvc='-s os=Windows -s compiler=msvc -s compiler.version=194 -s compiler.runtime=dynamic -s compiler.cppstd=17'
    claim 'conan create makes the package and its test package runs, with the shared library' runs -o "$shared"
    claim 'conan create makes the package and its test package runs, with the archive' runs
    # Without the test package, which would need a compiler for the platform.
    packs() { create --test-folder= "$@"; }
    claim 'conan create makes the package for Linux arm64' packs -s arch=armv8
    claim 'conan create makes the package for musl' packs -o 'libkaleidoscope/*:libc=musl'
    claim 'conan create makes the package for macOS' \
        packs -s os=Macos -s arch=armv8 -s compiler=apple-clang -s compiler.version=16 -s compiler.libcxx=libc++ -o "$shared"
    # shellcheck disable=SC2086  # several options
    claim 'conan create makes the package for Windows and MSVC' packs $msvc -o "$shared"
    refuses() { ! create --test-folder= "$@" && echo "$printed" | grep -F "use -o $shared"; }
    # shellcheck disable=SC2086
    claim 'conan create says that MSVC cannot link with the archive' refuses $msvc
    tampered() {
        cp -R "$recipes/conan" "$scratch/tampered" &&
            sed -i 's/sha256: ".\{8\}/sha256: "00000000/' "$scratch/tampered/conandata.yml" &&
            ! printed=$("$conan" create "$scratch/tampered" --test-folder= -o 'libkaleidoscope/*:libc=musl' 2>&1) &&
            echo "$printed" | grep 'sha256 hash failed'
    }
    claim 'Conan refuses an archive with another checksum' tampered
else
    skip 'conan create makes the package and its test package runs' 'Conan is not installed: make tools-recipes'
    python_compiles() { python3 -B -c 'import ast, sys; [ast.parse(open(name).read()) for name in sys.argv[1:]]' "$@"; }
    claim 'the recipe for Conan is Python' python_compiles "$recipes/conan/conanfile.py" "$recipes/conan/test_package/conanfile.py"
fi
