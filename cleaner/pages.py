"""Pages, parsed in a child process that can be killed.

A page can hang its parser or eat all memory, inside C code that no exception reaches. So whoever parses pages owns a `Pages`:
a child process with a limit on time and address space, replaced when it dies. A plain ``subprocess``, because the workers of
some clusters may not fork children with multiprocessing.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any, BinaryIO

from cleaner.errors import ReadError
from cleaner.records import Document

TIME_LIMIT = 60.0
MEMORY_LIMIT = 2 << 30
PAGES_A_CHILD = 2000
"""A child is replaced after so many pages: what the libraries below it hoard goes with it."""

START_LIMIT = 120.0
ALARM_AFTER = 5.0
"""So many seconds after its time limit the kernel ends a child whose owner died without ending it."""

_WARM_UP = b"<html><head><title>A</title></head><body><article><p>On 3 May 2021 it rained.</p></article></body></html>"
"""The first page makes the libraries load what they load late: so that none of it counts against the first real page."""

_HEAD = struct.Struct(">II")
_START = "import sys; sys.path[:] = sys.argv[3:]; from cleaner.pages import serve; serve(float(sys.argv[1]), int(sys.argv[2]))"


class Pages:
    """Extracts pages in a child process of its own.

    ``time_limit`` is in seconds for one page; ``memory_limit`` is what the child may take on top of what it starts with, in bytes.
    """

    def __init__(self, time_limit: float = TIME_LIMIT, memory_limit: int = MEMORY_LIMIT) -> None:
        self.time_limit, self.memory_limit = time_limit, memory_limit
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0
        self._ready = False

    def start(self) -> None:
        """Start the child if there is none; it gets ready while others work."""
        if self._child is None:
            command = [sys.executable, "-c", _START, str(self.time_limit), str(self.memory_limit), *filter(None, sys.path)]
            # One thread: the child needs none, and each would reserve address space.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment)
            self._served, self._ready = 0, False

    def extract(self, page: bytes | str, url: str | None = None, encoding: str | None = None) -> Document:
        """The document of a page, as `read.read_page` gives it. `ReadError` if it cannot be had within the limits."""
        self.start()
        payload = page if isinstance(page, bytes) else page.encode("utf-8", "surrogatepass")
        asked = json.dumps({"url": url, "encoding": encoding, "text": isinstance(page, str)}).encode()
        try:
            if not self._ready:
                self._exchange(b"", START_LIMIT)
                self._ready = True
            answer = json.loads(self._exchange(_HEAD.pack(len(asked), len(payload)) + asked + payload, self.time_limit))
        except TimeoutError:
            self.close()
            raise ReadError(f"its parser needed more than {self.time_limit:g} seconds; raise --time-limit, or leave it out.") from None
        except (EOFError, OSError):
            raise ReadError(f"its parser {self._obituary()}; leave it out.") from None
        except BaseException:
            self.close()  # the answer to this page must not be taken for that to the next
            raise
        self._served += 1
        if answer.get("memory") or self._served >= PAGES_A_CHILD:
            self.close()
        if "error" in answer:
            raise ReadError(answer["error"])
        return Document(**answer["document"])

    def _exchange(self, request: bytes, limit: float) -> bytes:
        """Send a request and read the answer to it, both without ever blocking past the limit."""
        child = self._child
        assert child is not None and child.stdin is not None and child.stdout is not None
        into, out = child.stdin.fileno(), child.stdout.fileno()
        os.set_blocking(into, False)
        deadline = time.monotonic() + limit
        unsent, got, wanted = memoryview(request), bytearray(), 4
        poll = select.poll()
        poll.register(out, select.POLLIN)
        if unsent:
            poll.register(into, select.POLLOUT)
        while len(got) < wanted:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            for descriptor, _ in poll.poll(left * 1000):
                if descriptor == into:
                    unsent = unsent[os.write(into, unsent[: 1 << 16]) :]
                    if not unsent:
                        poll.unregister(into)
                else:
                    more = os.read(out, 1 << 20)
                    if not more:
                        raise EOFError
                    got += more
                    if wanted == 4 and len(got) >= 4:
                        wanted = 4 + int.from_bytes(got[:4], "big")
        return bytes(got[4:])

    def _obituary(self) -> str:
        """How the child died."""
        child, self._child = self._child, None
        if child is None:
            return "died"
        try:
            code = child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        _close_pipes(child)
        if code == -signal.SIGALRM:
            return f"needed more than {self.time_limit:g} seconds"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"ended with status {code} (out of memory, perhaps: the limit is {self.memory_limit >> 20} MiB)"

    def close(self) -> None:
        """Kill the child; the next page starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            _close_pipes(child)


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


# --- in the child ------------------------------------------------------------------------------------------------------


def serve(time_limit: float, memory_limit: int) -> None:
    """What the child does: answer requests on stdin until it ends. Whatever libraries print goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the owner decides
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import logging

    logging.disable(logging.CRITICAL)
    _parsed(_WARM_UP, {"url": None, "encoding": None, "text": False})
    _limit_memory(memory_limit)
    _answer(answers, {})
    while head := requests.read(_HEAD.size):
        meta_size, size = _HEAD.unpack(head)
        asked = json.loads(requests.read(meta_size))
        page = requests.read(size)
        # The owner watches the clock; should it die, the kernel ends this process even if C code hangs.
        signal.setitimer(signal.ITIMER_REAL, time_limit + ALARM_AFTER)
        answer = _parsed(page, asked)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _answer(answers, answer)


def _limit_memory(limit: int) -> None:
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + limit, taken + limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        return  # no such limit on this system


def _parsed(page: bytes, asked: dict[str, Any]) -> dict[str, Any]:
    from cleaner.read import read_page

    try:
        html: bytes | str = page.decode("utf-8", "surrogatepass") if asked["text"] else page
        return {"document": asdict(read_page(html, asked["url"], asked["encoding"]))}
    except MemoryError:
        return {"error": "its parser ran out of memory; raise --memory-limit, or leave it out.", "memory": True}
    except ReadError as error:
        return {"error": str(error), "memory": "MemoryError" in str(error)}
    except Exception as error:
        return {"error": f"its parser failed ({type(error).__name__}: {error})."}


def _answer(answers: BinaryIO, answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode()
    answers.write(len(data).to_bytes(4, "big") + data)
    answers.flush()
