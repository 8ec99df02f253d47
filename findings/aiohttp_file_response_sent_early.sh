#!/usr/bin/env bash
# aiohttp 3.14.5: a middleware that sends the response itself, to limit the time that
# sending may take: `prepare`, then `write_eof`, then it returns the response.
#
# aiohttp prepares what a handler returns again. A `Response` that has been sent notices
# and does nothing; a `FileResponse` begins to send its file a second time, to a writer
# that is none any more, which is an AssertionError in the log of the server. The client
# has the whole file by then, with status 200, and sees only that the connection is
# closed, on which it was to ask again.
#
#   text: 200 whole, connection open, errors logged 0
#   file: 200 whole, connection closed, errors logged 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet aiohttp==3.14.5
cat > "$folder/serve.py" <<'PYTHON'
import asyncio
import logging
import pathlib
import socket
import sys

from aiohttp import web

CONTENT = "a line of the file\n"
path = pathlib.Path(sys.argv[1]) / "file.txt"
path.write_text(CONTENT)
errors = []
logging.getLogger("aiohttp.server").addFilter(lambda record: errors.append(record))


@web.middleware
async def send(request, handler):
    response = await handler(request)
    await response.prepare(request)
    await response.write_eof()
    return response


async def text(request):
    return web.Response(text=CONTENT)


async def file(request):
    return web.FileResponse(path)


async def ask(port, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    whole = await reader.readexactly(len(CONTENT)) == CONTENT.encode()
    try:
        is_closed = await asyncio.wait_for(reader.read(1), 2.0) == b""
    except TimeoutError:
        is_closed = False
    writer.close()
    state = "closed" if is_closed else "open"
    print(
        f"{name}: {head.split()[1]} {'whole' if whole else 'cut'}, "
        f"connection {state}, errors logged {len(errors)}"
    )
    errors.clear()


async def main():
    app = web.Application(middlewares=[send])
    app.router.add_get("/text", text)
    app.router.add_get("/file", file)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, listener).start()
    for name in ("text", "file"):
        await ask(listener.getsockname()[1], name)
    await runner.cleanup()


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" "$folder/serve.py" "$folder" | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
text: 200 whole, connection open, errors logged 0
file: 200 whole, connection closed, errors logged 1
EXPECTED
