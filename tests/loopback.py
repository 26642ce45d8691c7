"""An S3 and web server on 127.0.0.1 for tests: GET with ranges, HEAD, ListObjectsV2, faults on request; it counts what it is asked."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Server(ThreadingHTTPServer):
    """Serves the files below `root`: the first folder is the bucket.

    `answers[path]`: codes that its next requests get. `cuts[path]`: after how many bytes its next lines break. `delay`: seconds a request.
    `log`: (method, path) of every request. `most`: how many were open at once.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, root: Path, *, delay: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root, self.delay = root, delay
        self.answers: dict[str, list[int]] = {}
        self.cuts: dict[str, list[int]] = {}
        self.log: list[tuple[str, str]] = []
        self.open_now = self.most = 0
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, path: str) -> int:
        """How many requests a path had."""
        return sum(asked == path for _, asked in self.log)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        return

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server = self.server
        path, query = unquote(urlsplit(self.path).path).lstrip("/"), parse_qs(urlsplit(self.path).query)
        with server.lock:
            server.log.append((self.command, path))
            server.open_now += 1
            server.most = max(server.most, server.open_now)
        time.sleep(server.delay)
        # Closed before the answer is sent: a client that has read it may ask again at once.
        with server.lock:
            server.open_now -= 1
        if server.answers.get(path):
            self.answer(server.answers[path].pop(0), b"<Error><Code>Made</Code></Error>")
        elif "list-type" in query:
            self.answer(200, listed(server.root, path.strip("/"), query.get("prefix", [""])[0]))
        elif (server.root / path).is_file():
            self.send((server.root / path).read_bytes(), server.cuts.get(path))
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def send(self, data: bytes, cuts: list[int] | None) -> None:
        headers = {"ETag": f'"{hashlib.md5(data).hexdigest()}"', "Accept-Ranges": "bytes", "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
        code, wanted = 200, self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = int(first) if first else max(0, len(data) - int(last))
            stop = min(int(last) + 1, len(data)) if first and last else len(data)
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
            code, data = 206, data[start:stop]
        self.answer(code, data, headers, cut=cuts.pop(0) if cuts and self.command == "GET" else None)

    def answer(self, code: int, data: bytes, headers: Mapping[str, str] | None = None, *, cut: int | None = None) -> None:
        self.send_response(code)
        for name, value in {"Content-Type": "application/xml", **(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[:cut])
        if cut is not None:  # all was promised, some is sent: a broken line
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)


def listed(root: Path, bucket: str, prefix: str) -> bytes:
    """ListObjectsV2 of a bucket."""
    keys = sorted(path.relative_to(root / bucket).as_posix() for path in (root / bucket).rglob("*") if path.is_file())
    entry = (
        "<Contents><Key>{}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified><ETag>&quot;{}&quot;</ETag><Size>{}</Size></Contents>"
    )
    contents = {key: (root / bucket / key).read_bytes() for key in keys if key.startswith(prefix)}
    found = "".join(entry.format(escape(key), hashlib.md5(data).hexdigest(), len(data)) for key, data in contents.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><IsTruncated>false</IsTruncated>{found}</ListBucketResult>"
    ).encode()
