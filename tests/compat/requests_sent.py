"""The requests of both clients, as recorded by the emulator: method, path, query, headers, token forms, and no duplicates."""

import json
from urllib.parse import parse_qsl, unquote

from claims import Unequal, claim, equal
from compare import Pair, subsets
from emulator import Emulator
from kaleidoscope_ctypes import CACHE_REFRESH, CACHE_USE

TOKEN = "/auth/oauth/token"
LISTS = ("event_types", "event_user_ids")
# Headers of each client's HTTP library that carry no information about the call.
OWN_HEADERS = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}


def query(request: dict) -> list:
    """Names and decoded values, in the order sent; a JSON array counts as its value."""
    # As strict as a server may be: nothing ambiguous.
    pairs = parse_qsl(request["query"], keep_blank_values=True, strict_parsing=bool(request["query"]), errors="strict")
    return [(name, json.loads(value) if name in LISTS else value) for name, value in pairs]


def headers(request: dict) -> dict:
    """The headers that matter."""
    pairs = [(k, v) for k, v in request["headers"] if k not in OWN_HEADERS]
    equal(len(dict(pairs)), len(pairs), "headers given twice")
    return dict(pairs)


def shown(request: dict) -> dict:
    """A request as compared; tokens are replaced by a placeholder, as the two clients have different ones."""
    found = {"method": request["method"], "path": request["path"], "query": query(request), "headers": headers(request)}
    if request["path"] == TOKEN:
        form = parse_qsl(request["body"], keep_blank_values=True, strict_parsing=True)
        found["form"] = [(k, "<token>" if k == "refresh_token" else v) for k, v in form]
    else:
        bearer(request)
        found["headers"]["x-kal-authorization"] = "Bearer <token>"
        found["body"] = request["body"]
    return found


def bearer(request: dict) -> str:
    """The access token of a request, in the only valid form."""
    value = dict(request["headers"]).get("x-kal-authorization", "")
    if not value.startswith("Bearer kal-at-") or " " in value[7:]:
        raise Unequal(f"X-Kal-Authorization is {value!r}")
    return value[7:]


def check_secrets(emulator: Emulator, requests: list[dict]) -> None:
    """Checks that the client secret is only in client-credentials forms, and tokens only in their own header or form."""
    tokens = {bearer(r) for r in requests if r["path"] != TOKEN}
    forms = [dict(parse_qsl(r["body"])) for r in requests if r["path"] == TOKEN]
    refresh = {form["refresh_token"] for form in forms if "refresh_token" in form}
    for request in requests:
        places = {k: v for k, v in request["headers"] if k != "x-kal-authorization"}
        places |= {"path": request["path"], "query": request["query"]}
        if request["path"] != TOKEN:
            places["body"] = request["body"]
        for place, text in places.items():
            for secret in (emulator.client_secret, *tokens, *refresh):
                if secret in text or secret in unquote(text.replace("+", " ")):
                    raise Unequal(f"a secret is in {place} of {request['path']}")
    for form in forms:
        equal("client_secret" in form, form["grant_type"] == "client_credentials", "secret in the form")
        if form.keys() & {"client_secret"} and form["client_secret"] != emulator.client_secret:
            raise Unequal("the secret arrived changed")


class Sent:
    """Runs the same calls on both clients, and returns the requests of each."""

    def __init__(self, pair: Pair):
        self.pair = pair

    def by(self, action) -> list[dict]:
        emulator = self.pair.emulator
        emulator.reset()
        action()
        sent = emulator.requests()
        check_secrets(emulator, sent)
        return [shown(request) for request in sent]

    def same(self, ours, theirs, count: int) -> list[dict]:
        mine, other = self.by(ours), self.by(theirs)
        equal(mine, other, "requests")
        equal(len(mine), count, "number of requests")
        return mine


