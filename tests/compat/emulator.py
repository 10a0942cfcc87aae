"""The emulator as a child process, and its admin requests."""

import json
import os
import ssl
import subprocess
import urllib.request

# The tests set proxy variables on purpose; admin requests must not use them.
# Admin requests need no authentication: the emulator belongs to this process.
_anyone = ssl._create_unverified_context()
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_anyone))


class Emulator:
    """An emulator; it exits when its standard input is closed, and so with this process, however that ends."""

    client_id = "demo-client"
    client_secret = "demo secret+/=&é"

    def __init__(self, **options):
        arguments = [os.environ["KAL_EMULATOR"], "--exit-with-stdin", "--client-secret", self.client_secret]
        for name, value in options.items():
            option = f"--{name.replace('_', '-')}"
            arguments.append(option if value is True else f"{option}={value}")
        self.process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        if "ready on " not in ready:
            raise RuntimeError(f"{arguments[0]} did not start")
        self.url = ready.split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def steer(self, name: str, body=None, raw: str | None = None):
        """An admin request: POST with `body` (or `raw`, JSON text as it is), GET without."""
        data = raw.encode() if raw is not None else None if body is None else json.dumps(body).encode()
        with _direct.open(f"{self.url}/__emulator/{name}", data, timeout=30) as answer:
            return json.load(answer)

    def reset(self):
        """Clears faults, counts and recorded requests."""
        self.steer("reset", {})

    def fault(self, **fault):
        """Makes one request fail in this way."""
        self.steer("faults", fault)

    def data(self, name: str, text: str):
        """Replaces the workspace, the members or the groups by this JSON text, unchanged."""
        self.steer("data", raw=f'{{"unchecked":true,"{name}":{text}}}')

    def requests(self) -> list[dict]:
        """The requests since the last reset."""
        return self.steer("requests")

    def counts(self) -> dict:
        """The numbers of requests and connections since the last reset."""
        return self.steer("counts")
