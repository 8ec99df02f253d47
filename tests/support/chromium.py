"""Drives a headless Chromium over the DevTools protocol, as a person would use it."""

import asyncio
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any, Self

import aiohttp

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
)
START_S = 20.0
ANSWER_S = 10.0
LOOK_S = 0.02


def find_browser() -> str | None:
    """Returns the path of a browser, or None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Chromium:
    """A browser with one tab. A context manager.

    Args:
        browser: Path of the program.
        profile: Folder for its profile.

    Attributes:
        complaints: What the console and uncaught exceptions said since `open`.
    """

    def __init__(self, browser: str, profile: pathlib.Path) -> None:
        self.complaints: list[str] = []
        self._command = [browser, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._port_file = profile / "DevToolsActivePort"
        self._loop = asyncio.new_event_loop()
        self._number = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            self._loop.run_until_complete(self._connect())
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.call("Network.setCacheDisabled", cacheDisabled=True)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._socket.close())
        self._loop.run_until_complete(self._session.close())
        self._end()

    def open(self, url: str, width: int = 1200, height: int = 800) -> None:
        """Opens an address afresh in a tab of a size, in pixels."""
        self.resize(width, height)
        self.call("Page.navigate", url="about:blank")
        self.wait("location.href === 'about:blank'")
        self.complaints.clear()
        self.call("Page.navigate", url=url)
        self.wait(
            "location.href !== 'about:blank' && document.readyState !== 'loading'"
        )

    def resize(self, width: int, height: int) -> None:
        """Gives the tab a size, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1}
        self.call("Emulation.setDeviceMetricsOverride", **size, mobile=False)

    def prefer(self, **features: str) -> None:
        """Sets media features, such as `prefers_color_scheme="dark"`."""
        wanted = [
            {"name": name.replace("_", "-"), "value": value}
            for name, value in features.items()
        ]
        self.call("Emulation.setEmulatedMedia", features=wanted)

    def evaluate(self, expression: str) -> Any:
        """Returns the value of an expression of JavaScript, or of its promise."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Waits until an expression is true, as JavaScript sees it."""
        give_up = time.monotonic() + ANSWER_S
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < give_up, f"it has not come to hold: {expression}"
            time.sleep(LOOK_S)

    def click(self, selector: str) -> None:
        """Presses the left button of the mouse in the middle of an element."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.wait(element)
        self.evaluate(f"{element}.scrollIntoView({{block: 'center'}})")
        x, y = self.evaluate(
            f"(({{left, top, width, height}}) => [left + width / 2, top + height / 2])"
            f"({element}.getBoundingClientRect())"
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {"button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        """Presses a key by its name, such as "ArrowDown"."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}
        codes |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        code = {"windowsVirtualKeyCode": codes[key], "key": key, "code": key}
        text = {"text": {"Enter": "\r", " ": " "}[key]} if key in ("Enter", " ") else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **code)

    def screenshot(self, path: pathlib.Path) -> None:
        """Writes a PNG file of what is seen."""
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and returns its result."""
        work = asyncio.wait_for(self._call(method, parameters), ANSWER_S)
        return self._loop.run_until_complete(work)

    async def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        number = self._number
        request = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(request)
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self.complaints.extend(_complaints(message))

    async def _connect(self) -> None:
        give_up = time.monotonic() + START_S
        while not (lines := self._port_lines()):
            assert time.monotonic() < give_up, "the browser has not opened its port"
            assert self._process.poll() is None, "the browser has ended"
            await asyncio.sleep(LOOK_S)
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{lines[0]}/json") as response:
            targets = await response.json()
        (url,) = [t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page"]
        self._socket = await self._session.ws_connect(url, max_msg_size=0)

    def _port_lines(self) -> list[str]:
        """Returns port and path once the browser has written both."""
        if not self._port_file.exists():
            return []
        lines = self._port_file.read_text().splitlines()
        return lines if len(lines) == 2 else []

    def _end(self) -> None:
        """Ends the browser: its group, since its processes outlive the first one."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._loop.close()


def _complaints(event: dict[str, Any]) -> Iterator[str]:
    details = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            yield str(details["exceptionDetails"])
        case "Runtime.consoleAPICalled" if details["type"] in ("error", "warning"):
            yield str(details["args"])
        case "Log.entryAdded" if details["entry"]["level"] in ("error", "warning"):
            yield f"{details['entry']['text']} {details['entry'].get('url', '')}"