def reads() -> None:
    """A fresh pair for each, so that sign-in is compared too."""
    with Emulator() as emulator:
        ids = ["nobody"]
        for name in ("get_workspace", "get_members", "get_groups", "get_members_by_ids", "get_groups_by_ids", "get_events"):
            arguments = [ids] if name.endswith("_by_ids") else []
            params = json.dumps({"ids": ids}) if arguments else None
            cached = name != "get_events"
            calls = {"typed": lambda p: p.ours.call(name, *arguments), "door": lambda p: p.ours.door(name, params)}
            for kind, call in calls.items():
                with Pair(emulator) as pair:
                    sent = Sent(pair)
                    with claim(f"{name} ({kind}): one token request, then the same request"):
                        sent.same(lambda: call(pair), lambda: pair.theirs.call(name, *arguments), 2)
                    again = "sends nothing" if cached else "sends another request with the same token"
                    with claim(f"{name} ({kind}), a second time, {again}"):
                        sent.same(lambda: call(pair), lambda: pair.theirs.call(name, *arguments), 0 if cached else 1)
        with Pair(emulator) as pair:
            lists = {"get_members": "get_members_by_ids", "get_groups": "get_groups_by_ids"}
            for name, by_ids in lists.items():
                with claim(f"{by_ids} after {name} sends nothing"):
                    pair.ours.call(name)
                    pair.theirs.call(name)
                    Sent(pair).same(lambda: pair.ours.call(by_ids, ids), lambda: pair.theirs.call(by_ids, ids), 0)
            for name in ("get_workspace", *lists):
                with claim(f"{name} bypassing the cache sends one request, and the answer is cached"):
                    pair.ours.call(name)
                    pair.theirs.call(name)
                    sent = Sent(pair)
                    refresh = lambda: pair.ours.call(name, cache=CACHE_REFRESH)  # noqa: E731
                    sent.same(refresh, lambda: pair.theirs.call(name, use_cache=False), 1)
                    sent.same(lambda: pair.ours.call(name, cache=CACHE_USE), lambda: pair.theirs.call(name), 0)


EVERY = {
    "page": 2,
    "page_size": 50,
    "event_types": ["create", "update é", "日本 \"😀\" \\ / &+%"],
    "resource_type": "task & \"x\" é+%/?#\u2028😀",
    "event_user_ids": ["u-1", ""],
    "after_date": "2026-01-02T03:04:05.678901+05:30",
    "before_date": "2026-02-03T04:05:06Z",
}


def queries() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        pair.sign_in()
        sent = Sent(pair)
        for asked in subsets(EVERY):
            with claim(f"get_events with {', '.join(asked) or 'nothing'} sends the same query, in the same order"):
                theirs = lambda: pair.theirs.call("get_events", **asked)  # noqa: E731
                sent.same(lambda: pair.ours.call("get_events", **asked), theirs, 1)
                sent.same(lambda: pair.ours.door("get_events", json.dumps(asked)), theirs, 1)
        for number in (1, 9, 2**31 - 1):
            with claim(f"page {number} is sent with the same digits"):
                asked = {"page": number, "page_size": number}
                sent.same(lambda: pair.ours.call("get_events", **asked), lambda: pair.theirs.call("get_events", **asked), 1)
        for text in [*map(chr, range(1, 128)), "\x80", "ÿ", "€", "\ufeff", "\U0010ffff"]:
            with claim(f"a filter with U+{ord(text):04X} is sent the same"):
                asked = {"event_types": [text], "resource_type": text, "event_user_ids": [text, text]}
                sent.same(lambda: pair.ours.call("get_events", **asked), lambda: pair.theirs.call("get_events", **asked), 1)
        with claim("page 0 is sent the same through kal_call"):
            call = lambda f: lambda: refused(f)  # noqa: E731
            sent.same(call(lambda: pair.ours.door("get_events", '{"page":0}')),
                      call(lambda: pair.theirs.call("get_events", page=0)), 1)


def refused(call) -> None:
    """Only the request matters; the server is known to reject it."""
    try:
        call()
    except Exception as why:  # noqa: BLE001 - each client has its own
        if "422" not in str(why):
            raise
    else:
        raise Unequal("the server took it")


