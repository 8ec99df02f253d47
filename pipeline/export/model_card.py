"""The model card of a version, as model hubs read one."""

import datetime
from typing import Any

import yaml

from pipeline.settings.serving import ServedWords
from transforms.plural import counted

# Filled in by `_body`.
_BODY = """\
# {name}, version {model_version}

## Model details

CMML (contextual modulation meta-learning, arXiv:2108.10511): {words.task}. A
support set of labelled interactions is encoded in one forward pass; the result
modulates the backbone that scores each pair. No gradient is taken when it adapts.

Run `{run}`, written {created:%Y-%m-%d %H:%M} UTC with TensorFlow
{tensorflow}; {size_mb:.1f} MB,
{num_ops} kinds of ops, all of them stock.

## Intended use

Scores and recommendations for users or scenarios with few interactions, or none. A task
without support is served by {words.fallback}, and the answer of `recommend` says so
in `fallback_reason`.

## Training data

Data set `{dataset}` (fingerprint `{dataset_fingerprint}`), with
{all_items} of which {num_candidates} can be recommended;
labels from {label_min:g} to {label_max:g}. {trained_on_words}

## Evaluation

{judged_words}{table}

## Limitations

- It knows the items of its data set; others are scored as the unknown item.
- At most {limits[max_support]} support pairs and {limits[max_query]} query items a
  task; `recommend` returns {limits[top_k]} items.
- A context can be read by this version alone, and be updated to {updates}.

## How to serve

Copy the folder of this version into `<models>/{name}/` and start TensorFlow Serving
with `--model_name={name} --model_base_path=<models>/{name}`. `request_examples/` has a
request for each signature, and `ask.sh` and `ask.py` that send one.
"""


# By what it was trained on: what of, and whose the figures are.
_WORDS = {
    "all": (
        "This model was trained on all pairs of it, whatever their split, and on what "
        "had been held out, for {num_epochs}, as meta-validation had chosen before.",
        "The figures are of the model before, with the same options, trained on "
        "meta-train alone and judged on tasks that it had not seen. This one has seen "
        "them, so that nothing is left to judge it on.\n\n",
    ),
    "meta_train": (
        "This model was trained on meta-train alone, for {num_epochs}, as "
        "meta-validation has chosen.",
        "",
    ),
}


def model_card(manifest: dict[str, Any], dataset: str, words: ServedWords) -> str:
    """Writes the card in Markdown, with what a machine reads in its front matter.

    Args:
        manifest: Of the version.
        dataset: Name of the data set.
        words: What the model does, in words.
    """
    name = manifest["model_name"]
    results = _results(manifest)
    front = {
        "library_name": "tf-keras",
        "tags": ["recommendation", "cold-start", "meta-learning"],
        "datasets": [dataset],
        "metrics": sorted({row["type"] for row in results}),
        "model-index": [
            {
                "name": name,
                "results": [
                    {
                        "task": {"type": "recommendation", "name": words.task},
                        "dataset": {"name": dataset, "type": dataset},
                        "metrics": results,
                    }
                ],
            }
        ],
    }
    header = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return f"---\n{header}---\n\n" + _body(manifest, dataset, words)


def _results(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    suffix = ", before the refit" if manifest["trained_on"] == "all" else ""
    return [
        {
            "type": metric,
            "name": f"{metric}, {group}{suffix}",
            "value": round(interval["mean"], 6),
            "interval_95": [round(interval["low"], 6), round(interval["high"], 6)],
        }
        for group, by_metric in manifest.get("metrics", {}).items()
        for metric, interval in by_metric.items()
    ]


def _body(manifest: dict[str, Any], dataset: str, words: ServedWords) -> str:
    room = manifest["context"]["max_updated_support"]
    trained_on, judged = _WORDS[manifest["trained_on"]]
    values = {
        **manifest,
        "name": manifest["model_name"],
        "dataset": dataset,
        "words": words,
        "created": datetime.datetime.fromtimestamp(manifest["created"], datetime.UTC),
        "size_mb": manifest["size_bytes"] / 1e6,
        "all_items": counted(manifest["num_items"], "item"),
        "num_ops": len(manifest["ops"]),
        "table": _table(manifest),
        "trained_on_words": trained_on.format(
            num_epochs=counted(manifest["epochs"], "epoch")
        ),
        "judged_words": judged if _results(manifest) else "",
        "updates": (
            f"up to {counted(room, 'support pair')}"
            if room
            else "any number of support pairs"
        ),
    }
    return _BODY.format_map(values)


def _table(manifest: dict[str, Any]) -> str:
    results = _results(manifest)
    if not results:
        return "Not evaluated before it was exported."
    rows = [
        f"| {row['name']} | {row['value']:.4f} | "
        f"[{row['interval_95'][0]:.4f}, {row['interval_95'][1]:.4f}] |"
        for row in results
    ]
    head = "| metric on meta-test, tasks | mean | 95 % interval over tasks |"
    return "\n".join([head, "| --- | --- | --- |", *rows])
