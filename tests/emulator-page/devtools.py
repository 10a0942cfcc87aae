"""A headless Chromium with one tab, through the DevTools protocol on a pair of pipes."""

import fcntl
import json
import os
import select
import tempfile
import time

PATIENCE = 60
# Without a sandbox, because root has none; without what the browser itself would send.
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"]


def pipe() -> tuple[int, int]:
    """Its ends have numbers that the child's do not replace."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]


class Browser:
    """`events` has what the browser reported of the tab: messages with `method` and `params`."""

    def __init__(self, program: str):
        self.folder = tempfile.TemporaryDirectory()
        log = os.path.join(self.folder.name, "log")
        commands, self.commands = pipe()
        self.answers, answers = pipe()
        actions = [(os.POSIX_SPAWN_DUP2, commands, 3), (os.POSIX_SPAWN_DUP2, answers, 4),
                   (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT, 0o600)]
        arguments = [program, *ARGUMENTS, f"--user-data-dir={self.folder.name}/profile", "about:blank"]
        self.process = os.posix_spawnp(program, arguments, os.environ, file_actions=actions)
        os.close(commands)
        os.close(answers)
        self.log, self.unread, self.events, self.number, self.session = log, b"", [], 0, None
        tab = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # It ends when its pipe does.
        os.close(self.commands)
        os.waitpid(self.process, 0)
        os.close(self.answers)
        self.folder.cleanup()

    def _next_message(self, deadline: float) -> dict:
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.answers], [], [], max(0, deadline - time.monotonic()))
            octets = os.read(self.answers, 1 << 16) if ready else b""
            if not octets:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError(f"the browser has ended, or does not answer {PATIENCE} s long: {log.read()[-2000:]}")
            self.unread += octets
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, **parameters):
        """Sends a command, and returns its result."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        rest = json.dumps(command).encode() + b"\0"
        while rest:
            rest = rest[os.write(self.commands, rest):]
        # Events go on arriving while an answer does not.
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next_message(deadline)
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def evaluate(self, expression: str):
        """The value of an expression in the page; a promise is awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str):
        """Waits for an expression to be true in the page; while another document is loaded, there may be none to ask."""
        deadline, last = time.monotonic() + PATIENCE, None
        while True:
            try:
                last = self.evaluate(expression)
            except RuntimeError as why:
                last = why
            if last is True:
                return
            text = "document.body?.innerText"
            assert time.monotonic() < deadline, f"never true: {expression}: {last}; the page is {self.evaluate(text)}"
            time.sleep(0.05)

    def open(self, url: str):
        self.call("Page.navigate", url=url)
        self.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def key(self, key: str, code: int, text: str = ""):
        """Presses a key and releases it."""
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def press(self, button: str):
        """Presses the button of this selector by keyboard."""
        self.evaluate(f"document.querySelector({json.dumps(button)}).focus()")
        self.key("Enter", 13, "\r")

    def seen(self, *methods: str) -> list[dict]:
        """The parameters of these events."""
        return [event["params"] for event in self.events if event.get("method") in methods]
