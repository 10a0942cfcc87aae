"""Builds what a Dockerfile says and runs it: image.py DOCKERFILE CONTEXT. Prints what is wrong.

As root, without a container engine: the files of the image are in a folder, and the entry point runs there by chroot, as the image's
user, in network and process namespaces of its own. The Dockerfile may have the few instructions that this file knows, once each
except COPY, and nothing else.
"""

import fcntl
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import urllib.request

# As after the name of the image in `docker run`.
ARGUMENTS = ["--events", "3"]
KNOWN = {"FROM", "COPY", "USER", "EXPOSE", "ENTRYPOINT"}


def instructions(text: str) -> list[tuple[str, str]]:
    found = [tuple(line.split(None, 1)) for line in text.splitlines() if line and not line.startswith("#")]
    names = [name for name, _ in found]
    assert set(names) == KNOWN, f"instructions: {names}"
    assert names[0] == "FROM" and all(names.count(name) == 1 for name in KNOWN - {"COPY"}), f"instructions: {names}"
    return found


def build(root: pathlib.Path, context: pathlib.Path, text: str) -> dict[str, str]:
    """Copies what COPY says into the image, and returns the other instructions."""
    said = {}
    for name, value in instructions(text):
        if name != "COPY":
            said[name] = value
            continue
        *sources, to = value.split()
        assert to.startswith("/") and to.endswith("/"), f"COPY to {to}: not a folder"
        folder = root / to[1:]
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            shutil.copy2(context / source, folder)
    assert said["FROM"] == "scratch", said["FROM"]
    return said


def loopback_up() -> None:
    """A new network namespace has a loopback device that is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = fcntl.ioctl(any_socket, 0x8913, struct.pack("16sh14x", b"lo", 0))  # SIOCGIFFLAGS
        flags = struct.unpack("16sh14x", request)[1]
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP


def run(root: pathlib.Path, said: dict[str, str]) -> None:
    loopback_up()
    os.chmod(root, 0o755)
    entry, port = json.loads(said["ENTRYPOINT"]), said["EXPOSE"]
    # It is the first process, as in a container.
    command = ["unshare", "--pid", "--fork", "--kill-child", "chroot", f"--userspec={said['USER']}", root, *entry,
               *ARGUMENTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            line = program.stdout.readline()
            assert line == f"kal-emulator: ready on http://127.0.0.1:{port}\n", f"it prints {line!r}"
            first = pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().strip()
            status = pathlib.Path(f"/proc/{first}/status").read_text()
            assert f"\nUid:\t{said['USER'].split(':')[0]}\t" in status, "it runs as another user"
            # Not loopback's own address: what a container's network sends to.
            with urllib.request.urlopen(f"http://127.0.0.2:{port}/__emulator/snapshot", timeout=30) as answer:
                events = json.load(answer)["workspaces"][0]["events"]
            assert len(events) == 3, f"it has {len(events)} events"
            # As `docker stop` ends it: the first process has no default for the signal.
            subprocess.run(["kill", "-TERM", first], check=True)
            assert program.wait(timeout=60) == 0, f"SIGTERM ends it with {program.returncode}"
        finally:
            program.kill()


def main() -> None:
    if sys.argv[1] != "--inside":
        sys.exit(subprocess.run(["unshare", "--net", sys.executable, "-B", __file__, "--inside", *sys.argv[1:]]).returncode)
    dockerfile, context = map(pathlib.Path, sys.argv[2:])
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        root.mkdir()
        try:
            run(root, build(root, context, dockerfile.read_text()))
        except (AssertionError, OSError, subprocess.SubprocessError) as wrong:
            sys.exit(f"{dockerfile}: {wrong}")


if __name__ == "__main__":
    main()
