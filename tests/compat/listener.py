"""A second server on loopback: it sends scripted bytes and records requests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = json.dumps({"access_token": "kal-at-listener", "refresh_token": "kal-rt-listener", "expires_in": 3600}).encode()


class Listener:
    """`answer` is the status, headers and body for everything but token requests."""

    def __init__(self):
        self.answer: tuple[int, dict, bytes] = (200, {"Content-Type": "application/json"}, b"[]")
        self.requests: list[dict] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                listener.requests.append(
                    {"method": self.command, "target": self.path, "headers": headers, "body": body.decode()})
                token = self.path.endswith("/auth/oauth/token")
                status, headers, body = (200, {"Content-Type": "application/json"}, TOKEN) if token else listener.answer
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
