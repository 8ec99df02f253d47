"""The page of a server: static files, and what they need to know of the model."""

import json
import pathlib
from typing import Any

import aiohttp.web

PAGE_DIR = pathlib.Path(__file__).parents[1] / "page"

_MAX_NAMES = 100_000


async def show(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
    """Answers with a file of the page; `index.html` where none is named."""
    name = request.match_info.get("name", "index.html")
    path = PAGE_DIR / name
    is_there = path.parent == PAGE_DIR and not name.startswith(".") and path.is_file()
    if not is_there or path.suffix == ".py":
        raise aiohttp.web.HTTPNotFound(text=f"there is no {request.path!r}.")
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return aiohttp.web.FileResponse(path, headers=headers)


def config(model_name: str, version_dir: pathlib.Path) -> dict[str, Any]:
    """Describes a version for the page.

    Args:
        model_name: As clients call it.
        version_dir: The version.

    Returns:
        `model_name`, `manifest` and `item_names` by id, the first ones; each empty
        where the version has none.
    """
    extra = version_dir / "assets.extra"
    names = _read_json(extra / "item_names.json")
    return {
        "model_name": model_name,
        "manifest": _read_json(extra / "manifest.json"),
        "item_names": dict(list(names.items())[:_MAX_NAMES]),
    }


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
