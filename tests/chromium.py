"""A headless Chromium, told what to do by its DevTools protocol through a pipe: no driver needed.

It gets an empty profile of its own and no network but this machine's.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")

needed = pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")

_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --hide-scrollbars --remote-debugging-pipe "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream "
    # Other hosts do not resolve, whoever asks for them.
    "--host-resolver-rules=MAP\u2009*\u2009~NOTFOUND\u2009,\u2009EXCLUDE\u2009127.0.0.1"
)


def _pipe():
    # Well above 3 and 4, which are Chromium's ends.
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


class Chromium:
    """One browser with one page; a context manager.

    Attributes
    ----------
    addresses : list of str
        All that the page asked for.
    messages : list of str
        What it wrote to the console, errors included.
    """

    def __init__(self, profile, *flags):
        down_read, self._write = _pipe()
        self._read, up_write = _pipe()
        command = [PROGRAM, *(f.replace("\u2009", " ") for f in _FLAGS.split(" ")), *flags]
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{down_read} 4>&{up_write}', "bash", *command,
             f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(down_read, up_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(down_read)
        os.close(up_write)
        self._rest, self._number, self._session = b"", 0, None
        self.addresses, self.messages = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "DOM"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._process.terminate()
        self._process.wait(20)
        os.close(self._write)
        os.close(self._read)

    def call(self, method, timeout=60, **parameters):
        """Send a command and return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _next(self, end):
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            assert ready, "chromium does not answer"
            data = os.read(self._read, 1 << 20)
            assert data, "chromium has ended"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        event = json.loads(line)
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.addresses.append(parameters["request"]["url"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.messages.append(" ".join(str(a.get("value")) for a in parameters["args"]))
        elif event.get("method") == "Runtime.exceptionThrown":
            self.messages.append(json.dumps(parameters["exceptionDetails"])[:500])
        return event

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.wait("location.href != 'about:blank' && document.readyState == 'complete'")

    def run(self, expression):
        """Evaluate JavaScript, a promise awaited, and return its value."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression, seconds=60):
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(expression)):
            assert time.monotonic() < end, f"{expression} did not come true: {self.messages}"
            time.sleep(0.1)
        return value

    def choose_file(self, selector, path):
        """Give a file to an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def press(self, key, times=1):
        """Press a key that has a name, such as Tab or ArrowRight."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                more = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
                self.call(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                    windowsVirtualKeyCode=codes[key], **more,
                )  # fmt: skip

    def screen(self, width, height, scheme="light"):
        """Set the window's size, and dark or light."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def picture(self, path, whole=True):
        """Write a PNG of the page."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))
