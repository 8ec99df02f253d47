"""The step `predict`: requests in, scores and recommendations out.

Uses the exported model and nothing else of ours, as any other client would.
"""

import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Any

from pipeline.export.loaded_version import load_version
from pipeline.settings.request_values import as_list
from transforms.schema import DataError


class RequestError(DataError):
    """A request line that cannot be answered; the message names file and line."""


def run(
    directory: pathlib.Path,
    input_path: pathlib.Path,
    *,
    output_path: pathlib.Path | None,
    top: int,
    as_text: bool,
) -> None:
    """Answers every line of a JSON-lines file.

    Args:
        directory: The exported model.
        input_path: One request a line, as `ExportedModel.answer` takes it.
        output_path: One JSON object a line is written here; else to stdout.
        top: Most items recommended.
        as_text: Whether answers are laid out for people.

    Raises:
        RequestError: If a line cannot be answered; nothing is then written.
    """
    try:
        lines = input_path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"{input_path} must be UTF-8 text: {error}.") from None
    print(f"predict: asking {directory}", file=sys.stderr)
    model = load_version(directory)
    answers = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            answer = model.answer(request, top)
        except ValueError as error:
            raise RequestError(f"{input_path}, line {number}: {error}") from None
        as_json = json.dumps(answer, ensure_ascii=False)
        answers.append(_describe(request, answer) if as_text else as_json)
    text = "".join(f"{answer}\n" for answer in answers)
    if output_path is None:
        print(text, end="")
    else:
        output_path.write_text(text, encoding="utf-8")


def _describe(request: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Lays out one request and its answer for people to read."""

    def title(item: Mapping[str, Any]) -> str:
        return str(item.get("item_name", item.get("item_id")))

    kind = "ranked" if "ranked" in answer else "recommended"
    support = as_list(request, "support")
    if "user_id" in request:
        lines = [f"{request.get('task_id', 'A new scenario')}, {len(support)} pairs:"]
        lines += [
            f"  {p.get('label', 1):>4}  {p['user_id']}  {title(p)}" for p in support
        ]
        lines.append(f"{kind} for {request['user_id']}:")
    else:
        lines = [f"{request.get('task_id', 'A new user')} rated:"]
        if not support:
            lines = [f"{request.get('task_id', 'A new user')} rated nothing,"]
        lines += [f"  {p['label']:>4}  {title(p)}" for p in support]
        lines.append(f"{kind}:")
    reason = answer.get("fallback_reason")
    if reason:
        lines[-1] = f"{kind} by {reason.replace('_', ' ')}:"
    layout = "6.2%" if reason == "popularity" else ".2f"  # A share of all pairs.
    lines += [f"  {item['score']:{layout}}  {title(item)}" for item in answer[kind]]
    return "\n".join(lines)
