# libkaleidoscope: `make help` lists the targets. cargo compiles; this file links, installs and tests.

# make takes a space in a path for the end of it, and these for its syntax or the shell's.
odd_characters := " ' ` \ \# $$ ; & | ( ) < > * ? [ ] : %
odd = $(strip $(if $(word 2,$(1)),space) $(foreach each,$(odd_characters),$(findstring $(each),$(1))))
ifneq ($(call odd,$(CURDIR)),)
$(error this folder has in its path what make cannot build with ($(call odd,$(CURDIR))): $(CURDIR))
endif

PROFILE ?= release
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR  ?= $(PREFIX)/share/man
DESTDIR ?=
TARGET  ?= target
# The extension for SQLite: `archive` has the library in it, `shared` uses the shared library, `no` is none, and `auto` is `archive`
# where the compiler finds SQLite's header.
SQLITE  ?= auto
CC      ?= cc
ifneq ($(words $(TARGET))$(call odd,$(TARGET)),1)
$(error TARGET is a folder whose path make can build with (without $(or $(call odd,$(TARGET)),a space)), not '$(TARGET)')
endif
# PREFIX='/opt/$x' of the command line is a reference to x. $(x), ${x} and $$ are meant.
dollar := $$
open := $$(
curly := $${
stray_dollar = $(findstring $(dollar),$(subst $(open),,$(subst $(curly),,$(subst $(dollar)$(dollar),,$(value $(1))))))
$(foreach each,PREFIX LIBDIR INCLUDEDIR MANDIR DESTDIR,$(if $(call stray_dollar,$(each)),\
  $(error $(each) has a $(dollar), which make takes for a variable: $(value $(each)))))
CARGO   ?= cargo
CARGO_RUSTC ?= $(CARGO) rustc
# The target triple of CARGO_RUSTC when cross-compiling, and the prefix of the binutils, such as aarch64-linux-gnu-.
RUST_TARGET ?=
CROSS_COMPILE ?=
# yes: the shared library is not stripped, for packagers whose tools do it.
KEEP_SYMBOLS ?=
export CC

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The SONAME version: incremented only by incompatible changes.
ABI     := 0
# System libraries that the archive needs besides libc; the C compiler adds libgcc.
STATIC_LIBS := -lpthread -lm -ldl

ifeq ($(PROFILE),release)
LIB       := $(TARGET)/lib
# A copy: `cargo build --release` overwrites the original with one without link-time optimisation.
RUST_LIB  := $(LIB)/rustc/libkaleidoscope.a
else ifeq ($(PROFILE),dev)
LIB       := $(TARGET)/lib-dev
RUST_LIB  := $(TARGET)/debug/libkaleidoscope.a
else
$(error PROFILE is release or dev)
endif
SO        := $(LIB)/libkaleidoscope.so.$(VERSION)
ARCHIVE   := $(LIB)/libkaleidoscope.a
EMULATOR  := $(TARGET)/debug/kal-emulator
ASAN_LIB  := $(TARGET)/asan/libkaleidoscope.a
SOURCES   := $(shell find src -name '*.rs') Cargo.toml Cargo.lock
CARGO_FLAGS := --locked --target-dir $(TARGET)

# Passed to the tests and examples.
export KAL_LIB_DIR     := $(abspath $(LIB))
export KAL_INCLUDE_DIR := $(abspath include)
export KAL_EMULATOR    := $(abspath $(EMULATOR))
export KAL_ASAN_LIB    := $(abspath $(ASAN_LIB))
export KAL_STATIC_LIBS := $(STATIC_LIBS)
export PROFILE VERSION ABI LIB STATIC_LIBS PREFIX LIBDIR INCLUDEDIR MANDIR DESTDIR TARGET

.DELETE_ON_ERROR:
.PHONY: all lib sqlite help install uninstall demo test header symbols emulator asan-lib tools-build tools-test tools-docs tools-recipes tools-sql clean

all: lib

help: ## lists the targets
	@echo 'Targets:'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20
	@echo 'Variables: PROFILE=release|dev PREFIX= LIBDIR= INCLUDEDIR= MANDIR= DESTDIR= TARGET= CC='

# --- Building

lib: $(LIB)/libkaleidoscope.so $(ARCHIVE) ## builds the shared library and the archive in target/lib (PROFILE=dev: target/lib-dev)

# Paths of the build machine are remapped.
REMAP = RUSTFLAGS="$(RUSTFLAGS) --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=cargo --remap-path-prefix=$(CURDIR)=kaleidoscope" \
  CFLAGS="$(CFLAGS) -ffile-prefix-map=$${CARGO_HOME:-$$HOME/.cargo}=cargo"

# Only the archive: together with a Rust library, cargo skips link-time optimisation.
$(TARGET)/lib/rustc/libkaleidoscope.a: $(SOURCES)
	$(REMAP) $(CARGO_RUSTC) $(CARGO_FLAGS) --release --lib --package kaleidoscope --crate-type staticlib
	@mkdir -p $(@D)
	cp $(patsubst %/,%,$(TARGET)/$(RUST_TARGET))/release/libkaleidoscope.a $@

$(TARGET)/debug/libkaleidoscope.a: $(SOURCES)
	$(CARGO) build $(CARGO_FLAGS) --workspace --lib
	@touch $@

$(LIB)/exports/versions: packaging/symbols.txt scripts/symbols
	@mkdir -p $(@D)
	@scripts/symbols names >$(@D)/names
	@scripts/symbols required >$(@D)/required
	@scripts/symbols versions >$@

# Linked here because rustc's cdylib supports neither symbol versions nor nodelete, which prevents unmapping under a running thread.
$(SO): $(RUST_LIB) $(LIB)/exports/versions
	$(CC) -shared -o $@ @$(LIB)/exports/required $(RUST_LIB) $(LDFLAGS) \
	  -Wl,-soname,libkaleidoscope.so.$(ABI) -Wl,--version-script=$(LIB)/exports/versions \
	  -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
	  -Wl,-Bsymbolic -Wl,--gc-sections -Wl,-O1 -Wl,--as-needed $(STATIC_LIBS)
ifeq ($(PROFILE)$(KEEP_SYMBOLS),release)
	@# Symbols are kept in a separate file, where debuggers and valgrind find them. Its checksum is in the library, and the debug
	@# information of what zig links has paths of the machine: that is left out.
	$(CROSS_COMPILE)objcopy --only-keep-debug $(if $(RUST_TARGET),'--remove-section=.debug_*') $@ $@.debug
	$(CROSS_COMPILE)strip --strip-unneeded $@
	cd $(LIB) && $(CROSS_COMPILE)objcopy --add-gnu-debuglink=$(notdir $@).debug $(notdir $@)
endif

$(LIB)/libkaleidoscope.so: $(SO)
	ln -sf $(notdir $(SO)) $(LIB)/libkaleidoscope.so.$(ABI)
	ln -sf libkaleidoscope.so.$(ABI) $@

# One object with only kal_* as global symbols, so that it cannot clash with another Rust library in the same program. They are
# hidden: a plugin that contains the archive does not export them, and the host's copy of the library does not replace its own.
$(ARCHIVE): $(RUST_LIB) $(LIB)/exports/versions
	sed 's/^-Wl,//' $(LIB)/exports/required >$(LIB)/exports/roots
	scripts/symbols hidden >$(LIB)/exports/hidden.s
	$(CC) -c $(LIB)/exports/hidden.s -o $(LIB)/exports/hidden.o
	$(CROSS_COMPILE)ld -r --gc-sections --force-group-allocation @$(LIB)/exports/roots $(RUST_LIB) $(LIB)/exports/hidden.o \
	  -o $(LIB)/kaleidoscope.o
	$(CROSS_COMPILE)objcopy --remove-section=.llvmbc --remove-section=.llvmcmd $(LIB)/kaleidoscope.o
	$(CROSS_COMPILE)objcopy --keep-global-symbols=$(LIB)/exports/names $(LIB)/kaleidoscope.o
ifeq ($(PROFILE),release)
	$(CROSS_COMPILE)strip --strip-debug $(LIB)/kaleidoscope.o
endif
	rm -f $@
	$(CROSS_COMPILE)ar rcsD $@ $(LIB)/kaleidoscope.o
	rm $(LIB)/kaleidoscope.o

ifeq ($(filter auto archive shared no,$(SQLITE))$(word 2,$(SQLITE)),)
$(error SQLITE is auto, archive, shared or no, not '$(SQLITE)')
endif
KAL_SQLITE_SO := $(TARGET)/sqlite$(if $(filter shared,$(SQLITE)),-shared)/kal_sqlite.so
sqlite: $(KAL_SQLITE_SO) ## builds the SQLite extension target/sqlite/kal_sqlite.so (SQLITE=shared: without the library in it)

# Not unmapped when SQLite unloads it, because the library's thread may run in it.
SQLITE_SOURCES := $(wildcard examples-c/sqlite/*.c examples-c/sqlite/*.h) examples-c/sqlite/exports include/kaleidoscope.h
SQLITE_CC = $(CC) -std=c11 -O2 -fPIC -fvisibility=hidden $(CPPFLAGS) $(CFLAGS) -I include -shared -o $@ $(filter %.c %.a,$^) $(LDFLAGS) \
  -Wl,--version-script=examples-c/sqlite/exports -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack \
  -Wl,-Bsymbolic -Wl,--gc-sections -Wl,-O1 -Wl,--as-needed

$(TARGET)/sqlite/kal_sqlite.so: $(SQLITE_SOURCES) $(ARCHIVE)
	@mkdir -p $(@D)
	$(SQLITE_CC) $(STATIC_LIBS)

$(TARGET)/sqlite-shared/kal_sqlite.so: $(SQLITE_SOURCES) $(LIB)/libkaleidoscope.so
	@mkdir -p $(@D)
	$(SQLITE_CC) -L $(LIB) -lkaleidoscope

emulator: ## builds the local server for demos and tests, target/debug/kal-emulator
	@$(CARGO) build $(CARGO_FLAGS) --workspace --bin kal-emulator --quiet

# That of the tarballs. EMULATOR_FLAGS are rustc's options for it alone.
$(TARGET)/bin/kal-emulator: $(shell find emulator/src -type f) emulator/Cargo.toml Cargo.toml Cargo.lock
	$(REMAP) $(CARGO_RUSTC) $(CARGO_FLAGS) --release --package kal-emulator --bin kal-emulator $(if $(EMULATOR_FLAGS),-- $(EMULATOR_FLAGS))
	@mkdir -p $(@D)
	cp $(patsubst %/,%,$(TARGET)/$(RUST_TARGET))/release/kal-emulator $@
	$(CROSS_COMPILE)strip $@

# gcc's AddressSanitizer runtime works with code instrumented by rustc, but only nightly can instrument.
asan-lib: ## builds the archive for programs compiled with -fsanitize=address, in target/asan
	@if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then scripts/asan-lib.sh $(ASAN_LIB); else \
	  echo 'no nightly toolchain: AddressSanitizer checks the heap and the C code only'; \
	  $(MAKE) --no-print-directory $(ARCHIVE) && mkdir -p $(dir $(ASAN_LIB)) && cp $(ARCHIVE) $(ASAN_LIB); fi

header: ## regenerates include/kaleidoscope.h from src/ffi
	@$(CARGO) run $(CARGO_FLAGS) --package kal-header --quiet

symbols: ## appends functions that are new in the header to packaging/symbols.txt (NODE=KALEIDOSCOPE_...)
	@for name in $$(python3 tests/header/header.py functions include/kaleidoscope.h); do \
	  scripts/symbols names | grep -qx "$$name" || echo "$(or $(NODE),KALEIDOSCOPE_0)   $$name" >>packaging/symbols.txt; done

clean: ## removes all build output
	rm -rf $(TARGET)

# --- Installing

# SQLite's header is in Debian's libsqlite3-dev.
has_sqlite = $(shell $(CC) $(CPPFLAGS) $(CFLAGS) -E -include sqlite3ext.h -x c /dev/null >/dev/null 2>&1 && echo yes)
with_sqlite = $(if $(filter auto,$(SQLITE)),$(has_sqlite),$(filter-out no,$(SQLITE)))

install: lib ## installs library, headers, pkg-config file, CMake package, manual pages, suppressions, SQLite extension below DESTDIR/PREFIX (SQLITE=no: without it)
	@$(if $(with_sqlite),$(MAKE) --no-print-directory sqlite,$(if $(filter auto,$(SQLITE)),echo \
	  'make install: sqlite3ext.h not found: the extension for SQLite is not installed' >&2,:))
	@$(if $(with_sqlite),KAL_SQLITE_SO=$(KAL_SQLITE_SO)) CROSS_COMPILE=$(CROSS_COMPILE) KEEP_SYMBOLS=$(KEEP_SYMBOLS) scripts/install.sh install

uninstall: ## removes the installed files
	@scripts/install.sh uninstall

# --- Documentation

.PHONY: docs man
DOCS := $(TARGET)/docs
SPHINX := $(DOCS)/venv/bin/sphinx-build

docs: $(SPHINX) ## builds the documentation site, target/docs/html/index.html
	@$(SPHINX) --fail-on-warning --keep-going --nitpicky --fresh-env --quiet -d $(DOCS)/doctrees docs $(DOCS)/html
	@echo "$(DOCS)/html/index.html"

$(SPHINX): docs/requirements.txt | tools-docs
	@mkdir -p $(DOCS)
	@python3 -m venv --clear $(DOCS)/venv
	@$(DOCS)/venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

man: ## builds the manual pages in target/man
	@python3 -B scripts/man.py $(TARGET)/man

# --- Packages

# zig, from PyPI, includes the glibc versions: any that it supports can be selected.
DIST_GLIBC ?= 2.17
export DIST_GLIBC

.PHONY: dist abi abi-cpp deb
# The rows of packaging/platforms.txt. One after the other: each of them uses every core.
KNOWN_PLATFORMS = $(shell sed -n 's/^\([a-z][^ ]*\) .*/\1/p' packaging/platforms.txt)
dist: ## builds the archive of PLATFORM in target/dist: linux-aarch64, windows-x86_64, macos-aarch64 ... (default: this Linux, glibc 2.17)
	$(if $(filter-out $(KNOWN_PLATFORMS),$(PLATFORM))$(word 2,$(PLATFORM)),$(error PLATFORM is one of: $(KNOWN_PLATFORMS); not $(PLATFORM)))
	@case '$(PLATFORM)' in \
	windows-*) $(MAKE) --no-print-directory windows ;; \
	macos-*) scripts/trixie.sh apple && scripts/apple/dist.sh $(patsubst macos-%,%-apple-darwin,$(PLATFORM)) ;; \
	*) scripts/dist.sh $(PLATFORM) ;; esac

