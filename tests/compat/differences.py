"""The intended differences other than decoding, each shown on both sides."""

import json

from claims import Unequal, claim, equal
from compare import Pair, check_answer, from_structs
from decoding import PATHS
from emulator import Emulator
from kaleidoscope_ctypes import CACHE_REFRESH, Client, KalError
from listener import Listener
from reference import KalbioAPIError, Reference, Refused
from refusals import GRANTED, failure
from requests_sent import query

JSON = {"Content-Type": "application/json"}
MEMBER = {"id": "x", "full_name": "Zoë 日本", "preferred_name": None, "access_level": None, "email": None}


def texts() -> None:
    """How bytes become text. Both clients send a request to the listener, which sends the bytes unchanged."""
    utf8 = json.dumps([MEMBER], ensure_ascii=False).encode()
    latin = utf8.decode().replace("日本", "ü").encode("latin-1")
    mojibake = [{**MEMBER, "full_name": "Zoë 日本".encode().decode("latin-1")}]
    replaced = [{**MEMBER, "full_name": "Zo\ufffd \ufffd"}]
    read_latin = [{**MEMBER, "full_name": "Zoë ü"}]
    member = [MEMBER]
    # name, headers, body, the Python client's result, our result; None: an error
    table = [
        ("invalid UTF-8: Python returns U+FFFD, ours rejects text that it cannot return unchanged", JSON, latin, replaced, None),
        ("a key of invalid UTF-8: Python returns U+FFFD, ours rejects it", JSON, utf8.replace(b'"id"', b'"\xff":1,"id"'), member, None),
        ("a surrogate encoded in UTF-8: Python returns U+FFFD, ours rejects it", JSON, b'[{"id":"\xed\xa0\x80"}]',
         [{**MEMBER, "id": "\ufffd" * 3, "full_name": None}], None),
        ("an overlong NUL: Python returns U+FFFD, ours rejects it", JSON, b'[{"id":"\xc0\x80"}]',
         [{**MEMBER, "id": "\ufffd" * 2, "full_name": None}], None),
        ("charset=latin-1: Python decodes Latin-1, ours rejects it, as JSON is UTF-8", {"Content-Type": "application/json; charset=latin-1"},
         latin, read_latin, None),
        ("charset=latin-1 for UTF-8: Python returns garbage, ours the text", {"Content-Type": "application/json; charset=latin-1"},
         utf8, mojibake, member),
        ("text/html without charset: Python decodes Latin-1, ours UTF-8", {"Content-Type": "text/html"}, utf8, mojibake, member),
        ("UTF-16 without content type: Python guesses it, ours rejects it", {}, json.dumps([MEMBER]).encode("utf-16"), member, None),
        ("UTF-32 without content type: Python guesses it, ours rejects it", {}, json.dumps([MEMBER]).encode("utf-32"), member, None),
        ("a byte order mark without content type: Python ignores it, ours rejects it", {}, b"\xef\xbb\xbf" + utf8, member, None),
        ("UTF-8 without content type: equal in both", {}, utf8, member, member),
        ("a byte order mark: rejected by both", JSON, b"\xef\xbb\xbf" + utf8, None, None),
        ("UTF-16 as JSON: rejected by both", JSON, json.dumps([MEMBER]).encode("utf-16"), None, None),
    ]
    with Listener() as server:
        ours, theirs = Client(server.url, "id", "secret"), Reference(server.url, "id", "secret")
        for what, headers, body, for_them, for_us in table:
            with claim(what):
                server.answer = (200, headers, body)
                if for_them is None:
                    failure(lambda: theirs.call("get_members", use_cache=False), Refused)
                else:
                    equal(theirs.call("get_members", use_cache=False), for_them, "theirs")
                if for_us is None:
                    refused = failure(lambda: ours.call("get_members", cache=CACHE_REFRESH), KalError)
                    equal((refused.status, refused.body), (600, body), "ours")
                else:
                    found = ours.call("get_members", cache=CACHE_REFRESH)
                    equal((from_structs(found.records), found.json), (for_us, body), "ours")


