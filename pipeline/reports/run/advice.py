"""What to try next: rules on the figures of the run, each with its figure."""

from collections.abc import Sequence

from models.evaluation.intervals import Interval
from models.evaluation.metric import MIN_TASKS, has_few_tasks
from models.options import CMMLOptions, MemberOptions
from pipeline.experiment.prepared import way_to_more_tasks
from pipeline.judging.differences import Contrast
from pipeline.judging.evaluation import CLOSED_FORM, CMML
from pipeline.judging.interval_text import signed
from pipeline.reports.run.bands import COUNT_BANDS
from pipeline.reports.run.breakdown import MIN_CLAIMED, GroupFigures
from pipeline.reports.run.findings import Findings
from transforms.plural import counted, plural

_EARLY = 0.2  # Share of the epochs allowed that is called early.
_OVERFIT = 0.03  # Share of the metric of meta-validation.
_LITTLE = 0.01
_ON_FACTORS = frozenset({"matrix_factorisation", "als", "dot_product"})
_SLOPE = 0.1
_BIAS = 0.02  # Share of the range of labels.
# With fewer interactions of an item little is known of it.
_RARE = frozenset(COUNT_BANDS.labels[: COUNT_BANDS.starts.index(30)])
_MANY_NEW = 0.02
_MANY_REFUSED = 0.001  # Share of the rows read.


def advice(findings: Findings, model: MemberOptions) -> list[str]:
    """Returns what to try next, in sentences, what matters most first.

    Args:
        findings: The run.
        model: The members and sizes that it has.
    """
    if few := _few_tasks(findings):
        return [*few, *_training(findings, model), *_data(findings, model)]
    sentences = [
        *_context(findings, model),
        *_few_pairs(findings),
        *_training(findings, model),
        *_margin(findings, model),
        *_rare_items(findings),
        *_calibration(findings, model),
        *_data(findings, model),
    ]
    return sentences or ["Nothing stands out: no rule on these figures applies."]


def _few_tasks(findings: Findings) -> list[str]:
    """Says that too few tasks were judged for any rule on their figures, if so."""
    run = findings.evaluated
    own = run.summary[CMML][run.main].get(run.metric.name)
    if own is None or own.num_tasks is None or not has_few_tasks(own):
        return []
    return [
        f"Only {counted(own.num_tasks, 'task')} {plural(own.num_tasks, 'was', 'were')} "
        f"judged, and fewer than {MIN_TASKS} tell nothing: "
        f"{way_to_more_tasks(findings.data.info.options)}."
    ]


def _context(findings: Findings, model: MemberOptions) -> list[str]:
    if findings.training.keeps_start:
        return []
    is_better = findings.evaluated.metric.is_better
    told = {k: gap for k, gap in findings.adaptation.items() if not has_few_tasks(gap)}
    none, other = told.get("none"), told.get("other")
    simpler = [
        *(["model.encoder=mean"] if model.encoder != "mean" else []),
        *([f"model.dropout above {model.dropout:g}"] if model.uses_dropout else []),
        *(["model.modulation=sigmoid"] if model.modulation != "sigmoid" else []),
    ]
    if none is not None and is_better(none) is False:
        return [
            f"The own support set does harm against none ({signed(none)}): try a "
            f"simpler model, {' or '.join(simpler)}."
        ]
    if none is not None and is_better(none) is None:
        if other is not None and is_better(other):
            return [
                f"The own support set is worth no more than none ({signed(none)}), "
                f"though more than that of another task ({signed(other)}): what tasks "
                f"have in common does as well. Try {' or '.join(simpler)}."
            ]
        return [
            f"The own support set is worth nothing beyond chance ({signed(none)}): "
            "train once with model.prior=constant to see whether the prior leaves it "
            f"nothing to do, then try {' or '.join(simpler)}."
        ]
    if other is not None and not is_better(other):
        wider = f"model.encoder_dim above {model.encoder_dim}"
        hybrid = "model.hybrid=mlp or " if model.hybrid != "mlp" else ""
        return [
            "The support set of another task does as well as the own one "
            f"({signed(other)}): what is learned is that there is one, not whose. Try "
            f"{hybrid}{wider}."
        ]
    return []


