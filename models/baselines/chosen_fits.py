"""One of several fits of a method: by how much is shown, or by whether of a pool."""

from collections.abc import Mapping
from typing import Any

from models.legacy_keras import tf
from models.recommender import Episode, Recommender, State


class BySupportSize(tf.Module):
    """Asks the fit that was chosen for support sets as wide as those shown.

    Args:
        methods: Fitted methods by support size; of a width in between, that of the next
            larger size is asked, beyond all of them that of the largest.
    """

    def __init__(self, methods: Mapping[int, Recommender]) -> None:
        super().__init__(name="by_support_size")
        self.sizes = sorted(methods)
        self._methods = [methods[size] for size in self.sizes]

    @property
    def methods(self) -> dict[int, Recommender]:
        """The methods by support size."""
        return dict(zip(self.sizes, self._methods, strict=True))

    @property
    def levels(self) -> Any:
        """What distributions are over; None if none are predicted."""
        return getattr(self._methods[-1], "levels", None)

    def adapt(self, support: Episode) -> State:
        """Returns the state of one method, by its size."""
        width = support["support_label"].shape[1]
        largest = self.sizes[-1]
        size = next((size for size in self.sizes if size >= width), largest)
        return {size: self.methods[size].adapt(support)}

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores by the method whose state it is."""
        ((size, of_method),) = state.items()
        return self.methods[size].score(of_method, query)

    def score_and_distribution(
        self, state: State, query: Episode
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Predicts by the method whose state it is, float32 [B, Q] and [B, Q, L]."""
        ((size, of_method),) = state.items()
        method: Any = self.methods[size]
        scores, predicted = method.score_and_distribution(of_method, query)
        return scores, predicted


class ByPool:
    """Asks the fit that was chosen for what it is asked: with a pool, or without one.

    That no pool is given is said by `support_fit`, the fit of the factors to be taken.

    Args:
        given: The fit for pools.
        without: The fit for the whole catalogue.
    """

    def __init__(self, given: Recommender, without: Recommender) -> None:
        self._methods = {"given": given, "without": without}

    def adapt(self, support: Episode) -> State:
        """Returns the state of one fit, by its name."""
        name = "without" if "support_fit" in support else "given"
        return {name: self._methods[name].adapt(support)}

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores by the fit whose state it is, float32 [B, Q] or [U, P]."""
        ((name, of_method),) = state.items()
        return self._methods[name].score(of_method, query)