abi: abi-cpp ## regenerates packaging/abi/libkaleidoscope.so.0.abi at a release: the ABI that later releases must keep; and abi-cpp
	@packaging/abi/describe include/kaleidoscope.h packaging/abi/libkaleidoscope.so.$(ABI).abi

abi-cpp: ## regenerates packaging/abi/kaleidoscope.hpp.abi: the types of the C++ headers, which a version that was released must keep
	@packaging/abi/cpp update include packaging/abi/kaleidoscope.hpp.abi

.PHONY: windows tools-windows
windows: tools-windows ## builds the zip for x64 Windows in target/dist: DLL, import and static libraries, headers, CMake package
	@scripts/windows.sh

deb: ## builds the Debian packages, and their source package, in target/deb (ARCH=arm64: those for arm64)
	@ARCH=$(ARCH) scripts/deb.sh

# Where the archives of a release are downloaded from, in the recipes of package managers.
RELEASE_URL ?= https://kaleidoscope.bio/libkaleidoscope
export RELEASE_URL PLATFORMS DRAFT

.PHONY: release
release: ## makes everything that a release consists of in target/release-VERSION (PLATFORMS="linux-x86_64 ...": only these; DRAFT=1)
	@scripts/release.sh

# --- Demo

tools-build tools-test tools-docs tools-windows:
	@scripts/tools.sh $(@:tools-%=%)