def not_found() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        for name, for_them in {"get_workspace": None, "get_members": Refused, "get_groups": Refused, "get_events": []}.items():
            shown = "an unexpected body" if for_them is Refused else json.dumps(for_them)
            with claim(f"{name[4:]} answered 404: {shown} in Python, which hides a wrong base URL; KAL_NOT_FOUND in ours"):
                emulator.fault(path=PATHS[name], status=404, body='{"code":"not_found"}', times=2)
                if for_them is Refused:
                    failure(lambda: pair.theirs.call(name, use_cache=False), Refused)
                else:
                    equal(pair.theirs.call(name, use_cache=False), for_them, "theirs")
                refused = failure(lambda: pair.ours.call(name, cache=CACHE_REFRESH), KalError)
                equal((refused.status, refused.http_status, refused.code), (404, 404, "not_found"), "ours")


def sign_in() -> None:
    refused_by_ours = {
        "an empty access token: it cannot be good": {**GRANTED, "access_token": ""},
        "an empty refresh token: it cannot be good": {**GRANTED, "refresh_token": ""},
        "two access tokens: which one counts is a guess": json.dumps(GRANTED)[:-1] + ',"access_token":"b-token"}',
        "NaN in it: it is no JSON": json.dumps(GRANTED)[:-1] + ',"x":NaN}',
        **{f"expires_in {json.dumps(value)}: it is not a number of seconds": {**GRANTED, "expires_in": value}
           for value in (True, False)},
    }
    for what, body in refused_by_ours.items():
        with claim(f"sign-in answered with {what}; Python accepts it, ours does not and sends no request to the API"):
            with Emulator() as emulator, Pair(emulator) as pair:
                arm_sign_in(emulator, body)
                equal(pair.theirs.call("get_members"), [], "theirs")
                equal(failure(lambda: pair.ours.call("get_members"), KalError).status, 600, "ours")
                equal(emulator.counts()["paths"], {"/auth/oauth/token": 2, "/workspaces/members": 1}, "paths")
    with claim("sign-in answered with a lifetime of 31,000 years: it is out of range in Python, ours accepts it"):
        with Emulator() as emulator, Pair(emulator) as pair:
            arm_sign_in(emulator, {**GRANTED, "expires_in": 10**12})
            failure(lambda: pair.theirs.call("get_members"), OverflowError)
            equal(pair.ours.call("get_members").records, [], "ours")
    with claim("sign-in answered with a token that is not ASCII: Python sends it as Latin-1, ours as UTF-8"):
        with Emulator() as emulator, Pair(emulator) as pair:
            arm_sign_in(emulator, {**GRANTED, "access_token": "é"})
            for client in (pair.theirs, pair.ours):
                client.call("get_members")
            sent = [dict(r["headers"])["x-kal-authorization"] for r in emulator.requests() if r["method"] == "GET"]
            # The emulator shows invalid UTF-8 as U+FFFD.
            equal(sent, ["Bearer \ufffd", "Bearer é"], "headers")


def arm_sign_in(emulator: Emulator, body) -> None:
    emulator.fault(path="/auth/oauth/token", body=body if isinstance(body, str) else json.dumps(body), times=2)
    emulator.fault(path="/workspaces/members", body="[]", times=2)


