"""The comparison of all methods with scenarios as a table for people, in Markdown."""

from collections.abc import Mapping, Sequence

from models.evaluation.intervals import Interval
from pipeline.reports.page.markdown_table import cell, layout, signed

Metrics = Mapping[str, Mapping[str, Mapping[str, Interval]]]

SCENARIO_MEAN = "scenario_mean"
OWN_SUPPORT = f"{SCENARIO_MEAN}/own_support"
OTHER_SUPPORT = f"{SCENARIO_MEAN}/other_support"

_METHOD = "cmml"
_WITH_INTERVAL = ("recall@10", "recall@20")
_COLUMNS = ("recall@5", *_WITH_INTERVAL, "recall@50", "ndcg", "mrr")


def few_shot_group(size: int) -> str:
    """Names the group of tasks that show `size` clicks at most."""
    return f"{SCENARIO_MEAN}/support_{size}"


def domain_group(domain: str) -> str:
    """Names the group of the tasks of one domain of a hybrid data set."""
    return f"{SCENARIO_MEAN}/domain_{domain}"


def ranking_table(
    metrics: Metrics,
    differences: Mapping[str, Interval],
    num_tasks: int,
    few_shot_sizes: Sequence[int],
) -> str:
    """Lays out the metrics of every method, and those of CMML with fewer clicks.

    Args:
        metrics: By method, group and metric.
        differences: CMML less each other method, and less itself with another
            support, in recall@20.
        num_tasks: Scenarios of meta-test.
        few_shot_sizes: Clicks shown in the second table.

    Returns:
        Markdown.
    """
    header = ["method", *_COLUMNS, "recall@20, pair mean", "cmml less it, recall@20"]
    rows = []
    for method, groups in metrics.items():
        own = groups[SCENARIO_MEAN]
        cells = [
            cell(own[name]) if name in _WITH_INTERVAL else f"{own[name].mean:.4f}"
            for name in _COLUMNS
        ]
        difference = differences.get(method)
        rows.append(
            [
                method,
                *cells,
                f"{groups['pair_mean']['recall@20'].mean:.4f}",
                signed(difference) if difference else "-",
            ]
        )
    parts = [
        f"Means over {num_tasks} scenarios never trained on, of means over users; 95 % "
        "intervals of resampled scenarios in brackets. The pair mean is over all users "
        "of all scenarios. Higher is better.",
        layout(header, rows),
    ]
    groups = metrics[_METHOD]
    by_domain = [group for group in groups if "/domain_" in group]
    if by_domain:
        header = ["method", *(group.partition("/domain_")[2] for group in by_domain)]
        lines = [
            [method, *(cell(found[group]["recall@20"]) for group in by_domain)]
            for method, found in metrics.items()
        ]
        parts += ["recall@20 by domain:", layout(header, lines)]
    curve = {
        f"{size} clicks": few_shot_group(size)
        for size in few_shot_sizes
        if few_shot_group(size) in groups
    }
    curve["all clicks"] = OWN_SUPPORT
    if OTHER_SUPPORT in groups:
        curve["those of another scenario"] = OTHER_SUPPORT
    lines = []
    for name, group in curve.items():
        cells = [f"{groups[group][metric].mean:.4f}" for metric in _WITH_INTERVAL]
        gap = differences.get(group)
        lines.append([name, *cells, signed(gap) if gap else "-"])
    parts += [
        "cmml by what it is shown, over some users of each scenario:",
        layout(["support", *_WITH_INTERVAL, "all clicks less it, recall@20"], lines),
    ]
    return "\n\n".join(parts) + "\n"


def verdicts(differences: Mapping[str, Interval]) -> str:
    """Says in a sentence for each how CMML stands to the others."""
    lines = []
    for name, gap in differences.items():
        figures = f"difference {gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        if name == OTHER_SUPPORT:
            lines.append(
                "The support set of another scenario "
                f"{_costs(gap)} recall@20: own less other, {figures}."
            )
        elif not name.startswith(SCENARIO_MEAN):
            lines.append(f"By recall@20, cmml is {_standing(gap)} {name}: {figures}.")
    return "\n".join(lines) + "\n"


def _standing(gap: Interval) -> str:
    if gap.low <= 0.0 <= gap.high:
        return "not told apart from"
    return "better than" if gap.mean > 0.0 else "worse than"


def _costs(gap: Interval) -> str:
    if gap.low <= 0.0 <= gap.high:
        return "makes no difference beyond chance to"
    return "lowers" if gap.mean > 0.0 else "raises"