def _few_pairs(findings: Findings) -> list[str]:
    """Looks at the smallest support sets beside the best baseline there."""
    if (lost := _first_lost(findings, findings.support)) is None:
        return []
    group, gap = lost
    labels = {"0": "no support pair", "1": "1 pair"}
    few = labels.get(group.label, f"{group.label} pairs")
    key = "lower training.full_support_fraction, so that more episodes show few pairs"
    first = "" if findings.training.keeps_start else f"{key}, or "
    return [
        f"With {few} {group.best} is better (cmml less it {signed(gap)}): "
        f"{first}answer with {group.best} until there are more."
    ]


def _first_lost(
    findings: Findings, groups: Sequence[GroupFigures]
) -> tuple[GroupFigures, Interval] | None:
    """Returns the first group with a better baseline, and CMML less that."""
    is_better = findings.evaluated.metric.is_better
    for group in groups:
        gap = group.less_best
        is_sure = group.num_tasks >= MIN_CLAIMED
        if gap is not None and is_sure and is_better(gap) is False:
            return group, gap
    return None


def _training(findings: Findings, model: MemberOptions) -> list[str]:
    training = findings.training
    if not training.course:
        return []
    last = training.course[-1]
    best, epochs = int(last["best_epoch"]), int(last["epoch"])
    sentences = []
    if best == epochs == training.max_epochs:
        sentences.append(
            f"The best epoch was the last one, {best} of {training.max_epochs}: raise "
            "training.max_epochs."
        )
    elif findings.training.keeps_start:
        sentences.append(
            "No epoch was better on meta-validation than the start, the closed form, "
            f"{_by_enough(findings)}which is kept: try a lower training.learning_rate."
        )
    elif best <= _EARLY * training.max_epochs:
        sentences.append(
            f"The best epoch was epoch {best} of {training.max_epochs}: try a lower "
            "training.learning_rate, since what came after did not help."
        )
    sentences += _overfit(findings, best, model)
    return sentences


def _by_enough(findings: Findings) -> str:
    """Says what the best epoch had to be better by, if it was better by less."""
    training = findings.training
    start, monitor = training.course[0], f"val_{training.monitor}"
    judged = [line for line in training.course if f"{monitor}_margin" in line]
    if not judged or monitor not in start:
        return ""
    best = max(judged, key=lambda line: line[monitor])  # More is better with margins.
    if best[monitor] <= start[monitor]:
        return ""
    return (
        f"by enough ({monitor} of epoch {best['epoch']} is {best[monitor]:.4f}, that "
        f"of the start {start[monitor]:.4f}, and the difference had to be more than "
        f"{best[f'{monitor}_margin']:.4f}), "
    )


def _overfit(findings: Findings, best: int, model: MemberOptions) -> list[str]:
    """Compares meta-train with meta-validation at the best epoch."""
    monitor = findings.training.monitor
    line = next((e for e in findings.training.course if int(e["epoch"]) == best), {})
    seen, unseen = line.get(monitor), line.get(f"val_{monitor}")
    if seen is None or unseen is None:
        return []
    lead = findings.evaluated.metric.direction * (seen - unseen)
    if lead <= _OVERFIT * abs(unseen):
        return []
    dropout = (
        f"model.dropout above {model.dropout:g}, or " if model.uses_dropout else ""
    )
    return [
        f"{monitor} of meta-train is {seen:.4f} at the best epoch, that of "
        f"meta-validation {unseen:.4f}: take {dropout}smaller model.hidden_dims."
    ]


def _margin(findings: Findings, model: MemberOptions) -> list[str]:
    run = findings.evaluated
    gap = run.less_strongest
    if run.strongest is None or gap is None:
        return ["No baseline was evaluated: name some in evaluation.baselines."]
    base = run.summary[run.strongest][run.main][run.metric.name]
    dropout = "model.dropout, " if model.uses_dropout else ""
    if run.metric.is_better(gap) is False:
        return [
            f"{run.strongest} is better (cmml less it {signed(gap)}): search with "
            f"cmml tune over {dropout}model.hidden_dims and "
            "training.learning_rate, or take it, if cmml compare --split "
            "meta_validation says the same."
        ]
    if abs(gap.mean) < _LITTLE * abs(base.mean):
        return [
            f"cmml less {run.strongest} is only {signed(gap)}, "
            f"{abs(gap.mean) / abs(base.mean):.1%} of its figure: "
            f"{_of_little_margin(findings, model)}."
        ]
    return []


