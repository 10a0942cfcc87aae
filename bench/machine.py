"""What the figures were measured on: the machine, its load at the start, and the versions of what is compared."""

import ctypes
import os
import pathlib
import platform
import re
import subprocess

from measure import BIN, CORES


def describe():
    """The lines to print and to store, by name."""
    load = os.getloadavg()
    return {
        "CPU": f"{cpu_model()}, {len(CORES)} of {os.cpu_count()} cores used",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}, {'a virtual machine' if is_virtual() else 'no hypervisor'}",
        "load at the start": f"{load[0]:.2f} (1 min), {load[1]:.2f} (5 min)" + (": others use the cores" if load[0] > 0.5 else ""),
        "libcurl": curl_version(),
        "yyjson": defined(BIN / "yyjson/yyjson.h", r"YYJSON_VERSION_STRING\s+\"([^\"]+)"),
        "simdjson": defined(pathlib.Path("/usr/include/simdjson.h"), r"SIMDJSON_VERSION\s+\"?([\d.]+)"),
        "Go": go_version(),
        "kalbio": kalbio_version(),
    }


def cpu_model():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or "unknown CPU"


def is_virtual():
    return re.search(r"^flags\s*:.*\bhypervisor\b", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE) is not None


def curl_path():
    """The libcurl that the peer is linked with."""
    found = subprocess.run(["ldd", BIN / "peer_curl"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return next(words[2] for words in map(str.split, found.splitlines()) if words[0].startswith("libcurl"))


def curl_version():
    """With the versions of zlib and of the TLS library that it uses."""
    version = ctypes.CDLL(curl_path()).curl_version
    version.restype = ctypes.c_char_p
    wanted = ("libcurl/", "zlib/", "OpenSSL/", "GnuTLS/")
    return " ".join(word for word in version().decode().split() if word.startswith(wanted))


def defined(header, pattern):
    found = header.exists() and re.search(pattern, header.read_text(encoding="utf-8", errors="replace"))
    return found.group(1) if found else "not installed"


def go_version():
    program = BIN / "go/bench"
    if not program.exists():
        return "not installed"
    return subprocess.run([program, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def kalbio_version():
    found = next((BIN / "packages").glob("kalbio-*.dist-info"), None)
    return found.name.removeprefix("kalbio-").removesuffix(".dist-info") if found else "not installed"