def parameters() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()

        def sent(call) -> list:
            emulator.reset()
            call()
            return [query(request) for request in emulator.requests()]

        empty = {"event_types": [], "event_user_ids": []}
        with claim("empty lists: Python sends [], in C an empty list is no filter; the answer is the same"):
            equal(sent(lambda: pair.theirs.call("get_events", **empty)), [[("event_types", []), ("event_user_ids", [])]], "theirs")
            equal(sent(lambda: pair.ours.call("get_events", **empty)), [[]], "ours")
            theirs = pair.theirs.call("get_events", **empty)
            check_answer("get_events", pair.ours.call("get_events", **empty), theirs, pair.theirs)
        with claim("None: Python sends null, which the server rejects; null through kal_call is not sent"):
            failure(lambda: pair.theirs.call("get_events", page=None), KalbioAPIError)
            equal(sent(lambda: pair.ours.door("get_events", '{"page":null,"event_types":null}')), [[]], "ours")
        with claim("page 0 is not sent with the typed query, and is sent through kal_call"):
            equal(sent(lambda: pair.ours.call("get_events", page=0, page_size=0)), [[]], "typed")
            equal(sent(lambda: failure(lambda: pair.ours.door("get_events", '{"page":0}'), KalError)), [[("page", "0")]], "door")
        with claim("Python sends filters in the caller's order, ours in the documented one"):
            backwards = {"resource_type": "task", "page_size": 5, "page": 1}
            equal(sent(lambda: pair.theirs.call("get_events", **backwards))[0][0][0], "resource_type", "theirs")
            equal([n for n, _ in sent(lambda: pair.ours.door("get_events", json.dumps(backwards)))[0]],
                  ["page", "page_size", "resource_type"], "ours")
        refused_here = {
            "an unknown filter": {"pages": 1}, "use_cache as a filter": {"use_cache": False}, "page as text": {"page": "1"},
            "a negative page": {"page": -1}, "a single event type": {"event_types": "create"},
            "a number among event types": {"event_types": ["create", 1]}, "a resource type that is a list": {"resource_type": ["task"]},
            "an invalid date": {"after_date": "yesterday"}, "a day that does not exist": {"before_date": "2026-02-30"},
            "a Unix time as date": {"after_date": "1767323045"}, "an empty date": {"after_date": ""},
        }
        for what, asked in refused_here.items():
            with claim(f"{what}: Python sends it, ours names the invalid parameter and sends nothing"):
                emulator.reset()
                ignore(lambda: pair.theirs.call("get_events", **asked))
                equal(emulator.counts()["total"], 1, "requests of theirs")
                emulator.reset()
                refused = failure(lambda: pair.ours.door("get_events", json.dumps(asked)), KalError)
                equal((refused.status, refused.attempts, emulator.counts()["total"]), (100, 0, 0), "ours")
                if next(iter(asked)) not in refused.message:
                    raise Unequal(refused.message)
        with claim("an id with a NUL matches no member in Python nor through kal_call; C strings cannot contain it"):
            for call in (pair.theirs.call("get_members_by_ids", ["a\0b"]), pair.ours.door("get_members_by_ids", '{"ids":["a\\u0000b"]}').records):
                equal(call, [], "members")


def ignore(call) -> None:
    """The emulator's response does not matter."""
    try:
        call()
    except (KalbioAPIError, Refused):
        pass


def base_url() -> None:
    with Emulator() as emulator:
        with claim("a base URL with a trailing slash: Python requests //workspaces and finds no workspace; ours works"):
            url = emulator.url + "/"
            failure(lambda: Reference(url, emulator.client_id, emulator.client_secret).call("get_workspace"), Exception)
            found = Client(url, emulator.client_id, emulator.client_secret).call("get_workspace")
            if not found.records["id"]:
                raise Unequal("no workspace")
    with Listener() as server:
        with claim("a base URL with a path: both prepend it"):
            for make in (Client, Reference):
                server.requests.clear()
                make(server.url + "/proxy/v1", "id", "secret").call("get_members")
                equal([r["target"] for r in server.requests], ["/proxy/v1/auth/oauth/token", "/proxy/v1/workspaces/members"], "targets")


def own_headers_of_http() -> None:
    """Headers added by each HTTP library."""
    with Emulator() as emulator, Pair(emulator) as pair:
        def headers(call) -> dict:
            emulator.reset()
            call()
            return dict(emulator.requests()[-1]["headers"])

        theirs = headers(lambda: pair.theirs.call("get_events"))
        ours = headers(lambda: pair.ours.call("get_events"))
        with claim("user agents differ, and name the client"):
            equal(theirs["user-agent"].split("/")[0], "python-requests", "theirs")
            equal("kaleidoscope" in ours["user-agent"].lower(), True, "ours: " + ours["user-agent"])
        with claim("both accept gzip and any content type"):
            for found in (ours, theirs):
                equal(("gzip" in found["accept-encoding"], found["accept"]), (True, "*/*"), "accept")
        with claim("neither sends a body, its length, a referrer or a cookie with a read"):
            for found in (ours, theirs):
                equal(sorted(found.keys() & {"content-length", "transfer-encoding", "referer", "cookie", "origin"}), [], "headers")


def run() -> None:
    texts()
    not_found()
    sign_in()
    parameters()
    base_url()
    own_headers_of_http()
