"""How good a run is: beside baselines, in groups, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.evaluation.intervals import Interval
from pipeline.judging.evaluation import CMML
from pipeline.reports.page.elements import bullet_list, captioned, folded, sortable
from pipeline.reports.page.frame import Section
from pipeline.reports.page.markdown_table import signed
from pipeline.reports.run.breakdown import MIN_TASKS, GroupFigures
from pipeline.reports.run.breakdown_figures import group_figure
from pipeline.reports.run.calibration_figure import calibration_figure, rank_figure
from pipeline.reports.run.findings import Findings
from pipeline.reports.run.tables import group_table, metrics_table, worst_table
from pipeline.reports.run.worst_tasks import MIN_WORST

_INTERVALS = "Brackets hold 95 % intervals of resampled tasks."


def metrics_section(
    found: Findings, groups: Mapping[str, str], names: Sequence[str]
) -> Section:
    """Returns the metrics of all methods.

    Args:
        found: The run.
        groups: What each group of `evaluate` to show is made of, by name.
        names: The metrics.
    """
    run = found.evaluated
    parts = []
    for group, words in groups.items():
        gaps: dict[str, Interval] = {}
        own = run.by_task(CMML, group)
        for method in run.scores:
            if method != CMML and group in run.scores[method]:
                gaps[method] = run.difference(own, run.by_task(method, group))
        table = sortable(metrics_table(run, group, names, gaps))
        parts.append(f"<h3>{words}</h3>\n{table}")
    better = "lower is better" if run.metric.direction < 0 else "higher is better"
    return Section(
        "Metrics beside baselines",
        "\n".join(parts),
        f"What cmml evaluate found; {run.metric.name} decides, {better}. {_INTERVALS} "
        "Paired differences stand beside it: where the interval of one holds 0, the "
        "two are not told apart. Bad would be a simple baseline in bold.",
        name="metrics",
    )


def groups_section(found: Findings) -> Section:
    """Returns the metric by support size, popularity, activity and features."""
    run = found.evaluated
    kinds: list[tuple[str, str, Sequence[GroupFigures], str]] = [
        (
            "By support pairs shown",
            "support",
            found.support,
            "How fast a new task is learned: every task that has as many pairs counts "
            "once in a column. More pairs are of no help to a baseline that looks at "
            "none. Look for a steady gain to the right. Bad would be a flat line, when "
            "the support set is not used, or a baseline that is better on the left, "
            "when too little is made of few pairs.",
        ),
        (
            "By popularity of the item",
            "popularity",
            found.popularity,
            "Pairs by how often their item occurs in training. Look for how much is "
            "lost on rare items. Bad would be a baseline that is better there, or a "
            "gain on popular items alone.",
        ),
        (
            "By activity of the user",
            "activity",
            found.activity,
            "Pairs by how many interactions of the user there are, about as many users "
            "in each column. With users as tasks they are of meta-train, on pairs "
            "held out, since support sets of new users are cut. Look for whether those "
            "of few gain too. Bad would be a gain for the active alone.",
        ),
    ]
    parts = [
        _by_kind(found, title, name, figures, caption)
        for title, name, figures, caption in kinds
        if figures
    ]
    if found.features:
        table = sortable(group_table("features", found.features, run.strongest))
        parts.append(
            "<h3>By what else is known</h3>\n<p>Sort by the difference to see who "
            f"gains and who loses. Of {len(found.features)} groups about one in 20 "
            f"stands out by chance.</p>\n{table}"
        )
    return Section(
        "For whom",
        "\n".join(parts),
        f"{run.metric.name} in groups; n counts pairs. {_INTERVALS} Groups of fewer "
        f"than {MIN_TASKS} tasks are left out. The baseline is the strongest over all, "
        "and beside it the one that is best in the group, which is flattered by being "
        "picked there.",
        name="groups",
    )


def _by_kind(
    found: Findings,
    title: str,
    name: str,
    figures: Sequence[GroupFigures],
    caption: str,
) -> str:
    run = found.evaluated
    svg = group_figure(name, figures, run.metric, run.strongest)
    table = sortable(group_table(name, figures, run.strongest))
    return f"<h3>{title}</h3>\n{captioned(svg, name, caption)}\n{table}"


def worst_section(found: Findings, names: Mapping[str, str]) -> Section:
    """Returns the worst tasks and what they share.

    Args:
        found: The run.
        names: Names of tasks by id, where they have one.
    """
    worst = found.worst
    common = [
        f"{each.name}: {each.worst:,.4g} against {each.others:,.4g} in the median; a "
        f"worst task has more of it than another in {each.higher:.0%} of pairs."
        for each in worst.in_common
    ]
    told = bullet_list(common) or (
        "<p>Nothing that is known of them sets them apart beyond chance.</p>"
        if worst.num_worst >= MIN_WORST
        else "<p>They are too few to tell what they have in common.</p>"
    )
    return Section(
        "Worst tasks",
        f"{told}\n{sortable(worst_table(found.evaluated, worst, names))}",
        f"What sets the worst {worst.num_worst} of {len(worst.order):,} tasks apart, "
        "and which they are. Look for one cause. Tasks whose labels are far spread, or "
        "that are bad with the baseline too, are hard for anyone; bad would be what "
        "the model alone is to blame for.",
        name="worst",
    )


def calibration_section(found: Findings) -> Section:
    """Returns whether predictions mean what they say, or how clicks are ranked."""
    run = found.evaluated
    main = run.main
    rows = run.scores[CMML][main]
    calibrated = found.calibration
    if calibrated is None:
        methods = [CMML, *([run.strongest] if run.strongest else [])]
        svg = rank_figure({method: run.scores[method][main] for method in methods})
        return Section(
            "Where held-out clicks are ranked",
            captioned(
                svg,
                "ranks",
                "The share of held-out clicks among the first candidates, over all "
                "users. Look for a steep start. Bad would be a curve near that of "
                "chance, or one that crosses the baseline's.",
            ),
            "Scores of scenarios have an order but no unit, so that they cannot be "
            "calibrated.",
            name="calibration",
        )
    told = [
        f"Predictions less labels are {signed(calibrated.bias)} on average.",
        f"The mean distance of predictions to labels in the bins is "
        f"{calibrated.error:.4f}.",
    ]
    if calibrated.slope is not None:
        slope = calibrated.slope
        told.append(
            f"The line of labels by predictions has slope {slope.mean:.3f} "
            f"[{slope.low:.3f}, {slope.high:.3f}]; 1 is right."
        )
    bins = "\n".join(
        f"{each.num_pairs:,} pairs: predicted {each.score:.3f}, labels "
        f"{each.label.mean:.3f} [{each.label.low:.3f}, {each.label.high:.3f}]"
        for each in calibrated.bins
    )
    figure = captioned(
        calibration_figure(calibrated, rows),
        "calibration",
        "Left: points on the dashed line are predictions that can be taken at their "
        "word. Middle: what is left over; look for a hump around 0. Right: low labels "
        "are always predicted too high and high ones too low, since a careful "
        "prediction keeps to the middle; bad would be bars as long as the step from "
        "one label to the next.",
    )
    return Section(
        "Calibration of predicted labels",
        bullet_list(told) + figure + folded("The bins", f"<pre>{bins}</pre>"),
        "Whether a predicted label of 4 comes out as 4, on meta-test.",
        name="calibration",
    )
