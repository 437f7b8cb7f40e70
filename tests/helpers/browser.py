"""Headless Chromium through its DevTools protocol: pages, real keys, axe, and what the console says."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
WAIT = 30.0
SHIFT = 8
KEYS = {
    "Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), " ": (32, " "), "End": (35, ""), "Home": (36, ""),
    "ArrowUp": (38, ""), "ArrowDown": (40, ""),
}  # fmt: skip
"""Named key -> its virtual key code and the text it enters."""


class Browser:
    """One tab. ``console`` grows by each message, exception and failed load of the page."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.console: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """A DevTools command's result; events that arrive before it are noted."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=WAIT))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._note(message)

    def open(self, address, width=1400, height=900, ready="true"):
        """Load a page in a window of this size and wait until ``ready`` holds."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.call("Page.navigate", url=address)
        self.wait(f"location.href === {json.dumps(address)} && document.readyState === 'complete' && ({ready})")

    def evaluate(self, script):
        """The JSON value of an expression; promises are awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(f"{script}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, condition):
        """Until an expression is true."""
        end = time.monotonic() + WAIT
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(condition)
            time.sleep(0.02)

    def press(self, key, modifiers=0, times=1):
        """Press and release a key as a keyboard does."""
        code, text = KEYS.get(key, (ord(key[0].upper()), key))
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def write(self, text):
        """Press one key a character."""
        for character in text:
            self.press(character)

    def tab_to(self, selector, backwards=False, limit=200):
        """Press Tab until the element has the focus; an error where Tab does not lead there."""
        for _ in range(limit):
            self.press("Tab", SHIFT if backwards else 0)
            if self.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        raise AssertionError(f"{limit} Tabs do not reach {selector}")

    def prefer(self, **features):
        """Pretend user preferences, such as ``prefers_color_scheme="dark"``."""
        chosen = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=chosen)

    def picture(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _note(self, event):
        given = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.console.append(given["exceptionDetails"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(part.get("value", "")) for part in given["args"]))
        elif event.get("method") == "Log.entryAdded":
            self.console.append(given["entry"]["text"])


def axe_findings(browser, source=None):
    """What axe finds on the page as it is now: its version, the rules that pass, a line a finding, worst first.

    Args:
        browser: with the page open.
        source: axe's script; default: the one of the pinned package.
    """
    script = source or (files("axe_core_python") / "axe.min.js").read_text()
    browser.evaluate(f"{script};undefined")
    found = browser.evaluate("axe.run({resultTypes: ['violations']})")
    lines = [
        (("critical", "serious", "moderate", "minor").index(rule["impact"]), rule, node)
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
    told = [f"{r['impact']} {r['id']}: {n['html'][:160]}" for _, r, n in sorted(lines, key=lambda line: line[0])]
    return found["testEngine"]["version"], sorted(rule["id"] for rule in found["passes"]), told


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, without network and with a profile that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        options += ["--remote-debugging-port=0", f"--user-data-dir={profile}", "--disable-background-networking"]
        command = [str(CHROMIUM), *options, "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_tab(Path(profile) / "DevToolsActivePort"), max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            process.wait()


def _tab(announced: Path) -> str:
    """The address of the first tab, once Chromium has written its port."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        if announced.is_file() and (lines := announced.read_text().split()):
            tabs = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list", trust_env=False, timeout=WAIT).json()
            if pages := [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]:
                return pages[0]
        time.sleep(0.05)
    raise TimeoutError("chromium opened no tab")
