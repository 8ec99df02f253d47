"""An explanation: in words, for a terminal, and as a page with its figure."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.insight.explanation import Explanation
from pipeline.insight.modulation_values import ROUTES, Values, difference
from pipeline.reports.insight.routes import modulation_figures
from pipeline.reports.page.render import render
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.reports.page.svg import plain, styled, to_svg
from transforms.plural import counted

_MAX_REASONS = 2  # Of each sign.
_LEAST = 0.0005  # Less is 0 in what is written.

_MAX_PAIRS = 25

_MAX_LETTERS = 34
_UNTRAINED = (
    "No epoch was better than the start, which was kept: context and modulation are of "
    "untrained networks, and scores owe nothing to them."
)


def as_text(explanation: Explanation) -> str:
    """Lays recommendations out, each with the pairs that it owes most to."""
    lines = [
        f"{explanation.task}, {_counted_pairs(explanation)}",
        *verdict(explanation),
    ]
    for item, score, effects in zip(
        explanation.items, explanation.scores, explanation.attribution, strict=True
    ):
        lines.append(f"  {score:.2f}  {item}")
        lines += [
            f"        {effects[pair]:+.3f}  {explanation.pairs[pair]}"
            for pair in reasons(effects)
        ]
    return "\n".join(lines)


def _counted_pairs(explanation: Explanation) -> str:
    """Says how many pairs are explained, and how many are not."""
    pairs = counted(len(explanation.pairs), "support pair")
    if not explanation.num_negatives:
        return pairs
    return f"{pairs} beside {counted(explanation.num_negatives, 'sampled negative')}"


def reasons(effects: np.ndarray) -> list[int]:
    """Returns places of the pairs that raise a score most, and of those that lower it.

    Args:
        effects: float [S], the score less that without each pair.
    """
    order = np.argsort(effects, kind="stable")
    raising = [int(pair) for pair in order[::-1] if effects[pair] >= _LEAST]
    lowering = [int(pair) for pair in order if effects[pair] <= -_LEAST]
    return raising[:_MAX_REASONS] + lowering[:_MAX_REASONS]


def verdict(explanation: Explanation) -> list[str]:
    """Says in sentences what the scores owe to the support set."""
    untrained = [_UNTRAINED] if explanation.is_untrained else []
    return [*_owed(explanation), *untrained]


def _owed(explanation: Explanation) -> list[str]:
    if not explanation.pairs:
        return ["There is no support pair, so that nothing is owed to one."]
    if not has_effects(explanation):
        return ["No support pair counts: without any one of them no score changes."]
    effects = np.abs(explanation.attribution)
    first = int(strongest_pairs(explanation)[0])
    item, pair = divmod(int(effects.argmax()), len(explanation.pairs))
    largest = explanation.attribution[item, pair]
    at_random = f", without a pair taken at random by {effects.mean():.3f}"
    return [
        f'"{explanation.pairs[first]}" counts most: without it scores change by '
        f"{effects[:, first].mean():.3f} on average"
        f"{at_random if len(explanation.pairs) > 1 else ''}.",
        f"The largest change of one score is {largest:+.3f}, of "
        f'"{explanation.items[item]}" by "{explanation.pairs[pair]}".',
    ]


def has_effects(explanation: Explanation) -> bool:
    """Whether some score changes without some support pair."""
    return bool(np.abs(explanation.attribution).max(initial=0.0) >= _LEAST)


def compared(first: Values, second: Values, names: Sequence[str]) -> str:
    """Says in a sentence how far the modulations of two tasks or groups are apart.

    Args:
        first: Values of the one.
        second: Values of the other.
        names: What the two are called.
    """
    gap = difference(first, second)
    name = max(gap, key=lambda key: float(np.abs(gap[key]).mean()))
    place = np.unravel_index(np.abs(gap[name]).argmax(), gap[name].shape)
    unit = " to ".join(str(int(axis) + 1) for axis in place)
    return (
        f"{names[0]} and {names[1]} differ most in the {_layer(name)}: by "
        f"{np.abs(gap[name]).mean():.3f} on average, and by {gap[name][place]:+.3f} at "
        f"{'module' if name.startswith(ROUTES) else 'unit'} {unit}."
    )


def _layer(name: str) -> str:
    """Returns "scale_0" as "scale of layer 1"."""
    kind, _, layer = name.rpartition("_")
    return f"{kind} of layer {int(layer) + 1}" if kind else layer


def attribution_figure(explanation: Explanation) -> str:
    """Draws support pairs down and items across; returns SVG.

    Args:
        explanation: With at least one support pair; of more than 25 those are drawn
            that change the scores most, in their order.
    """
    with styled("attribution"):
        return to_svg(_figure(explanation))


def _figure(explanation: Explanation) -> Figure:
    pairs = np.sort(strongest_pairs(explanation)[:_MAX_PAIRS])
    grid = explanation.attribution[:, pairs].T
    most = float(np.abs(grid).max()) or 1.0
    figure = Figure(figsize=(3.2 + 0.42 * grid.shape[1], 2.2 + 0.21 * grid.shape[0]))
    axes = figure.add_subplot()
    axes.grid(False)
    axes.spines[:].set_visible(False)
    drawn = axes.imshow(grid, aspect="auto", cmap="RdBu_r", vmin=-most, vmax=most)
    names = [_short(explanation.pairs[pair]) for pair in pairs]
    axes.set_yticks(range(len(pairs)), names)
    axes.set_xticks(
        range(len(explanation.items)),
        [_short(item) for item in explanation.items],
        rotation=45,
        ha="right",
        rotation_mode="anchor",
    )
    axes.tick_params(length=0, labelsize=8)
    bar = figure.colorbar(drawn, ax=axes, label="change of the score", shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def strongest_pairs(explanation: Explanation) -> np.ndarray:
    """Returns places of support pairs, int [S], those first that change most."""
    return np.argsort(-np.abs(explanation.attribution).mean(axis=0), kind="stable")


def _short(text: str) -> str:
    """Cuts a long text in its middle: a pair ends with the item that it is of."""
    if len(text) > _MAX_LETTERS:
        half = _MAX_LETTERS // 2
        text = f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
    return plain(text)


def explanation_page(
    explanation: Explanation, groups: Mapping[str, Values], command: str
) -> str:
    """Returns the page: the verdict, then what it rests on.

    Args:
        explanation: The scores of the first task.
        groups: What contexts change of the backbone, by name of the task or group: of
            one, or of two that are compared.
        command: What made the page.
    """
    names = list(groups)
    sentences = list(verdict(explanation))
    if len(names) > 1 and not explanation.is_untrained:
        sentences.append(compared(groups[names[0]], groups[names[1]], names))
    is_owed = has_effects(explanation)
    return render(
        "explanation.html",
        task=explanation.task,
        description=f"{_counted_pairs(explanation)}, "
        f"{counted(len(explanation.items), 'item')}.",
        verdict=sentences,
        items=_item_table(explanation, with_reasons=is_owed),
        attribution=attribution_figure(explanation) if is_owed else None,
        max_pairs=_MAX_PAIRS,
        pairs=_pair_table(explanation),
        figures=modulation_figures(groups),
        untrained=_UNTRAINED if explanation.is_untrained else "",
        command=command,
    )


def _item_table(explanation: Explanation, *, with_reasons: bool) -> ResultTable:
    def named(effects: np.ndarray, sign: float) -> str:
        return "; ".join(
            f"{explanation.pairs[pair]} ({effects[pair]:+.3f})"
            for pair in reasons(effects)
            if sign * effects[pair] > 0.0
        )

    rows = [
        {
            "item": item,
            "score": float(score),
            "raised": named(effects, 1.0),
            "lowered": named(effects, -1.0),
        }
        for item, score, effects in zip(
            explanation.items, explanation.scores, explanation.attribution, strict=True
        )
    ]
    columns = [
        Column("item", "item"),
        Column("score", "score", "{:.3f}".format),
    ]
    if with_reasons:
        columns += [Column("raised", "raised by"), Column("lowered", "lowered by")]
    return ResultTable("items", "items", "", columns, rows)


def _pair_table(explanation: Explanation) -> ResultTable:
    columns = [
        Column("place", "place", "{:d}".format),
        Column("pair", "support pair"),
        Column("size", "mean change", "{:.4f}".format),
        Column("mean", "mean, with its sign", "{:+.4f}".format),
        Column("most", "largest change", "{:+.4f}".format),
        Column("item", "of the score of"),
    ]
    rows = []
    for pair in strongest_pairs(explanation):
        effects = explanation.attribution[:, pair]
        largest = int(np.abs(effects).argmax())
        rows.append(
            {
                "place": int(pair) + 1,
                "pair": explanation.pairs[pair],
                "size": float(np.abs(effects).mean()),
                "mean": float(effects.mean()),
                "most": float(effects[largest]),
                "item": explanation.items[largest],
            }
        )
    return ResultTable("pairs", "pairs", "", columns, rows)
