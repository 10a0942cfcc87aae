"""Reads over HTTPS, with a certificate that must be trusted explicitly."""

import os
import tempfile

import requests
from claims import claim, equal
from compare import check_answer
from emulator import Emulator
from environment import environment
from kaleidoscope_ctypes import Client, KalError
from reference import Reference
from refusals import failure

TLS_FAILED = 202
NAMES = ("get_workspace", "get_members", "get_groups", "get_events")


def run() -> None:
    with tempfile.TemporaryDirectory() as directory:
        bundle = os.path.join(directory, "ca.pem")
        with Emulator(tls=True, ca_out=bundle, members=60) as emulator:
            arguments = (emulator.url, emulator.client_id, emulator.client_secret)
            # The Python client has no other option for a CA bundle.
            with environment(REQUESTS_CA_BUNDLE=bundle):
                theirs, ours = Reference(*arguments), Client(*arguments, ca_bundle_path=bundle)
                for name in NAMES:
                    with claim(f"https: {name[4:]} returns equal records"):
                        check_answer(name, ours.call(name), theirs.call(name), theirs)
                with claim("REQUESTS_CA_BUNDLE: Python trusts it, ours only its own option and the system's roots"):
                    theirs.call("get_events")
                    equal(failure(lambda: Client(*arguments).call("get_events"), KalError).status, TLS_FAILED, "status")
            with claim("https with an unknown certificate: both fail"):
                failure(lambda: Reference(*arguments).call("get_events"), requests.exceptions.SSLError)
                equal(failure(lambda: Client(*arguments).call("get_events"), KalError).status, TLS_FAILED, "status")
