"""Servers on this machine that take what an alert sends: one for e-mail, one for webhooks."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer


@dataclass
class Mailbox:
    """What an SMTP server was told, and the messages it took."""

    port: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    refuse: str = ""


@contextmanager
def smtp_server(box: Mailbox) -> Iterator[Mailbox]:
    """A server that takes any message, or answers `box.refuse` to a sender."""

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.answer("220 ready")
            while line := self.rfile.readline().decode().strip():
                box.commands.append(line)
                word = line.split()[0].upper()
                if word == "DATA":
                    self.answer("354 go on")
                    text = b""
                    while (part := self.rfile.readline()) not in (b".\r\n", b""):
                        text += part
                    box.messages.append(text.decode())
                    self.answer("250 taken")
                elif word == "QUIT":
                    self.answer("221 bye")
                    return
                else:
                    self.answer(box.refuse if word == "MAIL" and box.refuse else "250 ok")

        def answer(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        server.daemon_threads = True
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Hook:
    """What was posted to a webhook: (path, body)."""

    address: str = ""
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    status: int = 202
    location: str = ""


@contextmanager
def webhook_server(hook: Hook) -> Iterator[Hook]:
    """A server that takes any post and answers `hook.status`."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append((self.path, body))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Take) as server:
        hook.address = f"http://127.0.0.1:{server.server_address[1]}/hook/s3cret"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