def own_headers() -> None:
    extra = {"X-Extra": "1", "X-Other": "two; words=\"q\"", "Authorization": "Basic cHJveHk6c2VjcmV0"}
    for what, options in {
        "additional headers": {"headers": extra},
        "a content type of one's own": {"headers": {"X-Extra": "1", "content-type": "application/x-www-form-urlencoded"}},
        "a token of the identity-aware proxy": {"iap_token": "iap.token-1"},
        "both": {"iap_token": "iap.token-1", "headers": {"X-Extra": "1"}},
        "an Authorization of one's own over the proxy's": {"iap_token": "iap.token-1", "headers": {"Authorization": "Bearer mine"}},
    }.items():
        mine = options.get("headers", {}).get("Authorization") == "Bearer mine"
        iap = {"iap_token": "mine" if mine else options["iap_token"]} if "iap_token" in options else {}
        with Emulator(**iap) as emulator, Pair(emulator, **options) as pair:
            with claim(f"{what}: sent the same, including the token request"):
                sent = Sent(pair).same(lambda: pair.ours.call("get_members"), lambda: pair.theirs.call("get_members"), 2)
                expected = {k.lower(): v for k, v in options.get("headers", {}).items()}
                if iap:
                    expected["authorization"] = "Bearer " + iap["iap_token"]
                for request in sent:
                    found = {k: v for k, v in request["headers"].items() if k in expected}
                    equal(found, expected, request["path"])


def token_requests() -> None:
    with Emulator() as emulator, Pair(emulator) as pair:
        sent = Sent(pair)
        with claim("sign-in: the same form fields in the same order, and no X-Kal-Authorization"):
            first = sent.same(lambda: pair.ours.call("get_events"), lambda: pair.theirs.call("get_events"), 2)[0]
            equal([name for name, _ in first["form"]], ["grant_type", "client_id", "client_secret"], "fields")
            equal(first["headers"], {"content-type": "application/x-www-form-urlencoded"}, "headers")
        with claim("a refresh: the same form fields in the same order, without the client's id and secret"):
            # Ours learns of the expiry from a 401; from there on the requests are the same.
            refused, *mine = sent.by(lambda: ours_after_401(pair))
            equal(mine, sent.by(lambda: theirs_when_due(pair)), "requests")
            equal(refused, mine[-1], "the request that is sent again")
            equal(mine[0]["form"], [("grant_type", "refresh_token"), ("refresh_token", "<token>")], "form")
        with claim("a refresh token is used once: the next refresh uses the next one"):
            for refresh in (ours_after_401, theirs_when_due):
                emulator.reset()
                refresh(pair)
                refresh(pair)
                equal(emulator.counts()["reused_refresh_tokens"], 0, "reused")
                equal(emulator.counts()["token_refresh"], 2, "refreshes")
        with claim("a rejected refresh falls back to the client credentials in the same call"):
            emulator.steer("revoke-refresh-tokens", {})
            mine = sent.by(lambda: ours_after_401(pair))
            emulator.steer("revoke-refresh-tokens", {})
            other = sent.by(lambda: theirs_when_due(pair))
            equal([r for r in mine if r["path"] == TOKEN], [r for r in other if r["path"] == TOKEN], "token requests")
            grants = [dict(r["form"])["grant_type"] for r in mine if r["path"] == TOKEN]
            equal(grants, ["refresh_token", "client_credentials"], "grants")


def ours_after_401(pair: Pair) -> None:
    """Our client refreshes when the server rejects the token."""
    pair.emulator.steer("expire-tokens", {})
    pair.ours.call("get_events")


def theirs_when_due(pair: Pair) -> None:
    """The Python client refreshes by the clock alone."""
    pair.theirs.client._auth_refresh_before = pair.theirs.client._auth_refresh_before.min
    pair.theirs.call("get_events")


def run() -> None:
    reads()
    queries()
    own_headers()
    token_requests()
