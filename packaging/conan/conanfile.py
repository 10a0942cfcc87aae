import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, get

required_conan_version = ">=2.0"


class LibkaleidoscopeConan(ConanFile):
    """Downloads what the project released: Conan Center's machines have no Rust to build it with."""

    name = "libkaleidoscope"
    version = "@VERSION@"
    description = "Client library with a C ABI for the Kaleidoscope platform (kaleidoscope.bio)"
    license = "MIT OR Apache-2.0"
    homepage = "https://kaleidoscope.bio"
    url = "https://kaleidoscope.bio"
    topics = ("kaleidoscope", "biotech", "client", "pre-built")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    # Which C library of Linux; Conan has no setting for it.
    options = {"shared": [True, False], "libc": ["glibc", "musl"]}
    default_options = {"shared": False}

    def config_options(self):
        if self.settings.os == "Linux":
            self.options.libc = "musl" if os.path.exists("/etc/alpine-release") else "glibc"
        else:
            del self.options.libc

    def configure(self):
        # C, and the C++ header is compiled with the program.
        self.settings.rm_safe("compiler.libcxx")
        self.settings.rm_safe("compiler.cppstd")

    def package_id(self):
        # The build is one for every compiler and configuration.
        del self.info.settings.compiler
        del self.info.settings.build_type

    @property
    def _platform(self):
        system = {"Linux": "linux", "Macos": "macos", "Windows": "windows"}.get(str(self.settings.os))
        if system == "linux" and self.options.libc == "musl":
            system = "linux-musl"
        machine = {"x86_64": "x86_64", "armv8": "aarch64"}.get(str(self.settings.arch))
        return f"{system}-{machine}"

    def validate(self):
        if self._platform not in self.conan_data["sources"][self.version]:
            raise ConanInvalidConfiguration(
                f"{self.ref} was not released for {self.settings.os} on {self.settings.arch} ({self._platform})")
        if self.settings.compiler == "msvc" and not self.options.shared:
            raise ConanInvalidConfiguration(
                f"the archive of {self.ref} for Windows is one of MinGW: use -o libkaleidoscope/*:shared=True")

    def build(self):
        get(self, **self.conan_data["sources"][self.version][self._platform], strip_root=True)

    def package(self):
        for name in ("LICENSE*", "THIRD-PARTY-LICENSES.txt"):
            copy(self, name, self.build_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*", os.path.join(self.build_folder, "include"), os.path.join(self.package_folder, "include"))
        lib = os.path.join(self.build_folder, "lib")
        kinds = ("libkaleidoscope.so*", "*.dylib", "*.lib", "*.dll.a") if self.options.shared else ("libkaleidoscope.a",)
        for kind in kinds:
            copy(self, kind, lib, os.path.join(self.package_folder, "lib"), keep_path=False)
        if self.options.shared:
            copy(self, "*.dll", os.path.join(self.build_folder, "bin"), os.path.join(self.package_folder, "bin"))

    def package_info(self):
        self.cpp_info.libs = ["kaleidoscope"]
        self.cpp_info.set_property("cmake_file_name", "Kaleidoscope")
        target = "kaleidoscope" if self.options.shared else "static"
        self.cpp_info.set_property("cmake_target_name", f"Kaleidoscope::{target}")
        self.cpp_info.set_property("pkg_config_name", "kaleidoscope")
        if self.options.shared:
            return
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["pthread", "m", "dl"]
        elif self.settings.os == "Macos":
            self.cpp_info.frameworks = ["CoreFoundation", "Security"]
        elif self.settings.os == "Windows":
            self.cpp_info.system_libs = ["ws2_32", "crypt32", "bcrypt", "advapi32", "userenv", "kernel32", "ntdll"]
