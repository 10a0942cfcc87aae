"""Where the Python client misbehaves and the library does not: both are shown."""

import base64
import os
import tempfile
from datetime import datetime

from claims import Unequal, claim, equal
from compare import Pair
from emulator import Emulator
from environment import environment
from kaleidoscope_ctypes import CACHE_REFRESH, PROXY_FROM_ENV, Client, KalError
from listener import Listener
from reference import KalbioAPIError, Reference, Refused
from refusals import failure

TOKEN = "/auth/oauth/token"
READS = ("get_workspace", "get_members", "get_groups", "get_events")


def redirects() -> None:
    for status in (301, 302, 303, 307, 308):
        with Emulator() as emulator, Listener() as elsewhere, Pair(emulator) as pair:
            for name in READS:
                pair.sign_in()
                with claim(f"{name} redirected to another host ({status}): Python sends the token there, ours sends nothing"):
                    elsewhere.requests.clear()
                    emulator.reset()
                    emulator.fault(redirect=f"{elsewhere.url}/stolen", status=status, times=2)
                    ignore(lambda: pair.theirs.call(name, use_cache=False))
                    tokens = [r["headers"].get("x-kal-authorization", "") for r in elsewhere.requests]
                    equal([token[:14] for token in tokens], ["Bearer kal-at-"], "tokens that Python gave away")
                    elsewhere.requests.clear()
                    refused = failure(lambda: pair.ours.call(name, cache=CACHE_REFRESH), KalError)
                    equal((refused.status, refused.http_status, refused.attempts), (600, status, 1), "ours")
                    if elsewhere.url not in refused.message:
                        raise Unequal(f"the message does not say where it pointed: {refused.message}")
                    equal(elsewhere.requests, [], "requests elsewhere")
            with claim(f"a redirect to another path of the same host ({status}): Python follows, ours reports the target"):
                emulator.reset()
                emulator.fault(path="/workspaces/groups", redirect="/workspaces/members", status=status, times=2)
                pair.theirs.call("get_groups", use_cache=False)
                refused = failure(lambda: pair.ours.call("get_groups", cache=CACHE_REFRESH), KalError)
                equal(refused.status, 600, "ours")
                if "/workspaces/members" not in refused.message:
                    raise Unequal(refused.message)
                equal(emulator.counts()["paths"], {"/workspaces/groups": 2, "/workspaces/members": 1}, "paths")
    for status in (307, 308):
        with Emulator() as emulator, Listener() as elsewhere, Pair(emulator) as pair:
            with claim(f"sign-in redirected to another host ({status}): Python sends the client secret there, ours sends nothing"):
                emulator.fault(path=TOKEN, redirect=f"{elsewhere.url}{TOKEN}", status=status, times=2)
                ignore(lambda: pair.theirs.call("get_events"))
                equal(["client_secret=" in r["body"] for r in elsewhere.requests], [True], "secrets that Python gave away")
                elsewhere.requests.clear()
                refused = failure(lambda: pair.ours.call("get_events"), KalError)
                equal(refused.status in (300, 600), True, f"status {refused.status}")
                equal(elsewhere.requests, [], "requests elsewhere")


def ignore(call) -> None:
    """The result of the Python client for a response from another host does not matter."""
    try:
        call()
    except (KalbioAPIError, Refused):
        pass


CALLS = 20


def tokens() -> None:
    for seconds in (600, 60):
        with Emulator(expires_in=seconds) as emulator, Pair(emulator) as pair:
            with claim(f"a token lifetime of {seconds} s: Python signs in for each of {CALLS} calls, ours once"):
                counts = []
                for client in (pair.theirs, pair.ours):
                    emulator.reset()
                    for _ in range(CALLS):
                        client.call("get_events")
                    counts.append(emulator.counts()["token_requests"])
                equal(counts, [CALLS, 1], "token requests")
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        for name in READS:
            with claim(f"{name} with a token that expired early: Python fails with 401, ours gets a new one in the same call"):
                # Python fails again in the same way: by its clock the token is still valid.
                emulator.steer("expire-tokens", {})
                for _ in range(2):
                    equal(failure(lambda: pair.theirs.call(name, use_cache=False), KalbioAPIError).status_code, 401, "theirs")
                emulator.reset()
                equal(bool(pair.ours.call(name, cache=CACHE_REFRESH).records), True, "ours")
                paths = [request["path"] for request in emulator.requests()]
                equal(paths, [paths[0], TOKEN, paths[0]], "paths")
                equal(emulator.counts()["token_refresh"], 1, "refreshes")
                pair.theirs.client._auth_refresh_before = datetime.min
                pair.theirs.call("get_events")
        with claim("a 401 despite a new token is returned after exactly one replay"):
            emulator.reset()
            emulator.fault(path="/workspaces/members", status=401, times=0)
            refused = failure(lambda: pair.ours.call("get_members", cache=CACHE_REFRESH), KalError)
            equal(refused.status, 401, "status")
            equal(emulator.counts()["paths"], {"/workspaces/members": 2, TOKEN: 1}, "paths")


