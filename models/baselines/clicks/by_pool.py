"""One of two fits of a method, by whether a pool is given."""

from models.legacy_keras import tf
from models.recommender import Episode, Recommender, State


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
