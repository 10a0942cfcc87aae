"""The emulator's page in a browser: what it shows, its buttons, and that nothing in a request or a fault is run.

Seen red: markup is text, and no error, without escaping `<`; it refreshes itself, without the timer; the focus, without restoring it,
and together with the names, without those of the buttons that remove a fault; the buttons, when one does nothing; the tab key, without
`tabindex`; the screens, without `color-scheme`, and without tables that scroll; without JavaScript, with forms that do not post;
nobody else, and no error, with a style sheet of another host; the policy, without it; the end of the emulator, without the message.
"""

import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

from claims import claim, close, equal
from devtools import Browser
from emulator import Emulator

MARKUP = "<img src=x onerror=\"window.ran=1\"><script>window.ran=1</script>"
RESET, EXPIRE, REVOKE, FORGET = (f"button[value={name}]" for name in ("reset", "expire-tokens", "revoke-refresh-tokens", "forget-requests"))


class Api:
    """A client of the API, with a pair of tokens."""

    def __init__(self, emulator: Emulator):
        self.emulator = emulator
        _, pair = self.form(grant_type="client_credentials", client_id=emulator.client_id, client_secret=emulator.client_secret)
        self.access, self.refresh = pair["access_token"], pair["refresh_token"]

    def send(self, path: str, body: bytes | None, headers: dict) -> tuple[int, object]:
        request = urllib.request.Request(self.emulator.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def form(self, **fields) -> tuple[int, dict]:
        return self.send("/auth/oauth/token", urllib.parse.urlencode(fields).encode(), {})

    def get(self, path: str) -> int:
        return self.send(path, None, {"X-Kal-Authorization": f"Bearer {self.access}"})[0]

    def refreshes(self) -> bool:
        return self.form(grant_type="refresh_token", refresh_token=self.refresh)[0] == 200


def shows(text: str) -> str:
    return f"(document.body?.innerText ?? '').includes({json.dumps(text)})"


def figure(name: str, value: object) -> str:
    """Whether the list of the state has this."""
    return f"[...document.querySelectorAll('dt')].some(dt => dt.textContent === {json.dumps(name)} && " \
           f"dt.nextElementSibling.textContent === {json.dumps(str(value))})"


def shows_state(browser: Browser, emulator: Emulator):
    browser.open(f"{emulator.url}/")
    for name, value in (("URL", emulator.url), ("Seed", 7), ("Members", 12), ("Groups", 4), ("Events", 250), ("Requests", 0)):
        assert browser.evaluate(figure(name, value)), (name, value)


def refreshes_itself(browser: Browser, emulator: Emulator):
    emulator.fault(path="/workspaces/groups", status=503)
    api = Api(emulator)
    equal(api.get("/workspaces/groups?a=1"), 503)
    row = "GET\t/workspaces/groups?a=1\t503\t1"
    browser.until(shows(row) + " && " + figure("Valid access tokens", 1))
    browser.until(shows('1\t1\tno\t{"path":"/workspaces/groups","status":503}'))


def presses(browser: Browser, emulator: Emulator):
    """Each button, by keyboard; then the emulator's state."""
    api = Api(emulator)
    browser.press(EXPIRE)
    browser.until(figure("Valid access tokens", 0))
    equal(api.get("/workspaces/members"), 401)
    browser.press(REVOKE)
    browser.until(figure("Usable refresh tokens", 0))
    assert not api.refreshes()
    total = emulator.counts()["total"]
    browser.press(FORGET)
    browser.until("document.querySelector('#requests').innerText.includes('None.')")
    equal((emulator.requests(), emulator.counts()["total"]), ([], total))
    emulator.fault(path="/a")
    emulator.fault(path="/b")
    browser.until(shows('{"path":"/b"}'))
    browser.press("#faults tbody tr:first-child button")
    browser.until("!" + shows('{"path":"/b"}'))
    equal([listed["fault"]["path"] for listed in emulator.steer("faults")], ["/workspaces/groups", "/a"])
    browser.press(RESET)
    browser.until("document.querySelector('#faults').innerText.includes('None.')")
    equal((emulator.steer("faults"), emulator.counts()["total"]), ([], 0))


def keeps_the_focus(browser: Browser, emulator: Emulator):
    emulator.fault(path="/first")
    browser.until(shows("/first"))
    focus = "document.activeElement.ariaLabel"
    browser.evaluate("document.querySelector('#faults button').focus()")
    focused = browser.evaluate(focus)
    emulator.fault(path="/second")
    browser.until(shows("/second"))
    equal((focused.split()[:2], browser.evaluate(focus)), (["Remove", "fault"], focused))


def is_reached_by_tab(browser: Browser):
    """Every button, and every table that scrolls."""
    browser.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    wanted = browser.evaluate("document.querySelectorAll('button, .scroll').length")
    reached = set()
    for _ in range(wanted + 1):
        browser.key("Tab", 9)
        reached.add(browser.evaluate("document.activeElement.id || document.activeElement.value"))
    equal(len(reached - {None, ""}), wanted, str(reached))


def runs_nothing(browser: Browser, emulator: Emulator):
    emulator.fault(path="/none", body=MARKUP, headers={"x": MARKUP}, query={MARKUP: MARKUP}, request_body=MARKUP)
    Api(emulator).get("/%3Cimg%20src=x%20onerror=window.ran=1%3E?a='&lt;")
    browser.until(shows("<img src=x onerror=") + " && " + shows("/%3Cimg%20src=x%20onerror=window.ran=1%3E?a='&lt;"))
    browser.open(f"{emulator.url}/")
    equal(browser.evaluate("[document.images.length, document.scripts.length, typeof window.ran]"), [0, 1, "undefined"])


def is_accessible(browser: Browser):
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for node in nodes:
        named.setdefault(node.get("role", {}).get("value", ""), []).append(node.get("name", {}).get("value", ""))
    assert all(named["button"]) and len(set(named["button"])) == len(named["button"]) >= 5, named["button"]
    equal(named["heading"], ["Kaleidoscope emulator", "State", "Control", "Faults", "Last requests"])
    equal(named["columnheader"], ["Id", "Used", "Active", "Fault", "Remove", "Time", "Method", "Path", "Status", "Fault"])
    assert "main" in named and "status" in named and all(named["region"]), named
    equal(browser.evaluate("[document.documentElement.lang, document.title]"), ["en", "Kaleidoscope emulator"])


def suits_every_screen(browser: Browser):
    browser.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=False)
    width = browser.evaluate("document.documentElement.scrollWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert width <= 320, f"{width} of 320 pixels"
    colours = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        colours.append(browser.evaluate("getComputedStyle(document.body).color"))
    equal(colours, ["rgb(0, 0, 0)", "rgb(255, 255, 255)"])


def needs_no_script(browser: Browser, emulator: Emulator):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    emulator.fault(path="/unscripted")
    browser.open(f"{emulator.url}/")
    assert browser.evaluate(shows("/unscripted") + " && " + shows("Without JavaScript"))
    browser.press(RESET)
    browser.until("!" + shows("/unscripted") + " && document.readyState === 'complete'")
    equal((emulator.steer("faults"), browser.evaluate("location.href")), ([], f"{emulator.url}/"))
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    browser.open(f"{emulator.url}/")


def asks_nobody_else(browser: Browser, emulator: Emulator):
    urls = {request["request"]["url"] for request in browser.seen("Network.requestWillBeSent")}
    assert f"{emulator.url}/" in urls
    equal({url for url in urls if not url.startswith((f"{emulator.url}/", "data:"))}, set())


def reports_nothing(browser: Browser):
    """Neither in the console, nor as a violation of the policy, nor as an exception."""
    equal(browser.seen("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"), [])


def is_not_recorded(emulator: Emulator):
    equal([request["path"] for request in emulator.requests() if request["path"] in ("/", "/favicon.ico")], [])


def has_a_policy(browser: Browser):
    """What would run if something were not escaped."""
    violated = browser.evaluate("""new Promise(resolve => {
        addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective));
        document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = 1">');
    })""")
    equal((violated, browser.evaluate("typeof window.ran")), ("script-src-attr", "undefined"))


def main() -> int:
    with Browser(os.environ["KAL_CHROMIUM"]) as browser:
        with Emulator(seed=7) as emulator:
            with claim("the page shows the emulator's state"):
                shows_state(browser, emulator)
            with claim("the page refreshes itself"):
                refreshes_itself(browser, emulator)
            with claim("each button does what it says, by keyboard"):
                presses(browser, emulator)
            with claim("the focus stays when the page is refreshed"):
                keeps_the_focus(browser, emulator)
            with claim("markup in requests and faults is text"):
                runs_nothing(browser, emulator)
            with claim("everything is reached by the tab key"):
                is_reached_by_tab(browser)
            with claim("headings, buttons, tables and regions have names"):
                is_accessible(browser)
            with claim("the page fits into 320 pixels, and has a dark scheme"):
                suits_every_screen(browser)
            with claim("the page and its buttons work without JavaScript"):
                needs_no_script(browser, emulator)
            with claim("the page sends requests to the emulator alone"):
                asks_nobody_else(browser, emulator)
            with claim("the browser reports no error and no violation of the policy"):
                reports_nothing(browser)
            with claim("the page's requests are not recorded"):
                is_not_recorded(emulator)
            with claim("the policy stops a handler that is not escaped"):
                has_a_policy(browser)
        with claim("the page says when the emulator has ended"):
            browser.until(shows("The emulator does not answer"))
    return close()


sys.exit(main())
