"""What every model that `fit` trains on episodes has in common."""

from models.legacy_keras import tf, tfrs
from models.objectives.objective import Objective
from models.recommender import Episode, State, split_episode
from models.replicas import share_of_batch, summed


class EpisodeModel(tfrs.Model):
    """A recommender that `fit` trains on episodes.

    A subclass has `adapt` and `raw_score`. Inside labels have no unit: what is learned
    takes it from them, and gives it back to scores.

    Args:
        objective: What is learned.
        name: Of the model.

    Call arguments:
        episode: A batch of episodes.

    Returns:
        float32 [B, Q], in the unit of the labels.
    """

    def __init__(self, objective: Objective, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.objective = objective
        # What `train_step` returns is the same for every replica.
        self.distribute_reduction_method = "first"

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Those of the objective."""
        return list(self.objective.metrics)

    @property
    def starts_useful(self) -> bool:
        """Whether it answers before it is trained, by what was made beforehand."""
        return False

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns what is known of each task after its support set."""
        raise NotImplementedError

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs given the state of their task, without a unit, [B, Q]."""
        raise NotImplementedError

    def score(self, state: State, query: Episode, training: bool = False) -> tf.Tensor:
        """Scores query pairs in the unit of the labels, float32 [B, Q]."""
        return self.objective.scores(self.raw_score(state, query, training))

    def call(self, episode: Episode, training: bool = False) -> tf.Tensor:
        """Adapts to the support set and scores the query set."""
        support, query = split_episode(episode)
        return self.score(self.adapt(support, training), query, training)

    @tf.autograph.experimental.do_not_convert  # There is nothing to convert.
    def train_step(self, inputs: Episode) -> dict[str, tf.Tensor]:
        """Takes one step of training, as `fit` asks for it.

        Args:
            inputs: The part of a batch that this replica has.

        Returns:
            Metrics so far, and the loss of the batch; all of all replicas.
        """
        with tf.GradientTape() as tape:
            loss = self.compute_loss(inputs, training=True)
            loss *= share_of_batch(inputs["query_mask"])
        gradients = tape.gradient(loss, self.trainable_variables)
        # The optimizer adds the gradients of replicas up.
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_variables, strict=True)
        )
        metrics = {metric.name: metric.result() for metric in self.metrics}
        return {**metrics, "loss": summed(loss)}

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set, as `fit` and `evaluate` ask for it."""
        support, query = split_episode(inputs)
        state = self.adapt(support, training)
        return self.objective.query_loss(inputs, self.raw_score(state, query, training))
