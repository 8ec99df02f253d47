"""The page of a server: static files, and what they need to know of the model."""

import dataclasses
import json
import pathlib
from typing import Any, Self

import aiohttp.web
import grpc

from pipeline.experiment.version_dir import ITEM_NAMES, MANIFEST
from pipeline.serving.server.request_error import RequestError

PAGE_DIR = pathlib.Path(__file__).parents[1] / "page"

# Listed once: what a request names is looked up here and never on the disk.
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_FILES = {path.name: path for path in PAGE_DIR.iterdir() if path.suffix in _KINDS}
_MAX_NAMES = 100_000

# Scripts and styles are files of this server; nothing inline runs, so that no nonce is
# needed, and no other page can frame it. Its address holds what was entered.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


async def show(request: aiohttp.web.Request) -> aiohttp.web.Response:
    """Answers with a file of the page; `index.html` where none is named."""
    path = _FILES.get(request.match_info.get("name", "index.html"))
    if path is None:
        raise aiohttp.web.HTTPNotFound(text=f"there is no {request.path!r}.")
    # No `FileResponse`: aiohttp prepares it again once it has been sent, and fails.
    return aiohttp.web.Response(
        body=path.read_bytes(),
        content_type=_KINDS[path.suffix],
        charset="utf-8",
        headers=_HEADERS,
    )


@dataclasses.dataclass(frozen=True)
class PageConfig:
    """What the page needs to know of a version, made once when it is loaded.

    Attributes:
        text: JSON with `model_name`, `manifest` and `item_names` by id, the first ones;
            each of the last two empty where the version has none.
        error: Why there is no text; "" if there is one. The model serves all the same.
    """

    text: str = ""
    error: str = ""

    @classmethod
    def read(cls, model_name: str, version_dir: pathlib.Path) -> Self:
        """Reads the files of a version."""
        try:
            names = _read_object(version_dir / ITEM_NAMES)
            config = {
                "model_name": model_name,
                "manifest": _read_object(version_dir / MANIFEST),
                "item_names": dict(list(names.items())[:_MAX_NAMES]),
            }
        except (OSError, ValueError, RecursionError) as error:
            return cls(error=f"the page cannot show model {model_name!r}: {error}")
        return cls(json.dumps(config))

    def answer(self) -> aiohttp.web.Response:
        """Returns the text as a response.

        Raises:
            RequestError: If there is none.
        """
        if self.error:
            raise RequestError(grpc.StatusCode.DATA_LOSS, self.error)
        return aiohttp.web.Response(text=self.text, content_type="application/json")


def _read_object(path: pathlib.Path) -> dict[str, Any]:
    """Reads a JSON object; an empty one where there is no file.

    Raises:
        ValueError: If the file holds something else.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} must hold an object, got {str(content)[:80]!r}")
    return content
