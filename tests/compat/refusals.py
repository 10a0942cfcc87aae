"""Error responses: both clients fail with the same status and report the same body."""

import json

from claims import Unequal, claim, equal
from compare import Pair
from decoding import PATHS
from emulator import Emulator
from kaleidoscope_ctypes import CACHE_REFRESH, KalError
from reference import KalbioAPIError, Refused

STATUSES = [400, 403, 405, 406, 408, 409, 410, 413, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 505, 511, 599]
BODIES = {
    "the API's own error": json.dumps({"code": "some_code", "message": "Ein Wörtchen"}, ensure_ascii=False),
    "validation details": '{"detail":[{"loc":["query","page"],"msg":"no","type":"value_error"}]}',
    "HTML": "<html><body>no</body></html>",
    "nothing": "",
}
GRANTED = {"access_token": "a-token", "refresh_token": "r-token", "expires_in": 3600}


def failure(call, kind):
    """The exception that a call ends with."""
    try:
        found = call()
    except kind as why:
        return why
    raise Unequal(f"it returned {found!r}")


def statuses() -> None:
    with Emulator() as emulator, Pair(emulator, max_attempts=1) as pair:
        pair.sign_in()
        for name, path in PATHS.items():
            for status in STATUSES:
                with claim(f"{name[4:]} answered {status}: the same status and body in both"):
                    for body in BODIES.values():
                        emulator.fault(path=path, status=status, body=body, times=2)
                        theirs = failure(lambda: pair.theirs.call(name, use_cache=False), KalbioAPIError)
                        ours = failure(lambda: pair.ours.call(name, cache=CACHE_REFRESH), KalError)
                        equal(ours.status, theirs.status_code, "status")
                        equal(ours.http_status, theirs.status_code, "http status")
                        equal(ours.body or b"", theirs.response_body, "body")
                        equal(ours.method, theirs.method, "method")
                        equal(emulator.url + ours.url, theirs.url, "url")
        with claim("a rejected query: both report the server's message, and the query in the URL"):
            query = {"after_date": "2025-06-01 12:30:15Z", "event_types": ["é"]}
            theirs = failure(lambda: pair.theirs.call("get_events", **query), KalbioAPIError)
            ours = failure(lambda: pair.ours.call("get_events", **query), KalError)
            equal((ours.status, ours.body), (theirs.status_code, theirs.response_body), "error")
            equal(ours.code, json.loads(theirs.response_body)["code"], "code")


def not_kept() -> None:
    with Emulator() as emulator, Pair(emulator, max_attempts=1) as pair:
        for name in ("get_workspace", "get_members", "get_groups"):
            with claim(f"{name}: an error is not cached, both send a new request"):
                path = PATHS[name]
                emulator.fault(path=path, status=500, times=2)
                failure(lambda: pair.theirs.call(name), KalbioAPIError)
                failure(lambda: pair.ours.call(name), KalError)
                emulator.reset()
                pair.theirs.call(name)
                pair.ours.call(name)
                equal(emulator.counts()["paths"][path], 2, "requests")


def no_body() -> None:
    """204 and its like. A null or empty body with 200 is among the cases of `decoding`."""
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        for name, ours_status in {"get_workspace": 404, "get_members": 600, "get_groups": 600}.items():
            for status in (200, 202, 204):
                with claim(f"{name[4:]} answered {status} without a body: {'none' if ours_status == 404 else 'an error'} in both"):
                    emulator.fault(path=PATHS[name], status=status, body="", times=2)
                    if ours_status == 404:
                        equal(pair.theirs.call(name, use_cache=False), None, "theirs")
                    else:
                        failure(lambda: pair.theirs.call(name, use_cache=False), Refused)
                    equal(failure(lambda: pair.ours.call(name, cache=CACHE_REFRESH), KalError).status, ours_status, "status")
        for status in (200, 202, 204):
            with claim(f"events answered {status} without a body: none in both"):
                emulator.fault(path=PATHS["get_events"], status=status, body="", times=2)
                equal(pair.theirs.call("get_events"), [], "theirs")
                equal(pair.ours.call("get_events").records, [], "ours")
        with claim("a missing workspace is not cached: both send a new request"):
            pair.ours.call("get_workspace", cache=CACHE_REFRESH)
            emulator.fault(path=PATHS["get_workspace"], body="null", times=2)
            equal(pair.theirs.call("get_workspace", use_cache=False), None, "theirs")
            failure(lambda: pair.ours.call("get_workspace", cache=CACHE_REFRESH), KalError)
            pair.answers("get_workspace")


