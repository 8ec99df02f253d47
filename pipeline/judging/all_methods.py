"""Every method that a comparison can have, by name."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.experiment.config_file import with_changes
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.compared_cmml import ComparedCMML
from pipeline.judging.compared_learned import ComparedLearned, method_options
from pipeline.judging.compared_method import ComparedMethod
from pipeline.judging.compared_simple import ComparedSimple
from pipeline.judging.results import CMML, Changes
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data


def compared_method(
    name: str,
    config: Any,
    data: Data,
    chosen: Mapping[str, Changes] = types.MappingProxyType({}),
    *,
    train: Callable[[Any], RunDir],
) -> ComparedMethod:
    """Returns the method of that name.

    Args:
        name: Of a simple or learned method of the setting, or of CMML.
        config: The experiment.
        data: The data set.
        chosen: Candidates that other methods have chosen already, for those that
            go on from one of them.
        train: Trains CMML as the step `train` does.
    """
    methods = setting_of(config).methods(config)
    if name in methods.simple:
        return ComparedSimple(name, config, data)
    if name == CMML or name in methods.cmml:
        own = methods.cmml.get(name, {})
        fixed = config.comparison.options.get(name, {})
        return ComparedCMML(name, config, data, own=own, fixed=fixed, train=train)
    return ComparedLearned(name, config, data, chosen)


def known_methods(config: Experiment, names: Sequence[str] | None) -> list[str]:
    """Returns the methods to be compared, each once, in the order they are compared.

    A method that goes on from the trainings of another brings that one along.

    Args:
        config: The experiment.
        names: As typed; those of the configuration if None, else all there are.

    Raises:
        ValueError: If a method is unknown, or the configuration gives one an option
            that it does not have.
    """
    methods = setting_of(config).methods(config)
    simple, learned = methods.simple, methods.learned
    known = [*simple, *learned, *methods.cmml, CMML]
    names = names or config.comparison.methods or known
    options = config.comparison.options
    config.check_methods("methods", names, known)
    for name, changes in options.items():
        if name in learned:
            method_options(name, learned[name], changes)
        elif name == CMML or name in methods.cmml:
            with_changes(config, changes)
        elif changes:
            raise ValueError(
                f"comparison.options of {name!r} must be empty, since it chooses from "
                f"a grid of its own, got {changes}."
            )
    bases = [learned[name].TRAINS_AS for name in names if name in learned]
    return sorted({*names, *filter(None, bases)}, key=known.index)