def _of_little_margin(findings: Findings, model: MemberOptions) -> str:
    """Says what to try where CMML is ahead of, or behind, a baseline by little."""
    run = findings.evaluated
    tuned = "cmml tune tells whether other keys make more of it"
    prior = Contrast(run.metric.name, CMML, run.main, CLOSED_FORM, run.main)
    added = run.differences.get(prior)
    context_helps = added is not None and run.metric.is_better(added)
    key = _key_of_factors(findings, model)
    if run.strongest not in _ON_FACTORS or context_helps or key is None:
        return tuned
    return (
        "both know the same factors, to which the modulation adds little; try better "
        f"ones ({key}), and {tuned}"
    )


def _key_of_factors(findings: Findings, model: MemberOptions) -> str | None:
    """Returns what decides the factors that scores start from, None if nothing does."""
    if not isinstance(model, CMMLOptions):
        return "vectors"
    num_items = findings.data.item_counts.size - 1
    is_full_rank = num_items <= model.prior_full_rank_items
    has_rank = model.prior == "factors" and not is_full_rank
    return "model.prior_rank" if has_rank else None


def _rare_items(findings: Findings) -> list[str]:
    rare = [one for one in findings.popularity[:-1] if one.label in _RARE]
    if (lost := _first_lost(findings, rare)) is None:
        return []
    group, gap = lost
    remedy = (
        "give items more features, or raise data.min_item_count, below which an item "
        "is known by them alone"
        if findings.calibration
        else "stronger vectors.regularization keeps vectors of few clicks closer to 0"
    )
    return [
        f"On items with {group.label} interactions {group.best} is better "
        f"(cmml less it {signed(gap)}, {group.num_pairs:,} "
        f"{plural(group.num_pairs, 'pair')}): {remedy}."
    ]


def _calibration(findings: Findings, model: MemberOptions) -> list[str]:
    calibrated = findings.calibration
    if calibrated is None:
        return []
    sentences = []
    slope, bias = calibrated.slope, calibrated.bias
    is_sloped = slope is not None and not slope.low <= 1.0 <= slope.high
    is_trained = not findings.training.keeps_start
    if slope and is_sloped and is_trained and abs(slope.mean - 1.0) > _SLOPE:
        word = "far apart" if slope.mean < 1.0 else "close together"
        side = "above" if slope.mean < 1.0 else "below"
        change = (
            f"model.dropout {side} {model.dropout:g}"
            if model.uses_dropout
            else f"{'smaller' if slope.mean < 1.0 else 'larger'} model.hidden_dims"
        )
        sentences.append(
            f"Predicted labels are too {word}: the line of labels by predictions has "
            f"slope {slope.mean:.2f} [{slope.low:.2f}, {slope.high:.2f}]. Try {change}."
        )
    labels = findings.evaluated.scores[CMML][findings.evaluated.main].label
    assert labels is not None  # They are calibrated.
    if abs(bias.mean) > _BIAS * (labels.max() - labels.min()) and (
        bias.low > 0.0 or bias.high < 0.0
    ):
        sentences.append(
            f"Predictions are off by {signed(bias)} on average: compare the labels of "
            "the splits in the section on data, since tasks may differ."
        )
    return sentences


def _data(findings: Findings, model: MemberOptions) -> list[str]:
    data = findings.data
    sentences = []
    test = data.split("meta_test")
    has_features = isinstance(model, CMMLOptions)  # Items of clicks have none.
    if has_features and test is not None and test.num_query_pairs:
        share = test.num_new_item_pairs / test.num_query_pairs
        if share > _MANY_NEW:
            sentences.append(
                f"{share:.1%} of the query pairs are on items that training has never "
                "seen: features of items are what is known of these."
            )
    read = sum(rows.read for rows in data.info.tables.values())
    refused = sum(rows.refused.total() for rows in data.info.tables.values())
    if refused > _MANY_REFUSED * read:
        sentences.append(
            f"{refused:,} of the {read:,} rows of all tables "
            f"{plural(refused, 'was', 'were')} refused: look at rejected/ of the "
            "prepared data set."
        )
    return sentences
