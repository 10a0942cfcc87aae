"""The emulator's admin requests for the shell tests: admin.py COMMAND

sent        the API requests that came in since the last time, one a line, with their queries readable
lists       the same without the further requests of a list: those with the same filters but other dates and page numbers
seen PATH   whether a request of that path has come in
count PATH  how many requests of that path have come in
fault JSON  adds a fault
post NAME JSON  another admin request with a body: post events '{"count": 3}'
all FILE    writes what the API answers, without the library: {"workspace": ..., "members": ..., "groups": ..., "events": ...}
serve       runs commands from standard input, since starting Python for each takes longer than the request: the URL of the emulator
            and the arguments, one a line, then an empty line. Prints each line of output with a + before it, then the exit status
"""

import contextlib
import io
import json
import os
import sys
import traceback
import urllib.parse
import urllib.request

url = os.environ.get("KALEIDOSCOPE_API_URL")


def text_of(path, body=None, headers={}):
    with urllib.request.urlopen(urllib.request.Request(url + path, body, headers)) as answer:
        return answer.read().decode()


def ask(path, body=None, headers={}):
    return json.loads(text_of(path, body, headers))


def requests():
    """The path and the readable parameters of each API request since the last time."""
    for request in ask("/__emulator/requests"):
        if request["path"].startswith("/workspaces/"):
            yield request["path"].removeprefix("/workspaces/"), urllib.parse.unquote_plus(request["query"])
    ask("/__emulator/reset", b"")


def sent():
    for path, query in requests():
        print(f"{path} {query}".strip())


def lists():
    known = None
    for path, query in requests():
        parameters = [each for each in query.split("&") if each and not each.startswith(("page=", "page_size="))]
        filters = path, [each for each in parameters if not each.startswith(("after_date=", "before_date="))]
        if filters != known:
            print(f"{path} {'&'.join(parameters)}".strip())
        known = filters


def seen(path):
    sys.exit(path not in ask("/__emulator/counts")["paths"])


def count(path):
    print(ask("/__emulator/counts")["paths"].get(path, 0))


def fault(fault):
    ask("/__emulator/faults", fault.encode())


def post(name, body):
    ask("/__emulator/" + name, body.encode())


def all(file):
    form = {"grant_type": "client_credentials", "client_id": "demo-client", "client_secret": "demo-secret"}
    token = ask("/auth/oauth/token", urllib.parse.urlencode(form).encode())["access_token"]
    headers = {"X-Kal-Authorization": "Bearer " + token}
    paths = {"workspace": "active", "members": "members", "groups": "groups", "events": "events?page_size=1000"}
    # As sent: escapes are kept.
    answers = ['"%s": %s' % (name, text_of("/workspaces/" + path, headers=headers)) for name, path in paths.items()]
    with open(file, "w") as out:
        out.write("{" + ", ".join(answers) + "}")
    ask("/__emulator/reset", b"")


def serve():
    global url
    words = []
    for line in sys.stdin:
        if line != "\n":
            words.append(line.rstrip("\n"))
            continue
        printed, status = io.StringIO(), 0
        try:
            with contextlib.redirect_stdout(printed):
                url, name, *arguments = words
                commands[name](*arguments)
        except SystemExit as end:
            status = int(end.code)
        except Exception:
            printed.write(traceback.format_exc())
            status = 1
        text = printed.getvalue()
        print("".join(f"+{each}\n" for each in text.removesuffix("\n").split("\n") if text) + str(status), flush=True)
        words = []


commands = {"sent": sent, "lists": lists, "seen": seen, "count": count, "fault": fault, "post": post, "all": all, "serve": serve}
if __name__ == "__main__":
    commands[sys.argv[1]](*sys.argv[2:])
