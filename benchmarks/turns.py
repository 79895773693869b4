"""Contestants in processes of their own, which sleep on a pipe while another one is measured.

The parent starts a `Worker` for each and asks them by turns; a contestant's script calls
`serve`. A request and its answer are a line of JSON each. Standard library only: contestants
run in a virtual environment of their own.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class AbsentError(Exception):
    """A contestant that cannot run here, and why: a package that is not installed."""


def peak_memory() -> float:
    """Return the most resident memory that this program had, in MiB.

    On Linux not by getrusage, which also counts what the process had that started the program.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class Worker:
    """A contestant's process, as the parent sees it, once it is ready.

    Parameters
    ----------
    command : sequence of str
    env : mapping of str to str
        The environment, besides this process's own.

    Attributes
    ----------
    start : float
        Seconds from the start of the process to its being ready.
    idle : float
        Seconds of processor time that it took while it was not asked for anything.

    Raises
    ------
    AbsentError
        If the contestant's Python, or a package that it imports, is not installed.
    SystemExit
        With what it wrote to stderr, if the contestant died.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.idle = 0.0
        self._command = shlex.join(command)
        begin = time.perf_counter()
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        try:
            self._process = subprocess.Popen(
                command,
                env=os.environ | env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
            )
        except FileNotFoundError:
            raise AbsentError(f"there is no {command[0]}") from None
        self._receive()
        self.start = time.perf_counter() - begin

    def ask(self, **request) -> dict:
        """Send a request and wait for the answer.

        Raises
        ------
        SystemExit
            With what it wrote to stderr, if the contestant died.
        """
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # _receive says why
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        answer = self._receive()
        self.idle += answer.pop("idle")
        return answer

    def _receive(self) -> dict:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if line:
            return json.loads(line)
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip()
        last = said.rpartition("\n")[2]
        if last.startswith("ModuleNotFoundError"):
            raise AbsentError(last.partition(": ")[2])
        raise SystemExit(f"{self._command} died:\n{said}")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def serve(answer: Callable[..., Mapping]) -> None:
    """Answer the parent's requests, ``answer(**request)``, until it hangs up.

    What the contestant prints goes to stderr: stdout is the pipe.
    """
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def send(reply) -> None:
        replies.write(json.dumps(reply) + "\n")
        replies.flush()

    send({"ready": True})
    asleep = time.process_time()
    for line in sys.stdin:
        idle = time.process_time() - asleep
        send(dict(answer(**json.loads(line)), idle=idle))
        asleep = time.process_time()