def sign_in() -> None:
    for status in (400, 401, 403, 500):
        with Emulator() as emulator, Pair(emulator, max_attempts=1) as pair:
            with claim(f"sign-in answered {status}: both fail, and send no request to the API"):
                emulator.fault(path="/auth/oauth/token", status=status, body='{"error":"no"}', times=2)
                failure(lambda: pair.theirs.call("get_members"), RuntimeError)
                ours = failure(lambda: pair.ours.call("get_members"), KalError)
                equal((ours.status, ours.http_status), (300, status), "status")
                equal(list(emulator.counts()["paths"]), ["/auth/oauth/token"], "paths")
    odd = {"0": 0, "-5": -5, "3600.0": 3600.0, '"3600"': "3600", '" 60 "': " 60 ", '"-1"': "-1", '"60.0"': "60.0", '"6_0"': "6_0"}
    takes = {"an unknown field": {**GRANTED, "x": [1]},
             **{f"expires_in {shown}": {**GRANTED, "expires_in": value} for shown, value in odd.items()}}
    refuses = {"invalid JSON": "<html>", "nothing": "", "null": None, "a list": [GRANTED], "a byte order mark": "\ufeff" + json.dumps(GRANTED),
               **{f"no {k}": {n: v for n, v in GRANTED.items() if n != k} for k in GRANTED},
               **{f"{k} null": {**GRANTED, k: None} for k in GRANTED},
               **{f"{k} a list": {**GRANTED, k: ["x"]} for k in GRANTED},
               "a number for a token": {**GRANTED, "access_token": 1},
               "a token with a line break": {**GRANTED, "access_token": "a\r\nX-Evil: 1"},
               **{f"expires_in {json.dumps(v)}": {**GRANTED, "expires_in": v} for v in (1.5, 0.5, 1e30, 2**70, "soon", "", "1e3", {})}}
    for what, body in {**takes, **refuses}.items():
        with Emulator() as emulator, Pair(emulator, max_attempts=1) as pair:
            taken = what in takes
            with claim(f"sign-in answered with {what}: both {'accept' if taken else 'reject'} it"):
                text = body if isinstance(body, str) else json.dumps(body)
                emulator.fault(path="/auth/oauth/token", body=text, times=2)
                emulator.fault(path="/workspaces/members", body="[]", times=2)
                if taken:
                    equal((pair.theirs.call("get_members"), pair.ours.call("get_members").records), ([], []), "members")
                    sent = [dict(r["headers"])["x-kal-authorization"] for r in emulator.requests() if r["method"] == "GET"]
                    equal(sent, ["Bearer a-token"] * 2, "headers")
                else:
                    failure(lambda: pair.theirs.call("get_members"), Exception)
                    equal(failure(lambda: pair.ours.call("get_members"), KalError).status, 600, "status")
                    equal(list(emulator.counts()["paths"]), ["/auth/oauth/token"], "paths")


def content_types() -> None:
    """Content-Type and Content-Encoding do not affect the result."""
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        for kind in ("text/html; charset=utf-8", "application/octet-stream", "application/problem+json; charset=UTF-8"):
            with claim(f"members sent as {kind}: equal in both"):
                emulator.reset()
                emulator.fault(path=PATHS["get_members"], content_type=kind, times=3)
                pair.answers("get_members")
        with claim("members sent as gzip: equal in both"):
            emulator.fault(path=PATHS["get_members"], gzip=True, times=3)
            pair.answers("get_members")


def run() -> None:
    statuses()
    not_kept()
    no_body()
    sign_in()
    content_types()
