"""The verdict on a run, in sentences that claim no more than the figures."""

from collections.abc import Sequence

from models.evaluation.intervals import NO_DIFFERENCE, Interval
from pipeline.judging.beside_baselines import BesideBaselines
from pipeline.judging.evaluation import CMML, OWN
from pipeline.judging.interval_text import cell, p_text, signed, untold
from pipeline.reports.run.breakdown import MIN_CLAIMED, GroupFigures
from pipeline.reports.run.findings import OTHER_WORD, Findings
from pipeline.reports.run.standing_text import (
    closed_form_sentences,
    further_sentences,
    overall_sentence,
    support_sentences,
    target_sentences,
)
from transforms.plural import counted, plural

_NUM_NAMED = 3  # Groups that are named on either side.
_SMALL = 0.01  # A difference below this share of the baseline's figure is called so.
_TAIL = 0.025  # Of either side of an interval.


def verdict(findings: Findings) -> list[str]:
    """Returns whether the run is good, for whom, and why."""
    run = findings.evaluated
    without_pool = [one for one in run.groups if one.is_open]
    return [
        f"Is it good? {overall_sentence(run.beside)}",
        _by_first_metric(findings),
        *further_sentences(run.beside),
        *target_sentences(run.setting.metrics, run.summary[CMML][run.main]),
        *_for_whom(findings),
        *_why(findings),
        *support_sentences(run.metric, without_pool, run.differences),
        *closed_form_sentences(run.metric, run.main, run.differences),
    ]


def _by_first_metric(findings: Findings) -> str:
    """Says how CMML stands by the metric that decides, and by how much."""
    run = findings.evaluated
    main, name = run.main, run.metric.name
    own = run.summary[CMML][main].get(name)
    if own is None:
        return f"By {name}: no task that training has not seen defines it."
    num_tasks = len(findings.worst.order)
    text = (
        f"By {name}: on {num_tasks:,} {plural(num_tasks, 'task')} that training has "
        f"not seen, cmml has {cell(own)}"
    )
    gap = run.less_strongest
    if run.strongest is None or gap is None:
        return f"{text}."
    base = run.summary[run.strongest][main][name]
    num_baselines = len(run.summary.keys() - {*OWN})
    who = "the only baseline" if num_baselines == 1 else f"the best of {num_baselines}"
    text += f"; {run.strongest}, {who}{'' if num_baselines == 1 else ' baselines'}, "
    text += f"{cell(base)}."
    if max(abs(gap.low), abs(gap.high)) < NO_DIFFERENCE and not untold(gap):
        return f"{text} By {name} the two are equal on every task."
    return (
        f"{text} By {name} {_standing(run.beside, gap)}: "
        f"difference {signed(gap)}, {_size(gap, base)}."
    )


def _standing(beside: BesideBaselines, gap: Interval) -> str:
    """Says how CMML stands by the metric that decides, as the overall verdict does."""
    if cannot := untold(gap):
        return f"which of the two is better {cannot}"
    first = beside.by_metric[0]
    standing = "neither better nor worse"
    if first.standing != "level":
        standing = first.standing
    return f"cmml is {standing} beyond chance (Holm p {p_text(first.holm_p)})"


def _size(gap: Interval, base: Interval) -> str:
    share = abs(gap.mean) / abs(base.mean) if base.mean else float("inf")
    small = ", which is little" if share < _SMALL else ""
    return f"{share:.1%} of the baseline's figure{small}"


def _for_whom(findings: Findings) -> list[str]:
    run = findings.evaluated
    groups = [
        group
        for group in findings.groups
        if group.gap is not None and group.num_tasks >= MIN_CLAIMED
    ]
    if not groups:
        return []
    better, worse = (
        [g for g in groups if g.gap and run.metric.is_better(g.gap) is sign]
        for sign in (True, False)
    )
    sentence = (
        f"For whom? Of {counted(len(groups), 'group')} of at least "
        f"{MIN_CLAIMED} tasks, cmml is better than {run.strongest} beyond chance in "
        f"{len(better)} and worse in {len(worse)}; luck alone would make about "
        f"{_TAIL * len(groups):.1f} of each."
    )
    if better:
        sentence += f" It gains most for {_named(better)}."
    if worse:
        sentence += f" It loses most for {_named(worse)}."
    return [sentence]


def _named(groups: Sequence[GroupFigures]) -> str:
    """Names the groups in which CMML differs the most from the strongest baseline."""
    gaps = [(group, group.gap) for group in groups if group.gap]
    gaps.sort(key=lambda one: -abs(one[1].mean))
    return "; ".join(
        f"{group.kind} {group.label} ({signed(gap)})"
        for group, gap in gaps[:_NUM_NAMED]
    )


def _why(findings: Findings) -> list[str]:
    parts = []
    for kind, gap in findings.adaptation.items():
        does = {
            None: "makes no difference beyond chance",
            True: "helps beyond chance",
            False: "does harm beyond chance",
        }[findings.evaluated.metric.is_better(gap)]
        does = untold(gap) or does
        parts.append(f"against {OTHER_WORD[kind]} it {does}, {signed(gap)}")
    if not parts:
        return []
    return [
        f"Why? What adapting to the task's own support set does to "
        f"{findings.evaluated.metric.name}: {'; '.join(parts)}."
    ]
