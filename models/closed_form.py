"""What CMML knows of a task without its networks."""

from models.cmml import CMML
from models.factors.folded_user import FoldedUser
from models.legacy_keras import tf
from models.recommender import Episode


class ClosedForm(tf.Module):
    """The prior of a CMML alone: no context, nothing that is trained by gradients.

    What CMML is better than this, its context and backbone have earned.

    Args:
        model: A CMML with a prior.
    """

    pairs_at_once = 1 << 20  # No pair is embedded.

    def __init__(self, model: CMML) -> None:
        super().__init__(name="closed_form")
        self._pairs, self._objective = model.pairs, model.objective

    def adapt(self, support: Episode) -> FoldedUser:
        """Solves for the user of each task."""
        pairs = self._pairs.support_pairs(support)
        labels, mask = support["support_label"], self._pairs.known_support(support)
        signals = self._objective.signals(labels, mask)
        return self._pairs.solve_trusted(pairs, signals, mask)[0]

    def score(self, state: FoldedUser, query: Episode) -> tf.Tensor:
        """Returns what is expected of query pairs, float32 [B, Q]."""
        expected = self._pairs.expect(state, self._pairs.query_pairs(query))
        return self._objective.scores(expected.mean)