tools-recipes: ## installs the package managers with which test-recipes checks the recipes (as root, 320 MB, one minute)
	@scripts/tools.sh recipes

tools-sql: ## installs R with RSQLite, DB Browser and apsw, with which test-sql-tools runs the recipes of docs/sql.md (as root, 120 MB)
	@scripts/tools.sh sql

demo: tools-build ## builds everything, starts a local server and prints a workspace from C programs
	@$(MAKE) --no-print-directory lib emulator
	@scripts/demo.sh

# --- Benchmarks: the programs of bench/, in target/bench

BENCH := $(abspath $(TARGET)/bench)
BENCH_CC := $(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O2 -pthread -I include -I $(BENCH)/yyjson

.PHONY: bench bench-tools bench-programs bench-go

bench: bench-programs ## compares speed and memory with libcurl and yyjson, simdjson, Go and the Python client; charts in docs/performance
	@bench/run

bench-tools: tools-build
	@bench/tools.sh $(BENCH)

bench-programs: $(addprefix $(BENCH)/,ours peer_curl yyjson_alone simdjson_alone dlopen csv.so) sqlite bench-go
	@$(CARGO) build $(CARGO_FLAGS) --release --package kal-bench --quiet

$(BENCH)/yyjson/yyjson.c: | bench-tools

# Built with optimisation, as a program that cares about speed would.
$(BENCH)/yyjson/yyjson.o: $(BENCH)/yyjson/yyjson.c
	$(CC) -O3 -c $< -o $@

$(BENCH)/ours: bench/ours.c bench/harness.c bench/harness.h include/kaleidoscope.h | lib
	@mkdir -p $(@D)
	$(BENCH_CC) $(filter %.c,$^) -o $@ -L $(LIB) -lkaleidoscope -Wl,-rpath,$(abspath $(LIB))

$(BENCH)/peer_curl: bench/peer_curl.c bench/harness.c bench/harness.h $(BENCH)/yyjson/yyjson.o
	$(BENCH_CC) $(filter %.c %.o,$^) -o $@ -lcurl

$(BENCH)/yyjson_alone: bench/yyjson_alone.c $(BENCH)/yyjson/yyjson.o
	$(BENCH_CC) $^ -o $@

# For this machine's own instructions, as simdjson recommends for On-Demand.
$(BENCH)/simdjson_alone: bench/simdjson_alone.cpp | bench-tools
	$(CXX) -std=c++17 -Wall -Wextra -O3 -march=native $< -o $@ -lsimdjson

# Nothing where there is no Go.
bench-go: lib | bench-tools
	@bench/go/build.sh $(BENCH)/go $(LIB)

# Nothing where there is no source.
$(BENCH)/csv.so: | bench-tools
	@[ ! -e $(BENCH)/csv.c ] || $(CC) -O2 -fPIC -shared -w $(BENCH)/csv.c -o $@

$(BENCH)/dlopen: bench/dlopen.c | bench-tools
	$(BENCH_CC) $< -o $@ -ldl

# --- Testing: each test-... is a section of `make test` and runs alone as well

test: tools-test ## builds everything and runs all tests
	@scripts/test.sh

.PHONY: format test-format test-clippy test-docs test-rust test-deny test-msrv test-msrv-declared test-header test-build test-artefact test-instructions instructions \
  test-c test-c-valgrind test-c-asan \
  test-examples test-install test-compat test-cpp test-cpp-asan test-tsan test-go test-sqlite test-sql-tools test-any-language test-emulator-page test-torture torture soak torture-programs

test-format:
	@scripts/claim 'the Rust code is formatted' $(CARGO) fmt --all --check
	@scripts/clang-format.sh check

format: ## formats Rust with rustfmt, C and C++ with clang-format
	@$(CARGO) fmt --all
	@scripts/clang-format.sh write

test-clippy:
	@scripts/claim 'clippy reports nothing' $(CARGO) clippy $(CARGO_FLAGS) --workspace --all-targets --quiet -- -D warnings

test-docs:
	@RUSTDOCFLAGS='-D warnings' scripts/claim 'the docs build without a warning' \
	  $(CARGO) doc $(CARGO_FLAGS) --workspace --no-deps --quiet

# A fixed seed, so that only a change of the code can turn a test red; use another seed for new cases.
test-rust: export PROPTEST_RNG_SEED ?= 1
test-rust:
	@$(CARGO) test $(CARGO_FLAGS) --workspace --no-fail-fast

test-deny:
	@tests/deny/run.sh

test-msrv: emulator ## compiles with the minimum Rust version in a Debian trixie root (installed once: 1 GB, three minutes, as root)
	@tests/msrv/run.sh

test-msrv-declared:
	@tests/msrv/run.sh declared

test-header:
	@tests/header/run.sh

test-build:
	@scripts/claim 'the shared library and the archive are built' $(MAKE) --no-print-directory lib
	@scripts/claim 'building again does nothing' $(MAKE) --no-print-directory --question lib
	@scripts/claim 'the emulator is built' $(MAKE) --no-print-directory emulator
	@scripts/claim 'the SQLite extension is built' $(MAKE) --no-print-directory sqlite

# Counted under callgrind, so that the cost of a change is visible regardless of the load of the machine.
test-instructions: lib emulator $(BENCH)/ours
	@python3 -B bench/rows_test.py
	@KAL_BENCH_OURS=$(BENCH)/ours bench/instructions

instructions: lib emulator $(BENCH)/ours ## updates bench/instructions.json with the current costs of the main paths
	@KAL_BENCH_OURS=$(BENCH)/ours bench/instructions update

test-artefact: lib
	@KEEP_SYMBOLS=$(KEEP_SYMBOLS) KAL_RUST_LIB=$(RUST_LIB) tests/artefact/run.sh

test-c: lib emulator
	@tests/c/run.sh plain

test-c-valgrind: lib emulator
	@tests/c/run.sh valgrind

test-c-asan: asan-lib emulator
	@if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then \
	  scripts/claim 'AddressSanitizer checks the Rust code too' \
	    sh -c 'nm $(ASAN_LIB) 2>/dev/null | grep -q " __asan_report_load"'; fi
	@tests/c/run.sh asan

test-examples: lib emulator
	@tests/c/examples.sh

test-install: lib emulator
	@tests/install/run.sh

test-compat: lib emulator
	@tests/compat/run.sh

test-cpp: lib emulator
	@tests/cpp/run.sh plain

test-cpp-asan: asan-lib emulator
	@tests/cpp/run.sh asan

test-tsan: lib emulator
	@tests/tsan/run.sh

test-sqlite: sqlite emulator
	@KAL_SQLITE=$(abspath $(TARGET))/sqlite/kal_sqlite tests/sqlite/run.sh

test-sql-tools: sqlite emulator
	@KAL_SQLITE=$(abspath $(TARGET))/sqlite/kal_sqlite tests/sqlite/tools.sh

test-any-language: lib emulator
	@tests/any-language/run.sh

test-go: lib emulator
	@bindings/go/test.sh

# The archive of the machine's own architecture is that of `make lib`; the other one that of `make dist`, if it is there.
go_archive = $(if $(filter $(1),$(shell uname -m)),$(ARCHIVE),$(wildcard $(TARGET)/dist/$(1)-unknown-linux-gnu/lib/libkaleidoscope.a))
GO_ARCHIVE_amd64 ?= $(call go_archive,x86_64)
GO_ARCHIVE_arm64 ?= $(call go_archive,aarch64)
.PHONY: go-module
go-module: lib ## packs the Go module with its archives for a proxy, in target/go/module (GO_ARCHIVE_arm64=, GO_ARCHIVE_amd64=)
	@python3 -B scripts/go_module.py $(TARGET)/go/module $(foreach arch,amd64 arm64,$(patsubst %,$(arch)=%,$(GO_ARCHIVE_$(arch))))

test-torture: torture-programs
	@KAL_TORTURE_JSON=$(TARGET)/torture-short.json tests/torture/run short $(ROWS)

torture: tools-test ## runs the long form of the faults, races and forks; results in target/torture.json (ROWS="2 fork": only these)
	@$(MAKE) --no-print-directory torture-programs sqlite
	@KAL_SQLITE=$(abspath $(TARGET))/sqlite/kal_sqlite KAL_TORTURE_JSON=$(TARGET)/torture.json tests/torture/run long $(ROWS)

soak: tools-build ## runs 15 minutes (SECONDS=) of calls, faults and restarts: memory, descriptors and threads must not grow
	@$(CARGO) build $(CARGO_FLAGS) --profile torture --package kal-torture --bin soak --quiet
	@$(TARGET)/torture/soak $(or $(SECONDS),$(KAL_SOAK_SECONDS),900)

.PHONY: test-docs-site test-docs-snippets test-man
test-docs-site:
	@tests/docs/site.sh

test-docs-snippets: lib emulator $(TARGET)/sqlite/kal_sqlite.so
	@KAL_SQLITE=$(abspath $(TARGET))/sqlite/kal_sqlite PYTHONPATH=tests/compat python3 -B tests/docs/snippets.py
	@PYTHONPATH=tests/compat python3 -B tests/docs/starters.py

test-emulator-page: emulator
	@tests/emulator-page/run.sh

test-man: emulator
	@tests/docs/man.sh

.PHONY: check-apple
check-apple: ## builds and links for macOS and iOS, and checks the files; nothing runs (LLVM 0.5 GB, zig 0.4 GB: installed once, as root)
	@tests/apple/run.sh
	@tests/apple/xcframework.sh
	@tests/apple/dist.sh

.PHONY: test-abi test-dist test-deb test-deb-arm64 test-swift test-release test-recipes test-reproducible test-windows
test-abi:
	@tests/dist/abi.sh

test-dist: dist emulator
	@tests/dist/run.sh linux-$(shell uname -m)

test-deb: deb emulator
	@ARCH=$(ARCH) tests/deb/run.sh

test-deb-arm64: ## builds the Debian packages for arm64 and tests them
	@scripts/linux-tools.sh arm64
	@$(MAKE) --no-print-directory test-deb ARCH=arm64

# Where what they need is installed they are part of `make test`; these install it.
.PHONY: test-arm64 test-musl
test-arm64: emulator ## builds for arm64 Linux and runs the C tests, the examples and the C++ tests under qemu-user
	@scripts/linux-tools.sh arm64
	@tests/linux/tools.sh
	@tests/linux/run.sh linux-aarch64

test-musl: emulator ## builds for musl, x86-64 and arm64, and runs the C tests (arm64: where test-arm64 has installed what runs them)
	@scripts/linux-tools.sh musl
	@tests/linux/run.sh linux-musl-x86_64 linux-musl-aarch64

test-release: dist
	@tests/release/run.sh

test-recipes: dist emulator
	@tests/recipes/run.sh $(RECIPES)

test-reproducible: ## builds the archive of PLATFORM (default: linux-x86_64) twice, in different surroundings, and compares the bytes
	@tests/release/reproducible.sh $(or $(PLATFORM),linux-x86_64)

test-windows: windows emulator ## tests that zip on Wine, with mingw and with clang in its MSVC mode (scripts/trixie.sh windows, as root)
	@scripts/trixie.sh windows
	@tests/windows/run.sh

test-swift: lib emulator ## tests the Swift package in a Debian trixie root (installed once: 2.6 GB, ten minutes, as root)
	@bindings/swift/test.sh

# --- The programs of tests/torture, in target/torture-bin

export KAL_TORTURE_BIN := $(abspath $(TARGET)/torture-bin)
TORTURE_CFLAGS := -std=c11 -D_GNU_SOURCE -Wall -Wextra -O1 -g -pthread -I include -I tests/torture \
  -DKAL_INCLUDE='"$(KAL_INCLUDE_DIR)"' -DKAL_LIBRARY='"$(abspath $(LIB))/libkaleidoscope.so.$(ABI)"'
# Programs with several or generated source files, or with other options, have their own rules.
TORTURE_C := $(filter-out torture syscall_faults_shim handles,$(basename $(notdir $(wildcard tests/torture/*.c)))) bad_arguments
TORTURE_KIT := tests/torture/torture.c tests/torture/torture.h tests/c/emulator.c tests/c/emulator.h

torture-programs: $(TORTURE_C:%=$(KAL_TORTURE_BIN)/%) $(KAL_TORTURE_BIN)/handles $(KAL_TORTURE_BIN)/syscall_faults_shim.so emulator
	@$(CARGO) build $(CARGO_FLAGS) --profile torture --package kal-torture --bins --quiet
	@cd $(KAL_TORTURE_BIN) && for program in $(abspath tests/torture/src/bin)/*; do \
	  program=$$(basename "$$program" .rs); ln -sf $(abspath $(TARGET))/torture/$$program $$program; done

$(KAL_TORTURE_BIN)/%: tests/torture/%.c $(TORTURE_KIT) include/kaleidoscope.h | lib
	@mkdir -p $(@D)
	$(CC) $(TORTURE_CFLAGS) $(filter %.c,$^) -o $@ -L $(LIB) -lkaleidoscope -Wl,-rpath,$(abspath $(LIB)) -ldl

$(KAL_TORTURE_BIN)/bad_arguments.c: tests/torture/gen_bad_arguments.py include/kaleidoscope.h
	@mkdir -p $(@D)
	python3 $^ >$@

$(KAL_TORTURE_BIN)/bad_arguments: $(KAL_TORTURE_BIN)/bad_arguments.c tests/torture/bad_arguments.h $(TORTURE_KIT) | lib
	$(CC) $(TORTURE_CFLAGS) $(filter %.c,$^) -o $@ -L $(LIB) -lkaleidoscope -Wl,-rpath,$(abspath $(LIB)) -ldl

# Invalid handles are the most likely cause of memory errors, hence AddressSanitizer.
$(KAL_TORTURE_BIN)/handles: tests/torture/handles.c $(TORTURE_KIT) include/kaleidoscope.h asan-lib
	@mkdir -p $(@D)
	$(CC) $(TORTURE_CFLAGS) -fsanitize=address $(filter %.c,$^) -o $@ $(ASAN_LIB) $(STATIC_LIBS)

$(KAL_TORTURE_BIN)/%_shim.so: tests/torture/%_shim.c tests/torture/%.h
	@mkdir -p $(@D)
	$(CC) $(TORTURE_CFLAGS) -shared -fPIC $(filter %.c,$^) -o $@ -ldl
