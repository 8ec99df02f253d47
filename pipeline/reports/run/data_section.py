"""What was read, and how cold it is."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipeline.reports.page.elements import (
    bullet_list,
    captioned,
    commands,
    folded,
    sortable,
)
from pipeline.reports.page.frame import Section
from pipeline.reports.run.bands import COUNT_BANDS, SUPPORT_BANDS
from pipeline.reports.run.bar_figures import Bars, banded, bar_panels, binned, shares
from pipeline.reports.run.tables import left_out_table, split_table
from pipeline.settings.data_facts import DataFacts
from transforms import schema

_CAPTION = (
    "How cold the data is. Look for the bar at 0 interactions, items that nobody can "
    "have learned anything of, and for how much of the data lies to the left. Bad "
    "would be a meta-test whose support sets{labels} are unlike those of meta-train: "
    "the model is then asked for what it was not trained for."
)


def data_section(data: DataFacts, reasons: Mapping[str, str]) -> Section:
    """Returns the section on the data set.

    Args:
        data: The data set.
        reasons: What each code of a refused row means.
    """
    has_labels = bool(data.splits[0].labels)
    figure = captioned(
        bar_panels("data", _panels(data)),
        "data",
        _CAPTION.format(labels=" or labels" if has_labels else " or pools"),
    )
    body = [
        bullet_list(_told(data)),
        sortable(split_table(data)),
        figure,
        _left_out(data, reasons),
    ]
    return Section(
        "Data",
        "\n".join(body),
        "What was read, what was refused, and how much is known of users and items.",
        name="data",
    )


def _told(data: DataFacts) -> list[str]:
    sizes = ", ".join(f"{count:,} {name}" for name, count in data.sizes.items())
    unseen = int((data.item_counts[1:] == 0).sum())
    rejected = sum(data.num_rejected.values())
    return [
        f"{sizes}.",
        f"{unseen:,} items, {data.new_item_share:.1%} of all, were never seen in "
        "training.",
        f"{rejected:,} rows were refused."
        if rejected
        else "No row was refused: every one had the form that was expected.",
    ]


def _panels(data: DataFacts) -> list[Bars]:
    panels = [
        banded(
            "users",
            "interactions of a user",
            "users",
            data.user_counts[1:],
            COUNT_BANDS,
        ),
        banded(
            "items",
            "interactions of an item in training",
            "items",
            data.item_counts[1:],
            COUNT_BANDS,
        ),
    ]
    test = data.split(schema.META_TEST)
    if test is None:
        return panels
    panels.append(
        banded(
            "tasks of meta-test",
            "support pairs that a task has",
            "tasks",
            test.support_sizes,
            SUPPORT_BANDS,
        )
    )
    train = data.split(schema.META_TRAIN)
    if test.labels and train is not None:
        by_split = {"meta-train": train.labels, "meta-test": test.labels}
        panels.append(shares("labels", "label", by_split))
    elif test.pool_sizes.size:
        panels.append(
            binned(
                "pools of meta-test",
                "items of a scenario",
                "scenarios",
                test.pool_sizes,
            )
        )
    return panels


def _left_out(data: DataFacts, reasons: Mapping[str, str]) -> str:
    if not data.num_rejected and not data.num_dropped:
        return ""
    intro = (
        "<p>Rows that were refused break the format; what was left out is legal. Bad "
        "would be a reason that you did not expect, or many refused rows.</p>"
    )
    table = sortable(left_out_table(data, reasons))
    if not data.examples:
        return intro + table
    lines = [json.dumps(example, ensure_ascii=False) for example in data.examples]
    return intro + table + folded(f"{len(lines)} of the refused rows", commands(lines))
