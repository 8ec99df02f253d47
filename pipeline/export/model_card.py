"""The model card of a version, as model hubs read one."""

import datetime
from typing import Any

import jinja2
import yaml

from pipeline.settings.setting import ServedWords
from transforms.plural import counted

_CARD = """\
---
{{ front }}---

# {{ model_name }}, version {{ model_version }}

## Model details

CMML (contextual modulation meta-learning, arXiv:2108.10511): {{ words.task }}. A
support set of labelled interactions is encoded in one forward pass; the result
modulates the backbone that scores each pair. No gradient is taken when it adapts.

Run `{{ run }}`, written {{ written.strftime("%Y-%m-%d %H:%M") }} UTC with TensorFlow
{{ tensorflow }}; {{ "%.1f" | format(size_bytes / 1e6) }} MB,
{{ ops | length }} kinds of ops, all of them stock.

## Intended use

Scores and recommendations for users or scenarios with few interactions, or none. A task
without support is served by {{ words.fallback }}, and the answer of `recommend` says so
in `fallback_reason`.

## Training data

Data set `{{ dataset }}` (fingerprint `{{ dataset_fingerprint }}`), with
{{ counted(num_items, "item") }} of which {{ num_candidates }} can be recommended;
labels from {{ "%g to %g" | format(label_min, label_max) }}.
{% if trained_on == "all" %}
This model was trained on all pairs of it, whatever their split, and on what had been
held out, for {{ counted(epochs, "epoch") }}, as meta-validation had chosen before.
{% else %}
This model was trained on meta-train alone, for {{ counted(epochs, "epoch") }}, as
meta-validation has chosen.
{% endif %}

## Evaluation

{% if results %}
{% if trained_on == "all" %}
The figures are of the model before, with the same options, trained on meta-train alone
and judged on tasks that it had not seen. This one has seen them, so that nothing is
left to judge it on.

{% endif %}
| metric on meta-test, tasks | mean | 95 % interval over tasks |
| --- | --- | --- |
{% for row in results %}
| {{ row.name }} | {{ "%.4f | [%.4f, %.4f]" | format(row.value, *row.interval_95) }} |
{% endfor %}
{% else %}
Not evaluated before it was exported.
{% endif %}

## Limitations

- It knows the items of its data set; others are scored as the unknown item.
- At most {{ limits.max_support }} support pairs and {{ limits.max_query }} query items
  a task; `recommend` returns {{ limits.top_k }} items.
{% set room = context.max_updated_support %}
- A context can be read by this version alone, and be updated to
{%- if room %} up to {{ counted(room, "support pair") }}.
{% else %} any number of support pairs.
{% endif %}

## How to serve

Copy the folder of this version into `<models>/{{ model_name }}/` and start TensorFlow
Serving with `--model_name={{ model_name }}
--model_base_path=<models>/{{ model_name }}`. `request_examples/` has a request for each
signature, and `ask.sh` and `ask.py` that send one.
"""


def model_card(manifest: dict[str, Any], dataset: str, words: ServedWords) -> str:
    """Writes the card in Markdown, with what a machine reads in its front matter.

    Args:
        manifest: Of the version.
        dataset: Name of the data set.
        words: What the model does, in words.
    """
    suffix = ", before the refit" if manifest["trained_on"] == "all" else ""
    results = [
        {
            "type": metric,
            "name": f"{metric}, {group}{suffix}",
            "value": round(interval["mean"], 6),
            "interval_95": [round(interval["low"], 6), round(interval["high"], 6)],
        }
        for group, by_metric in manifest.get("metrics", {}).items()
        for metric, interval in by_metric.items()
    ]
    entry = {
        "task": {"type": "recommendation", "name": words.task},
        "dataset": {"name": dataset, "type": dataset},
        "metrics": results,
    }
    front = {
        "library_name": "tf-keras",
        "tags": ["recommendation", "cold-start", "meta-learning"],
        "datasets": [dataset],
        "metrics": sorted({row["type"] for row in results}),
        "model-index": [{"name": manifest["model_name"], "results": [entry]}],
    }
    templates = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return templates.from_string(_CARD).render(
        manifest,
        front=yaml.safe_dump(front, sort_keys=False, allow_unicode=True),
        written=datetime.datetime.fromtimestamp(manifest["created"], datetime.UTC),
        results=results,
        dataset=dataset,
        words=words,
        counted=counted,
    )
