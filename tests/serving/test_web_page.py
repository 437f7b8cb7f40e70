"""The page of the server in a browser: labelled, readable in both color schemes, and usable by keys."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browser import axe_findings, chromium, needs_chromium

pytestmark = needs_chromium
SERVING = Path(__file__).parents[2] / "serving"
CARD = {"id": "sana-wm", "width": 320, "height": 192, "fps": 16, "version": "0123456789abcdef"}


class WebFiles(SimpleHTTPRequestHandler):
    """The static files, and the one answer that the page asks for when it starts."""

    def do_GET(self):
        if self.path != "/v1/models":
            return super().do_GET()
        body = json.dumps({"data": [CARD]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, format, *args):  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.fixture(scope="module")
def address():
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(WebFiles, directory=str(SERVING))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/web/index.html"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def web(browser, address):
    browser.console.clear()
    browser.open("about:blank")
    browser.open(address, ready="document.getElementById('model').textContent.startsWith('sana-wm')")
    yield browser
    assert browser.console == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_no_finding(web, scheme):
    web.prefer(prefers_color_scheme=scheme)
    _, passed, findings = axe_findings(web)
    assert not findings, "\n".join(findings)
    assert {"color-contrast", "label", "region"} <= set(passed)


def test_tab_leads_through_every_control(web):
    for selector in ("#file", "#prompt", "#record", "#action", "#seed", "#go", "#video"):
        web.tab_to(selector, limit=3)


def test_a_walk_is_recorded_by_keys_and_escape_ends_it(web):
    web.tab_to("#record")
    web.press("Enter")
    web.wait("document.getElementById('record').textContent === 'Stop'")
    web.call("Input.dispatchKeyEvent", type="keyDown", key="w", code="KeyW", windowsVirtualKeyCode=87)
    web.wait("Number(document.getElementById('status').textContent.match(/[0-9.]+/)) > 0.2")
    web.call("Input.dispatchKeyEvent", type="keyUp", key="w", code="KeyW", windowsVirtualKeyCode=87)
    web.press("Escape")
    assert web.evaluate("document.getElementById('record').textContent") == "Record a walk"
    assert web.evaluate("document.getElementById('action').value").startswith("w-")
    assert web.evaluate("document.activeElement.id") == "record"
