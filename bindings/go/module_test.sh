#!/bin/sh
# module_test.sh PROXY: uses the module that `make go-module` packed into the folder PROXY, as a program does that gets it from a proxy.
# In the environment of test.sh.
set -eu
proxy=$1
version=$(cat "$proxy/kaleidoscope.bio/kaleidoscope/@v/list")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GOPROXY="file://$proxy" GONOSUMDB='*' GOSUMDB=off GOFLAGS='-mod=mod -modcacherw' GOMODCACHE="$folder/cache"
mkdir "$folder/program"
cd "$folder/program"
cat >main.go <<'GO'
package main

import (
	"fmt"

	"kaleidoscope.bio/kaleidoscope"
)

func main() { fmt.Println(kaleidoscope.Version()) }
GO
go mod init example.com/program 2>/dev/null
go get "kaleidoscope.bio/kaleidoscope@$version" 2>/dev/null
# links HOW WHAT OPTIONS...: the program is built and prints the version; with WHAT "shared" it needs the shared library.
links() {
    how=$1 what=$2
    shift 2
    go build -o program "$@"
    found=$(ldd program | sed -n 's/.*libkaleidoscope.*/shared/p')
    [ "${found:-archive}" = "$what" ] || { echo "$how: linked with the ${found:-archive}, want the $what" && exit 1; }
    said=$(LD_LIBRARY_PATH="$KAL_PREFIX/lib" ./program)
    [ "v$said" = "$version" ] || { echo "$how: the program prints $said, want $version" && exit 1; }
}
links 'with -tags dynamic' shared -tags dynamic
links 'with -tags static' archive -tags static
# Neither the library nor pkg-config is installed.
export PKG_CONFIG_PATH=/nonexistent PKG_CONFIG=/nonexistent
links 'as it is' archive
go mod vendor
links 'vendored' archive -mod=vendor
for architecture in amd64 arm64; do
    archive=vendor/kaleidoscope.bio/kaleidoscope/lib/linux_$architecture/libkaleidoscope.a
    [ -f "${archive%/*}/archive.go" ] || { echo "no place for the archive of linux/$architecture" && exit 1; }
    # Red with the archive of amd64 for arm64: "linux/arm64 is linked with […/lib/linux_amd64/libkaleidoscope.a".
    flags=$(GOARCH=$architecture CGO_ENABLED=1 go list -mod=vendor -f '{{.CgoLDFLAGS}}' kaleidoscope.bio/kaleidoscope)
    case $flags in *"/lib/linux_$architecture/libkaleidoscope.a "*) ;; *) echo "linux/$architecture is linked with $flags" && exit 1 ;; esac
    [ -f "$archive" ] || echo "# SKIP linux/$architecture: no archive was given to make go-module"
done
