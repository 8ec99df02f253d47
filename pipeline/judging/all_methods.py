"""Every method that a comparison can have, by name."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.experiment.run_dir import RunDir
from pipeline.judging.compared_cmml import ComparedCMML
from pipeline.judging.compared_learned import ComparedLearned
from pipeline.judging.compared_method import Changes, ComparedMethod
from pipeline.judging.compared_simple import ComparedSimple
from pipeline.judging.results import CMML
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
    methods = setting_of(config).methods()
    if name in methods.simple:
        return ComparedSimple(name, config, data)
    if name == CMML or name in methods.cmml:
        options = config.comparison.options.get(name, {})
        common = {**options, **methods.cmml.get(name, {})}
        return ComparedCMML(name, config, data, common=common, train=train)
    return ComparedLearned(name, config, data, chosen)
