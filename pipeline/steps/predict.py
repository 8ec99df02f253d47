"""The step `predict`: requests in, scores and recommendations out.

Uses the exported model and nothing else of ours, as any other client would.
"""

import json
import pathlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from pipeline.export.loaded_version import load_version
from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.request_values import describe_unknown
from transforms.joins import join_ids
from transforms.plural import counted
from transforms.schema import ITEM_ID, DataError

# What an answer goes by, as people say it.
_REASONS = {
    "user_features": "the features of the user",
    "known_user": "what is known of the user",
    "scenario": "popularity in the pool",
    "popularity": "popularity",
}

_MOST_ALIKE = 0.01  # Share of pairs whose item is known in another form only.


class RequestError(DataError):
    """Lines that cannot be answered; the message names file, lines and why."""


def run(
    directory: pathlib.Path,
    input_path: pathlib.Path,
    *,
    output_path: pathlib.Path | None,
    top: int,
    as_text: bool,
    max_unmatched: float = 0.3,
) -> None:
    """Answers every line of a JSON-lines file that can be answered.

    Args:
        directory: The exported model.
        input_path: One request a line, as `ExportedModel.answer` takes it.
        output_path: The answers, one JSON object a line, are written here; else to
            stdout.
        top: Most items recommended.
        as_text: Whether answers are laid out for people.
        max_unmatched: Share of the support pairs, in [0, 1], whose item the model may
            not know.

    Raises:
        RequestError: If the file is empty, or lines cannot be answered; all others are.
            Or if the model does not know more of the items; all are answered then.
    """
    lines = _lines(input_path)
    print(f"predict: asking {directory}", file=sys.stderr)
    model = load_version(directory)
    _tell_most(model.manifest, top)
    answers, refused, items = _answered(model, lines, top, as_text=as_text)
    text = "".join(f"{answer}\n" for answer in answers)
    if output_path is None:
        print(text, end="")
    else:
        output_path.write_text(text, encoding="utf-8")
    if refused:
        listed = "".join(f"\n  {one}" for one in refused)
        others = ", the others answered" if answers else ""
        raise RequestError(
            f"{input_path}: {len(refused)} of "
            f"{counted(len(refused) + len(answers), 'line')} refused{others}.{listed}"
        )
    _check_items(items, model, input_path, max_unmatched)


def _tell_most(manifest: Mapping[str, Any], top: int) -> None:
    """Says that the model recommends fewer items than are asked for, if it does."""
    most = manifest["limits"]["top_k"]
    if top > most:
        has_more = manifest["num_candidates"] > most
        why = "its export.top_k" if has_more else "all that it has"
        print(
            f"predict: the model recommends at most {counted(most, 'item')} ({why}), "
            f"--top asks for {top}",
            file=sys.stderr,
        )


def _answered(
    model: ExportedModel, lines: Sequence[str], top: int, *, as_text: bool
) -> tuple[list[str], list[str], Counter[str]]:
    """Returns the answers, why lines are refused, and the items of support pairs."""
    answers, refused = [], []
    items: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            answer = model.answer(request, top)
            if "task_id" not in request:
                answer = {"line": number, **answer}
            answers.append(_laid_out(model, request, answer, as_text=as_text))
            items.update(map(model.item_of, model.support_of(request)))
        except json.JSONDecodeError as error:
            refused.append(f"line {number}: no JSON: {error.msg}, column {error.colno}")
        except (ValueError, RecursionError, tf.errors.InvalidArgumentError) as error:
            refused.append(f"line {number}: {_first_line(error)}")
    return answers, refused, items


def _check_items(
    items: Counter[str], model: ExportedModel, path: pathlib.Path, most: float
) -> None:
    """Says which items the model does not know, and fails if they are too many."""
    known = model.known.of(ITEM_ID)
    join = join_ids("items", "the requests", "the model", items, known)
    if not join.num_rows_unmatched:
        return
    unknown = describe_unknown({"unknown_items": model.known.missing(ITEM_ID, items)})
    listed = f"Unknown are {unknown}; all that are known: {model.known.path(ITEM_ID)}"
    which = join.explain() if join.cause else listed
    count = f"{join.num_rows_unmatched} of {counted(join.num_rows, 'support pair')}"
    if join.unmatched_fraction > most or join.alike_fraction > _MOST_ALIKE:
        raise RequestError(
            f"{path}: the model must know the items of the support pairs, of which "
            f"--max_unmatched allows {most:.0%} to be unknown and none but a few to be "
            f"known in another form; got {count} unknown. All were answered, by "
            f"what the model knows. {which}."
        )
    print(
        f"predict: the model does not know the item of {count}. {which}",
        file=sys.stderr,
    )


def _lines(path: pathlib.Path) -> list[str]:
    """Returns the lines of a file of requests; raises `RequestError` if it has none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(f"{path} must be UTF-8 text: {error}.") from None
    if not text.strip():
        raise RequestError(f"{path} must have requests, one a line, but is empty.")
    return text.split("\n")


def _laid_out(
    model: ExportedModel,
    request: Mapping[str, Any],
    answer: Mapping[str, Any],
    *,
    as_text: bool,
) -> str:
    """Returns an answer as it is written; raises `ValueError` if it is no UTF-8."""
    if as_text:
        text = _describe(model, request, answer)
    else:
        text = json.dumps(answer, ensure_ascii=False)
    text.encode()
    return text


def _first_line(error: Exception) -> str:
    """Returns what an error says, without the names of operations of a graph."""
    message = getattr(error, "message", None) or str(error)
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    said = next((line for line in lines if "assertion failed" in line), None)
    return said or (lines or [type(error).__name__])[0]


def _describe(
    model: ExportedModel, request: Mapping[str, Any], answer: Mapping[str, Any]
) -> str:
    """Lays out one request and its answer for people to read."""
    title = model.item_name
    kind = "ranked" if "ranked" in answer else "recommended"
    support = model.support_of(request)
    clicks = model.default_label is not None
    if "user_id" in request:
        task = request.get("task_id", "A new scenario")
        lines = [f"{task}, {counted(len(support), 'pair')}:"]
        lines += [
            f"  {p.get('label', 1):>4}  {p['user_id']}  {title(p)}" for p in support
        ]
        lines.append(f"{kind} for {request['user_id']}:")
    else:
        did = (
            f"{request.get('task_id', 'A new user')} {'clicked' if clicks else 'rated'}"
        )
        lines = [f"{did}:" if support else f"{did} nothing,"]
        lines += [f"  {p.get('label', 1):>4}  {title(p)}" for p in support]
        lines.append(f"{kind}:")
    reason = answer.get("fallback_reason")
    is_share = reason in ("popularity", "scenario")
    if reason:
        lines[-1] = f"{lines[-1][:-1]} by {_REASONS.get(reason, reason)}"
        pairs = "clicks" if clicks else "ratings"
        lines[-1] += f", in % of all known {pairs}:" if is_share else ":"
    layout = "6.2%" if is_share else ".2f"
    lines += [f"  {item['score']:{layout}}  {title(item)}" for item in answer[kind]]
    if unknown := describe_unknown(answer):
        lines.append(f"unknown to the model: {unknown}")
    return "\n".join(lines)
