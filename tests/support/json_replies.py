"""How a handler of HTTP requests answers with JSON."""

import json


class JsonReplies:
    """Makes a handler keep connections open, and say nothing of what it does."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # Or head and body go out apart, 40 ms after each other.

    def log_message(self, *arguments):
        pass

    def reply(self, status, value):
        self.reply_with(status, json.dumps(value).encode())

    def reply_with(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
