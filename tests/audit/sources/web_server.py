"""A real web server on this machine that behaves well, or as badly as it is told to."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote


@dataclass
class WebServer:
    """What it serves, how, and what it was asked.

    Attributes:
        files: bodies by path; a path with a `/` at its end is an index page.
        ranges: it gives parts of files.
        moved: where paths lead instead.
        mood: by path: `breaks`, `breaks once`, `short`, `long`, `drips`, `silent`, `packed`,
            `elsewhere`, `backwards`, `boundless`, `unknown`, `endless`, or a status such as `503`.
        asked: path, range and bytes of each answer.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    moved: dict[str, str] = field(default_factory=dict)
    mood: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, int]] = field(default_factory=list)
    address: str = ""

    def bytes_of(self, path: str) -> int:
        return sum(sent for asked, _, sent in self.asked if asked == path)


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[WebServer]:
    server = WebServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                self._answer(unquote(self.path))
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, path: str) -> None:
            asked = self.headers.get("Range", "")
            if path in server.moved:
                self.send_response(302)
                self.send_header("Location", server.moved[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            mood = server.mood.get(path, "")
            if path not in server.files or mood.isdigit():
                server.asked.append((path, asked, 0))
                self.send_response(int(mood or 404))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._file(path, server.files[path], asked, mood)

        def _file(self, path: str, body: bytes, asked: str, mood: str) -> None:
            whole = len(body)
            match = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
            if match and server.ranges:
                start, stop = int(match[1]), min(int(match[2]) + 1, whole)
                if start >= whole:
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                body = body[start:stop]
                self.send_response(206)
                shown = {"unknown": "*", "boundless": "9" * 5000}.get(mood, str(whole))
                first = start + 1 if mood == "elsewhere" else start
                last = start - 10 if mood == "backwards" else stop - 1
                self.send_header("Content-Range", f"bytes {first}-{last}/{shown}")
            else:
                self.send_response(200)
            kind = "text/html" if path.endswith("/") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            if mood == "packed":
                self.send_header("Content-Encoding", "gzip")
            if mood != "endless":
                self.send_header("Content-Length", str(len(body) + 1000 * (mood == "short")))
            else:
                self.close_connection = True
            if mood == "silent":
                time.sleep(3)
            self.end_headers()
            if mood == "breaks once":
                server.mood[path] = ""
            if mood in ("breaks", "breaks once", "short"):
                body = body[: len(body) // 2]
                self.close_connection = True
            server.asked.append((path, asked, len(body)))
            if mood == "drips":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
            elif mood == "endless":
                while True:
                    self.wfile.write(body)
            else:
                self.wfile.write(body)
            if mood == "long":
                self.wfile.write(b"x" * 5000)
                self.close_connection = True

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.block_on_close = False
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
        http.handle_error = lambda *_: None  # of those who do not trust it
    server.address = f"http{'s' * bool(certificate)}://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
