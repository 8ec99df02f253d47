"""The trials and the keys of a search as tables."""

from typing import Any

from pipeline.judging.interval_text import p_text
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.reports.search.key_axis import is_number, searched_keys
from pipeline.reports.search.verdict import how_judged
from tuning.forest import Forest
from tuning.importance import Importance
from tuning.main_effect import MainEffect
from tuning.results import SearchResults
from tuning.trial_result import TrialResult, value_text

_AFTER = ("completed", "failed", "invalid")
_PERCENT = "{:z.0%}".format  # Without a sign before 0.


def trial_table(results: SearchResults) -> ResultTable:
    """Returns every trial, the best first, those without a result last."""
    better = -1 if results.minimise else 1
    seeds = [
        Column(f"seed_{seed}", f"seed {seed}", "{:.4f}".format)
        for seed in (results.seeds if len(results.seeds) > 1 else ())
    ]
    spread = [Column("spread", "spread of seeds", "{:.4f}".format)] if seeds else []
    columns = [
        Column("trial", "trial"),
        Column("status", "status"),
        Column("objective", _title(results), "{:.4f}".format, better=better),
        *spread,
        *(Column(key, key, value_text) for key in searched_keys(results)),
        *seeds,
        Column("best_epochs", "best epoch"),
        Column("num_parameters", "weights", "{:,}".format),
        Column("seconds", "seconds", "{:,.1f}".format),
        Column("reason", "reason"),
    ]
    note = f"Judged by {how_judged(results)}. A key with - was not active in the trial."
    ended = sorted(
        (trial for trial in results.trials if trial.status != "completed"),
        key=lambda trial: (_AFTER.index(trial.status), trial.trial_id),
    )
    rows = [_row(trial, results) for trial in [*results.best_first(), *ended]]
    return ResultTable("trials", "Trials", note, columns, rows)


def importance_table(results: SearchResults, importance: Importance) -> ResultTable:
    """Returns what each key does, or why that is not known; what matters most first."""
    forest = importance.forest if isinstance(importance.forest, Forest) else None
    is_known = [isinstance(effect, MainEffect) for effect in importance.main.values()]
    of_effects = [
        Column("share", "share of variance", _PERCENT),
        Column("by_chance", "share by chance", _PERCENT),
        Column("p", "p", p_text),
        Column("best", "best on average"),
        Column("num_trials", "trials compared"),
    ]
    columns = [
        Column("key", "key"),
        *(of_effects if any(is_known) else []),
        *([Column("forest", "permutation importance", _PERCENT)] if forest else []),
        *([] if all(is_known) else [Column("unknown", "why the share is not known")]),
    ]
    effects = importance.main.items()
    rows = [_effect(key, effect, results) for key, effect in effects]
    if forest:
        rows = [{**row, "forest": forest.importance[row["key"]]} for row in rows]
    rows.sort(key=lambda row: (-row.get("share", -1.0), -row.get("forest", 0.0)))
    note = _note(importance)
    return ResultTable("importance", "Importance of keys", note, columns, rows)


def _note(importance: Importance) -> str:
    note = (
        "The share of the variance of the objective that goes along with a key alone, "
        "over trials that differ in nothing else; of a conditional key, over the "
        "trials in which it is active. p is the probability of such a share if the key "
        "did nothing. "
    )
    if isinstance(importance.forest, Forest):
        return note + (
            "Permutation importance is the share that a key takes part in, alone or "
            "with others, by a random forest on trials that it has not seen; it "
            f"predicts {importance.forest.fit:.0%} of their variance."
        )
    return note + f"There is no permutation importance: {importance.forest}."


def _effect(
    key: str, effect: MainEffect | str, results: SearchResults
) -> dict[str, Any]:
    if isinstance(effect, str):
        return {"key": key, "unknown": effect}
    pick = min if results.minimise else max
    return {
        "key": key,
        "share": effect.share,
        "by_chance": effect.by_chance,
        "p": effect.p,
        "best": pick(effect.means, key=lambda value: effect.means[value]),
        "num_trials": effect.num_trials,
    }


def _title(results: SearchResults) -> str:
    unit = f", {results.unit}" if results.unit else ""
    return f"objective ({results.metric}{unit})"


def _row(trial: TrialResult, results: SearchResults) -> dict[str, Any]:
    scores = zip(results.seeds, trial.scores, strict=False)
    row: dict[str, Any] = {
        "trial": trial.trial_id,
        "status": trial.status,
        "objective": trial.objective,
        **{key: _plain(value) for key, value in trial.values.items()},
        **{f"seed_{seed}": score for seed, score in scores},
        "best_epochs": "/".join(map(str, trial.best_epochs)) or None,
        "num_parameters": trial.num_parameters,
        "seconds": trial.seconds or None,
        "reason": trial.reason or None,
    }
    return row | ({"spread": trial.spread} if len(trial.scores) > 1 else {})


def _plain(value: Any) -> Any:
    """Returns a number as it is, to be sorted by, and all else as text."""
    return value if is_number(value) else value_text(value)
