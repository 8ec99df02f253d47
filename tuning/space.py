"""What a search tries: keys of the configuration, each with its values or its range."""

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import pydantic

EPOCHS_KEY = "training.max_epochs"

# How long is trained: a space may shorten it for all trials, which are many.
LENGTH_KEYS = (EPOCHS_KEY, "training.patience")

_MAY_CHANGE = ("model.", "training.")
_SEED = "training.seed"


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Domain(_Section):
    """What a key may be: one of some values, or a number of a range.

    A list stands for its values: `[gru, mean]` is `{values: [gru, mean]}`.

    Attributes:
        values: The values, in the order in which a grid takes them.
        min: Lower end of a range, itself in it.
        max: Upper end, itself in it. Numbers are whole if both ends are.
        scale: How a range is divided and drawn from: "linear", or "log" for even
            ratios.
        steps: Points of a range in a grid, both ends among them.
        when: Values of other keys, those above this one, with which it counts; with
            others it stays what the experiment says.
    """

    values: tuple[Any, ...] | None = None
    min: int | float | None = None
    max: int | float | None = None
    scale: Literal["linear", "log"] = "linear"
    steps: int | None = pydantic.Field(None, ge=2)
    when: dict[str, tuple[Any, ...]] = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _take_a_list(cls, value: Any) -> Any:
        return {"values": value} if isinstance(value, list | tuple) else value

    @pydantic.field_validator("values")
    @classmethod
    def _check_values(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        if values is None:
            return None
        if not values:
            raise ValueError("must hold at least one value, got none.")
        if repeated := [v for i, v in enumerate(values) if is_among(v, values[:i])]:
            raise ValueError(f"values must differ, got {repeated[0]!r} twice.")
        if texts := [v for v in values if isinstance(v, str) and _is_number(v)]:
            raise ValueError(
                f"{texts[0]!r} is text: YAML takes 1.0e-3 for a number, and not 1e-3."
            )
        return values

    @pydantic.model_validator(mode="after")
    def _check_kind(self) -> Self:
        ends = {"min": self.min, "max": self.max, "steps": self.steps}
        ends_set = [name for name, value in ends.items() if value is not None]
        if self.values is not None:
            if ends_set or self.scale != "linear":
                raise ValueError(
                    f"needs either `values` or a range, got {self.values!r} with "
                    f"{' and '.join(ends_set or ['scale'])}."
                )
            return self
        if self.min is None or self.max is None:
            raise ValueError("needs `values`, or `min` and `max`.")
        if not (math.isfinite(self.min) and math.isfinite(self.max)):
            raise ValueError(f"must be finite, got {self.min} to {self.max}.")
        if self.min >= self.max:
            raise ValueError(f"min must be below max, got {self.min} and {self.max}.")
        if self.scale == "log" and self.min <= 0:
            raise ValueError(f"min must be above 0 with scale log, got {self.min}.")
        return self

    @property
    def is_range(self) -> bool:
        """Whether it is a range of numbers, not a list of values."""
        return self.values is None

    @property
    def is_whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return isinstance(self.min, int) and isinstance(self.max, int)

    def holds(self, value: Any) -> bool:
        """Whether a value is one of the values, or lies in the range."""
        if self.values is not None:
            return is_among(value, self.values)
        assert self.min is not None
        assert self.max is not None
        kinds = int if self.is_whole else int | float
        is_number = isinstance(value, kinds) and not isinstance(value, bool)
        return is_number and self.min <= value <= self.max

    def including(self, value: Any) -> Self:
        """Returns the domain, widened if it does not hold a value."""
        if self.holds(value):
            return self
        if self.values is not None:
            return self.model_copy(update={"values": (*self.values, value)})
        ends = {"min": min(self.min, value), "max": max(self.max, value)}
        return self.model_copy(update=ends)

    def points(self) -> tuple[Any, ...]:
        """Returns the values, or those of a range that a grid takes.

        Raises:
            ValueError: If it is a range without `steps`.
        """
        if self.values is not None:
            return self.values
        if self.steps is None:
            raise ValueError(f"a grid needs `steps` of {self.min} to {self.max}.")
        assert self.min is not None
        assert self.max is not None
        shares = [i / (self.steps - 1) for i in range(self.steps)]
        if self.scale == "log":
            points = [self.min * (self.max / self.min) ** share for share in shares]
        else:
            points = [self.min + (self.max - self.min) * share for share in shares]
        if self.is_whole:
            return tuple(dict.fromkeys(round(value) for value in points))
        return tuple(float(f"{value:.6g}") for value in points)


class Space(_Section):
    """What a search tries, and how trials are held against each other.

    Attributes:
        name: Part of the name of the search's folder.
        set: Changes of every trial, by key such as "model.dropout".
        keys: What each key may be.
        seeds: Trainings of each trial, that differ in their seed: that of the
            experiment, and those after it.
        spread_weight: Standard deviations over seeds that a trial is held back by.
        keep_checkpoints: Trials whose weights stay, the best.
    """

    name: str = pydantic.Field(pattern=r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$")
    set: dict[str, Any] = {}
    keys: dict[str, Domain] = pydantic.Field(min_length=1)
    seeds: int = pydantic.Field(1, ge=1)
    spread_weight: float = pydantic.Field(1.0, ge=0.0, allow_inf_nan=False)
    keep_checkpoints: int = pydantic.Field(3, ge=1)

    @pydantic.field_validator("set", "keys")
    @classmethod
    def _check_keys(cls, named: dict[str, Any]) -> dict[str, Any]:
        """Refuses what would make trials of different data or figures."""
        for key in named:
            if not key.startswith(_MAY_CHANGE) or key == _SEED:
                raise ValueError(
                    "a trial changes keys of model and training such as "
                    f"'model.encoder', and not the seed, got {key!r}."
                )
        return named

    @pydantic.model_validator(mode="after")
    def _check_conditions(self) -> Self:
        if both := sorted(self.set.keys() & self.keys.keys()):
            raise ValueError(f"{both[0]!r} stands in `set` and in `keys`.")
        above: dict[str, Domain] = {}
        for key, domain in self.keys.items():
            for parent, allowed in domain.when.items():
                if parent not in above or above[parent].values is None:
                    raise ValueError(
                        f"key {key!r}: `when` names a key above that has values, "
                        f"got {parent!r}."
                    )
                values = above[parent].values or ()
                if unknown := [v for v in allowed if not is_among(v, values)]:
                    raise ValueError(
                        f"key {key!r}: {parent!r} is one of {list(values)}, "
                        f"got {unknown[0]!r}."
                    )
                if not allowed:
                    raise ValueError(f"key {key!r}: `when` of {parent!r} is empty.")
            above[key] = domain
        return self

    def is_active(self, key: str, values: Mapping[str, Any]) -> bool:
        """Whether a key counts in a trial.

        Args:
            key: The key.
            values: Values of the active keys above it.
        """
        return all(
            parent in values and is_among(values[parent], allowed)
            for parent, allowed in self.keys[key].when.items()
        )

    def values_of(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the values that a configuration has itself, as a trial would.

        A value that is one of the space's is written as it is there. None, where a
        range of numbers is searched, is left out as a key that is not active is.

        Args:
            config: Values by key.
        """
        values: dict[str, Any] = {}
        for key, domain in self.keys.items():
            value = config[key]
            if self.is_active(key, values) and not (domain.is_range and value is None):
                same = [v for v in domain.values or () if is_among(v, (value,))]
                values[key] = same[0] if same else value
        return values

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether all values of keys are within the space."""
        return all(
            self.keys[key].holds(value)
            for key, value in values.items()
            if key in self.keys
        )


def is_among(value: Any, values: tuple[Any, ...]) -> bool:
    """Whether a value is one of some; True is not 1, and a tuple is its list."""
    return any(_plain(value) == _plain(other) for other in values)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return (type(value) is bool, value)