def connections() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        with claim(f"{CALLS} calls and a sign-in: Python opens a connection for each, ours shares one"):
            counts = []
            for client in (pair.theirs, pair.ours):
                emulator.reset()
                for _ in range(CALLS):
                    client.call("get_events", page_size=3)
                counts.append(emulator.counts()["connections"])
            equal(counts, [CALLS + 1, 1], "connections")


def outages() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        for what, fault in {"503": {"status": 503}, "429": {"status": 429, "headers": {"Retry-After": "0"}}, "500": {"status": 500},
                            "a connection cut before the answer": {"drop": "before"},
                            "a connection cut in the body": {"drop": "body"}}.items():
            with claim(f"{what}, once: Python fails, ours retries"):
                emulator.reset()
                emulator.fault(path="/workspaces/members", **fault)
                failure(lambda: pair.theirs.call("get_members", use_cache=False), Exception)
                emulator.fault(path="/workspaces/members", **fault)
                equal(len(pair.ours.call("get_members", cache=CACHE_REFRESH).records), 12, "members")
                equal(emulator.counts()["paths"], {"/workspaces/members": 3}, "requests")


def netrc() -> None:
    with tempfile.TemporaryDirectory() as home, Emulator() as emulator:
        for path in (".netrc", "_netrc", "elsewhere"):
            with open(os.path.join(home, path), "w", encoding="ascii") as file:
                file.write("machine 127.0.0.1\n  login someone\n  password canary-password\n")
            os.chmod(file.name, 0o600)
        stolen = "Basic " + base64.b64encode(b"someone:canary-password").decode()
        for what, variables in {"~/.netrc": {"HOME": home}, "$NETRC": {"NETRC": os.path.join(home, "elsewhere")}}.items():
            with claim(f"{what}: Python sends the password in it with every request, ours does not read it"):
                with environment(**variables), Pair(emulator) as pair:
                    for client, expected in ((pair.theirs, [stolen, stolen]), (pair.ours, [])):
                        emulator.reset()
                        client.call("get_events")
                        requests = emulator.requests()
                        equal(len(requests), 2, "requests")
                        found = [value for r in requests for name, value in r["headers"] if name == "authorization"]
                        equal(found, expected, "authorization")
                        if client is pair.ours and "canary-password" in str(requests):
                            raise Unequal("the password is in a request")


def proxies() -> None:
    names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    with Emulator() as emulator, Listener() as proxy:
        for name in names:
            with environment(**{name: proxy.url}):
                arguments = (emulator.url, emulator.client_id, emulator.client_secret)
                with claim(f"{name} is set: Python uses the proxy, ours does not"):
                    for client, count in ((Reference(*arguments), 2), (Client(*arguments), 0)):
                        proxy.requests.clear()
                        emulator.reset()
                        client.call("get_members")
                        equal((len(proxy.requests), emulator.counts()["total"]), (count, 2 - count), "requests")
                # As in curl: in a CGI program HTTP_PROXY holds the client's Proxy header.
                asks, targets = "does not", []
                if name != "HTTP_PROXY":
                    asks, targets = "asks the proxy, too", [emulator.url + TOKEN, emulator.url + "/workspaces/members"]
                with claim(f"{name} is set, KAL_CLIENT_PROXY_FROM_ENV: ours {asks}"):
                    proxy.requests.clear()
                    Client(*arguments, flags=PROXY_FROM_ENV).call("get_members")
                    equal([r["target"] for r in proxy.requests], targets, "targets")
                with environment(no_proxy="127.0.0.1"):
                    with claim(f"{name} and no_proxy are set, KAL_CLIENT_PROXY_FROM_ENV: neither uses the proxy"):
                        for client in (Reference(*arguments), Client(*arguments, flags=PROXY_FROM_ENV)):
                            proxy.requests.clear()
                            client.call("get_members")
                            equal(proxy.requests, [], "requests")


def shared_state() -> None:
    """Each client has its own cache."""
    with Emulator() as emulator, Pair(emulator) as one, Pair(emulator) as other:
        with claim("a cached answer is immutable; in Python a change affects all callers"):
            listed = one.theirs.client.workspace.get_members()
            listed.clear()
            equal(one.theirs.call("get_members"), [], "theirs")
            one.ours.call("get_members").records.clear()
            equal(len(one.ours.call("get_members").records), 12, "ours")
        with claim("clearing one client's cache clears both in Python, and only its own in ours"):
            counts = []
            for name in ("theirs", "ours"):
                for pair in (one, other):
                    getattr(pair, name).call("get_groups")
                getattr(one, name).clear_caches()
                emulator.reset()
                getattr(other, name).call("get_groups")
                counts.append(emulator.counts()["total"])
            equal(counts, [1, 0], "requests")


def run() -> None:
    redirects()
    tokens()
    connections()
    outages()
    netrc()
    proxies()
    shared_state()
