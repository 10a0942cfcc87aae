"""Runs samples that loop over kal_stream_next or kal_queue_next, with faults in the middle.

Each must return every event or completion once, survive transient failures, end with a permanent one, and free every error and
result. A sample is compiled unchanged, with loops.h before it.

Seen red: kal_error_free or kal_result_free removed ("left 4 errors, 0 results"), KAL_TIMED_OUT for KAL_NOT_READY ("exits with
-11"), `break` for `running = 0` ("left 1 errors"), `retryable` not checked in a loop over events ("1 KAL_SERVICE_UNAVAILABLE"
is missing, "timed out"), no end at a permanent failure ("KAL_FORBIDDEN: 5"), a queue that is not shut down before it is drained
("{}"), a handler that fires nothing ("KAL_OK").
"""

import collections
import os
import pathlib
import subprocess
import tempfile
import threading

from emulator import Emulator

HEADER = pathlib.Path(__file__).with_name("loops.h")
EVENTS = "/workspaces/events"
MEMBERS = "/workspaces/members"
PATIENCE = 120
# A request that hangs until it times out, and two that fail.
TRANSIENT = [{"drop": "hang"}, {"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}]
FAILURES = {"KAL_TIMED_OUT": 1, "KAL_SERVICE_UNAVAILABLE": 1, "KAL_RATE_LIMITED": 1}
PERMANENT = {"status": 403, "times": 0}

# The variables that a sample without a main uses.
BODY = """
int main(void)
{
    kal_client client = KAL_NONE;
    kal_queue queue = KAL_NONE;
    kal_stream stream = KAL_NONE;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    const char *saved_cursor = NULL;
    void *my_data = &running;
    (void)result, (void)saved_cursor, (void)my_data;
    if (kal_client_open(NULL, &client, &error) != KAL_OK)
        goto failed;
    saved_cursor = CURSOR;
    queue = QUEUE;
    sample_step("ready", result, error);
    {
SAMPLE
    }
    kal_stream_free(stream);
    kal_queue_close(queue);
    kal_client_close(client);
    free((void *)saved_cursor);
    return 0;
failed:
    fprintf(stderr, "%s\\n", kal_error_get(error)->message);
    return 1;
}
"""

# A program that a sample's signal handler interrupts before its call.
INTERRUPTED = """
#include <signal.h>

SAMPLE
int main(void)
{
    kal_client client = KAL_NONE;
    kal_call_options options = KAL_CALL_OPTIONS_INIT;
    kal_result result = KAL_NONE;
    kal_error error = KAL_NONE;
    kal_status status = kal_client_open(NULL, &client, &error);
    if (status != KAL_OK || kal_cancel_open(&interrupted, &error) != KAL_OK)
        return 1;
    options.cancel = interrupted;
    signal(SIGINT, on_interrupt);
    raise(SIGINT);
    status = kal_workspace_get_members(client, &options, &result, &error);
    sample_step(kal_status_name(status), result, error);
    kal_error_free(error);
    kal_result_free(result);
    kal_cancel_close(interrupted);
    kal_client_close(client);
    return 0;
}
"""


def has_handler(sample: str) -> bool:
    return "static void on_interrupt(" in sample


def is_drain(sample: str) -> bool:
    """Whether it takes the completions of a queue that the program has filled."""
    return "kal_queue_shutdown(queue)" in sample and "kal_queue_open" not in sample


def body(sample: str) -> str:
    """A program with this as its body; a signal handler stands before it."""
    if has_handler(sample):
        return INTERRUPTED.replace("SAMPLE", sample)
    cursor = "sample_cursor(client)" if "saved_cursor" in sample else "NULL"
    queue = "sample_queue(client)" if is_drain(sample) else "queue"
    return BODY.replace("CURSOR", cursor).replace("QUEUE", queue).replace("SAMPLE", sample)


def has_loop(code: str) -> bool:
    return "while (" in code and any(f"{name}_next(" in code for name in ("kal_stream", "kal_queue"))


class Run:
    """A run of a program: at each step `react(status, ids)` decides whether it goes on ("go" or "stop")."""

    def __init__(self, program: str | list[str], emulator: Emulator, react, **environment: str):
        self.statuses, self.ids, self.messages = collections.Counter(), [], []
        environment |= {"KALEIDOSCOPE_API_URL": emulator.url, "KALEIDOSCOPE_API_CLIENT_ID": emulator.client_id,
                        "KALEIDOSCOPE_API_CLIENT_SECRET": emulator.client_secret}
        command = [program] if isinstance(program, str) else program
        with tempfile.TemporaryFile("w+") as printed:
            process = subprocess.Popen(command, env=os.environ | environment, stdin=subprocess.PIPE, stdout=printed,
                                       stderr=subprocess.PIPE, text=True)
            watchdog = threading.Timer(PATIENCE, process.kill)
            watchdog.start()
            with process:
                for line in process.stderr:
                    self.line(line, process, react)
            watchdog.cancel()
            printed.seek(0)
            self.printed = printed.read()
        self.code = process.returncode
        said = f"{dict(self.statuses)} {self.messages}"
        assert self.code in (0, 1), f"it exits with {self.code}: {said}"
        assert self.messages.pop() == "left 0 errors, 0 results", said

    def line(self, line: str, process: subprocess.Popen, react):
        words = line.split()
        if words[:1] != ["step"]:
            self.messages.append(line.strip())
            return
        self.statuses[words[1]] += 1
        self.ids += words[2:]
        process.stdin.write(f"{react(words[1], self.ids) or 'go'}\n")
        process.stdin.flush()

    def has(self, **statuses: int):
        """A busy machine may time out more requests."""
        for status, least in statuses.items():
            assert self.statuses[status] >= least, f"{least} {status}: {dict(self.statuses)} {self.messages}"


def returned(ids: list[str], expected: list[str]):
    assert sorted(ids) == sorted(expected), f"{len(ids)} events instead of {len(expected)}"


def posted(emulator: Emulator, count: int) -> list[str]:
    return emulator.steer("events", {"count": count, "event_type": "create"})["ids"]


def follows(program: str | list[str]):
    """Faults before the first page, between pages, and none."""
    batches = [TRANSIENT, [{"status": 503, "after": 1}], []]
    arrived = []
    with Emulator(events=5, page_size=2) as emulator:

        def react(status: str, ids: list[str]) -> str | None:
            if status not in ("ready", "KAL_NOT_READY") or len(ids) < len(arrived):
                return None
            if not batches:
                return "stop"
            for fault in batches.pop(0):
                emulator.fault(path=EVENTS, **fault)
            arrived.extend(posted(emulator, 5))
            return None

        run = Run(program, emulator, react, SAMPLE_ATTEMPTS="1")
    assert run.code == 0, run.messages
    run.has(**FAILURES, KAL_NOT_READY=1)
    returned(run.ids, arrived)


def ends(program: str | list[str]):
    with Emulator(events=5) as emulator:

        def react(status: str, _) -> None:
            if status == "ready":
                emulator.fault(path=EVENTS, **PERMANENT)

        run = Run(program, emulator, react, SAMPLE_ATTEMPTS="1")
    assert (run.code, run.ids, run.statuses["KAL_FORBIDDEN"]) == (0, [], 1), (run.code, run.statuses)


def reads_all(program: str | list[str]):
    """Prints every event; the faults come after the first page."""
    for faults, code in ((TRANSIENT, 0), ([PERMANENT], 1)):
        with Emulator(events=0, page_size=10) as emulator:
            expected = posted(emulator, 50)

            def react(_, ids: list[str], faults=list(faults)) -> None:
                if ids and faults:
                    for fault in faults:
                        emulator.fault(path=EVENTS, **fault)
                    faults.clear()

            run = Run(program, emulator, react, SAMPLE_ATTEMPTS="1")
        assert run.code == code, (run.code, run.messages)
        printed = [line.split()[-1] for line in run.printed.splitlines()]
        returned(printed, run.ids)
        if code == 0:
            returned(run.ids, expected)
            run.has(**FAILURES, KAL_NOT_READY=1)
        else:
            assert 0 < len(run.ids) < len(expected) and run.statuses["KAL_FORBIDDEN"] == 1, run.statuses


def completes(program: str | list[str], calls: int):
    """`calls` calls, one of them of the members: the library retries a transient failure, and returns a permanent one."""
    for fault, failed in (({"status": 503}, 0), (PERMANENT, 1)):
        with Emulator() as emulator:
            emulator.fault(path=MEMBERS, **fault)
            run = Run(program, emulator, lambda *_: None)
        assert run.code == 0, run.messages
        ended = (run.statuses["KAL_OK"], run.statuses["KAL_FORBIDDEN"])
        assert ended == (calls - failed, failed), (run.statuses, run.messages)


def drains(program: str | list[str]):
    """Gets back each of the three calls that loops.h submits."""
    with Emulator() as emulator:
        emulator.fault(path=MEMBERS, drop="hang", times=0)
        run = Run(program, emulator, lambda *_: None)
    assert (run.code, run.statuses["KAL_CANCELLED"]) == (0, 3), (run.statuses, run.messages)


def interrupts(program: str | list[str]):
    with Emulator() as emulator:
        run = Run(program, emulator, lambda *_: None)
    assert (run.code, run.statuses["KAL_CANCELLED"]) == (0, 1), (run.statuses, run.messages)


def check(program: str | list[str], code: str):
    """Runs the compiled sample `code` as its calls require."""
    if has_handler(code):
        interrupts(program)
    elif is_drain(code):
        drains(program)
    elif "kal_workspace_follow_events" in code:
        follows(program)
        ends(program)
    elif "kal_workspace_stream_events" in code:
        reads_all(program)
    else:
        completes(program, code.count("kal_submit("))
