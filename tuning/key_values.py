"""A space as KerasTuner knows it: its hyperparameters, and their values read back."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from tuning.keras_tuner_parts import HyperParameters
from tuning.space import EPOCHS_KEY, Domain, Space

# KerasTuner's own key of the epochs that Hyperband gives to a trial.
BRACKET_EPOCHS = "tuner/epochs"

# Goes with the values of a trial that a chief hands out.
SEARCH_NAME = "search"


def to_hyperparameters(space: Space) -> HyperParameters:
    """Declares the keys of a space, conditions included.

    Values go by their JSON text, since KerasTuner knows no lists and takes True for 1.
    """
    hyperparameters = HyperParameters()
    for key, domain in space.keys.items():
        with contextlib.ExitStack() as conditions:
            for parent, allowed in domain.when.items():
                texts = [json.dumps(value) for value in allowed]
                scope = hyperparameters.conditional_scope(parent, texts)
                conditions.enter_context(scope)
            _declare(hyperparameters, key, domain)
    hyperparameters.values = {}
    return hyperparameters


def _declare(hyperparameters: HyperParameters, key: str, domain: Domain) -> None:
    if domain.values is not None:
        texts = [json.dumps(value) for value in domain.values]
        hyperparameters.Choice(key, texts)
    elif domain.is_whole:
        hyperparameters.Int(key, domain.min, domain.max, sampling=domain.scale)
    else:
        ends = float(domain.min or 0.0), float(domain.max or 0.0)
        hyperparameters.Float(key, *ends, sampling=domain.scale)


def encode(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """Turns values of keys into those of hyperparameters.

    A number that a range does not hold, of the experiment itself, goes by its text.
    """

    def is_drawn(key: str, value: Any) -> bool:
        return space.keys[key].is_range and space.keys[key].holds(value)

    return {
        key: value if is_drawn(key, value) else json.dumps(value)
        for key, value in values.items()
    }


def decode(space: Space, encoded: Mapping[str, Any]) -> dict[str, Any]:
    """Turns values of hyperparameters into those of the keys that are active.

    Numbers of a range keep six digits, so that they come out alike if they went to
    another process, which KerasTuner sends them to in single precision.

    Args:
        space: The space.
        encoded: As KerasTuner holds them, of a trial.
    """
    values: dict[str, Any] = {}
    for key, domain in space.keys.items():
        if key not in encoded or not space.is_active(key, values):
            continue
        value = encoded[key]
        if isinstance(value, str):
            values[key] = json.loads(value)
        else:
            values[key] = int(value) if domain.is_whole else float(f"{value:.6g}")
    if BRACKET_EPOCHS in encoded:
        values[EPOCHS_KEY] = int(encoded[BRACKET_EPOCHS])
    return values
