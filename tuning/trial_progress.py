"""What is said of each trial while a search runs."""

import time

from tuning.results import SearchResults
from tuning.trial_result import TrialResult
from tuning.value_text import value_text


class TrialProgress:
    """Tells how far a search is and how long it will take.

    Args:
        results: The search as it was resumed.
        num_planned: Trials of the whole search; None if that is not known.
    """

    def __init__(self, results: SearchResults, num_planned: int | None) -> None:
        self._num_planned = num_planned
        self._num_found = _num_run(results)
        self._started = time.monotonic()

    def line(self, result: TrialResult, results: SearchResults) -> str:
        """Returns a line on a trial that has ended.

        Args:
            result: The trial.
            results: The search with all trials that have ended, of other workers too.
        """
        num_ended = _num_run(results)
        number = f"{num_ended}/{self._num_planned}" if self._num_planned else num_ended
        values = " ".join(f"{k}={value_text(v)}" for k, v in result.values.items())
        return f"tune: trial {result.trial_id} ({number})  {values}  " + ", ".join(
            [*_outcome(result, results), *self._time_left(num_ended)]
        )

    def _time_left(self, num_ended: int) -> list[str]:
        num_here = num_ended - self._num_found  # Since this process began.
        if self._num_planned is None or num_here < 1:
            return []
        seconds = time.monotonic() - self._started
        left = seconds / num_here * max(self._num_planned - num_ended, 0)
        return [f"{duration(left)} left"]


def duration(seconds: float) -> str:
    """Writes a time for people, such as "2 h 05 min", "3 min" or "12 s"."""
    if seconds < 100.0:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60.0), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _num_run(results: SearchResults) -> int:
    """Counts trials that were run, not those that were skipped."""
    return sum(trial.status != "invalid" for trial in results.trials)


def _outcome(result: TrialResult, results: SearchResults) -> list[str]:
    if result.objective is None:
        return [f"{result.status}: {result.reason}"]
    best = results.best_first()[0]
    spread = f" (sd {result.spread:.4f})" if len(result.scores) > 1 else ""
    score = f"{results.metric} {result.objective:.4f}{spread}"
    return [score, f"best {best.objective:.4f} of {best.trial_id}"]
