"""A local OpenAI-compatible endpoint that answers by script: each reply once, the last one for ever."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """One answer. ``content`` is the message's text; ``raw`` replaces the whole body."""

    content: str = ""
    status: int = 200
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    stall_s: float = 0.0
    hang_up: bool = False

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return json.dumps({"id": "1", "choices": [{"index": 0, "message": {"content": self.content}}]}).encode()


class ScriptedHandler(BaseHTTPRequestHandler):
    """Plays the server's script; a broken connection is part of it."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append({"body": body, "headers": dict(self.headers)})
        script = self.server.script
        reply = script.pop(0) if len(script) > 1 else script[0]
        time.sleep(reply.stall_s)
        if reply.hang_up:
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body())

    def log_message(self, *args):
        pass


class ScriptedServer(ThreadingHTTPServer):
    """Keeps quiet about clients that went away."""

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), ScriptedHandler)
        self.script, self.seen = script, []

    def handle_error(self, request, client_address):
        pass


@contextmanager
def scripted_endpoint(*replies: Reply):
    """Gives the base URL and the list of requests seen (body and headers)."""
    server = ScriptedServer(list(replies))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.seen
    finally:
        server.shutdown()
        server.server_close()
