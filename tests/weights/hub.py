"""A real server on this machine that serves files as hubs do, and as broken ones do."""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np


@dataclass
class Hub:
    """Files by URL path, and what goes wrong with them."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    etag: bool = True
    lengths: bool = True
    cut_after: int | None = None
    """Close the connection after so many bytes of an answer."""
    cuts: int = 10**9
    """How often that happens."""
    pause_s: float = 0.0
    """Between blocks of 16 kB."""
    extra: bytes = b""
    """Sent after the file."""
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """Status and headers by path, instead of a file."""
    wrong_range: bool = False
    log: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    base: str = ""

    def ranges_asked(self) -> list[str | None]:
        return [headers.get("range") for _, headers in self.log]


def serve(hub: Hub, certificate: tuple[Path, Path] | None = None) -> ThreadingHTTPServer:
    """Start serving; `hub.base` is the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            hub.log.append((self.path, headers))
            if self.path in hub.answers:
                status, more = hub.answers[self.path]
                self.send_response(status)
                for key, value in {**more, "Content-Length": "0"}.items():
                    self.send_header(key, value)
                self.end_headers()
                return
            data = hub.files.get(self.path)
            if data is None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_file(data, headers)

        def send_file(self, data: bytes, headers: dict[str, str]) -> None:
            tag = '"' + hashlib.sha256(data).hexdigest()[:16] + '"'
            begin = 0
            found = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
            if found and hub.ranges and headers.get("if-range", tag) == tag:
                begin = int(found[1])
                if begin >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                stated = begin + 1 if hub.wrong_range else begin
                span = f"bytes {stated}-{len(data) - 1}/{len(data)}"
                self.send_header("Content-Range", span)
            else:
                self.send_response(200)
            if hub.etag:
                self.send_header("ETag", tag)
            if self.path.endswith("/"):
                kind = "text/html" if data[:1] == b"<" else "application/vnd.pypi.simple.v1+json"
                self.send_header("Content-Type", kind)
            body = data[begin:] + hub.extra
            if hub.lengths:
                self.send_header("Content-Length", str(len(body)))
            else:
                self.close_connection = True
            self.end_headers()
            cut = hub.cut_after if hub.cut_after is not None and hub.cuts > 0 else None
            if cut is not None:
                hub.cuts -= 1
                body = body[:cut]
                self.close_connection = True
            try:
                for at in range(0, len(body), 1 << 14):
                    self.wfile.write(body[at : at + (1 << 14)])
                    self.wfile.flush()
                    time.sleep(hub.pause_s)
            except OSError:
                self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if certificate is not None:
        scheme = "https"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    hub.base = f"{scheme}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def some_safetensors(numbers: int = 100_000, seed: int = 0) -> bytes:
    """A sound file with one tensor."""
    data = np.random.default_rng(seed).standard_normal(numbers).astype("<f4").tobytes()
    tensor = {"dtype": "F32", "shape": [numbers], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "weight": tensor}).encode()
    return struct.pack("<Q", len(header)) + header + data


CONFIG = b'{"model_type": "clip"}\n'


def entry(name: str, base: str, files: dict[str, bytes], *, pinned: bool = True) -> str:
    """A catalogue entry for files below a URL."""
    lines = [
        f"[{name}]",
        'purpose = "for tests"',
        'licence = "CC0-1.0"',
        'source = "url"',
        f'origin = "{base}"',
        'revision = "1"' if pinned else "",
        f"[{name}.files]",
    ]
    for file, data in files.items():
        pins = f'size = {len(data)}, sha256 = "{sha256(data)}"' if pinned else ""
        lines.append(f'"{file}" = {{ {pins} }}')
    return "\n".join(lines) + "\n"
