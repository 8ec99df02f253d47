"""What is asked of a comparison, checked before hours of training."""

from collections.abc import Collection, Mapping, Sequence

from models.baselines.learned.learned_baseline import LearnedBaseline
from pipeline.experiment.config_section import Experiment
from pipeline.judging.learned_contender import method_options
from pipeline.judging.results import CMML, PLAIN
from pipeline.experiment.config_file import with_changes


def known_methods(
    config: Experiment,
    asked: Sequence[str] | None,
    *,
    simple: Collection[str],
    learned: Mapping[str, type[LearnedBaseline]],
) -> list[str]:
    """Returns the methods to be compared, each once, in the order they are entered.

    A method that goes on from the trainings of another brings that one along.

    Args:
        config: The experiment.
        asked: As typed; those of the configuration if None, else all there are.
        simple: Names of the simple methods of the setting.
        learned: Its learned methods.

    Raises:
        ValueError: If a method is unknown, or the configuration gives one an option
            that it does not have.
    """
    known = [*simple, *learned, PLAIN, CMML]
    names = asked or config.comparison.methods or known
    options = config.comparison.options
    for name in (*names, *options, *config.comparison.max_seeds):
        if name not in known:
            raise ValueError(f"methods must be among {known}, got {name!r}.")
    for name, changes in options.items():
        if name in learned:
            method_options(name, learned[name], changes)
        elif name in (PLAIN, CMML):
            with_changes(config, changes)
        elif changes:
            raise ValueError(
                f"comparison.options of {name!r} must be empty, since it chooses from "
                f"a grid of its own, got {changes}."
            )
    bases = [learned[name].TRAINS_AS for name in names if name in learned]
    return sorted({*names, *filter(None, bases)}, key=known.index)
