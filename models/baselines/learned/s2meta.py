"""s2Meta: learns how to change a network step by step, and when to stop."""

import dataclasses
import math
from typing import Any, NamedTuple

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import FunctionalMLP, for_each_task
from models.baselines.learned.parts.inner_loop import gradient_of_each_task
from models.baselines.learned.parts.update_controller import (
    StopController,
    UpdateController,
    change,
    empty_memory,
    log_scaled,
)
from models.legacy_keras import tf
from models.recommender import Episode, State, split_episode

_MAX_GRADIENT = 1.0
_MAX_STOP = 0.999  # Keeps the logarithm of the chance to go on finite.


@dataclasses.dataclass(frozen=True)
class S2MetaOptions(LearnedOptions):
    """Hyperparameters of `S2Meta`.

    Attributes:
        inner_steps: At most so many steps; 20 in the paper.
        min_steps: No task with support takes fewer.
        controller_dim: H, hidden units of the LSTM of each weight tensor.
        step_penalty: What a step has to gain to be worth it.
    """

    hidden_dims: tuple[int, ...] = (64, 32, 16)
    inner_steps: int = 10
    min_steps: int = 4
    controller_dim: int = 16
    step_penalty: float = 0.0


class _Step(NamedTuple):
    """A step as it was: weights before it, and for each task two float32 [B].

    Attributes:
        weights: Layers of the network.
        stop: Probability to stop before it.
        is_taken: 1 if the task took it, 0 if not.
    """

    weights: State
    stop: tf.Tensor
    is_taken: tf.Tensor


class S2Meta(LearnedBaseline):
    """Adapts a network by steps whose sizes, and number, are learnt.

    Controllers read the support loss and its gradients. Gradients are held to within 1
    and are constants to the outer gradient, which reaches initial weights and
    controllers only. A task without support keeps the initial weights. In training a
    task stops by chance, else where stopping is more likely than not.

    Arguments as of `LearnedBaseline`.

    Source:
        s2Meta (Du et al., KDD 2019) sections 3.2 to 3.5. Deviations: one learning rate
        for all; whole support sets at each step instead of samples; controllers
        without layer normalisation; the reward of going on is told by the loss that
        support sets have, over all negatives of a user; steps below the least number,
        which are not by choice, are rewarded too.
    """

    OPTIONS = S2MetaOptions
    CANDIDATES = (
        {},
        {"learning_rate": 3e-4},
        {"learning_rate": 3e-3},
        {"inner_steps": 20},
    )

    def _build_parts(self, options: S2MetaOptions, seed: int) -> None:
        self.network = FunctionalMLP(self.pair_dim, options.hidden_dims, seed=seed)
        tensors = tf.nest.flatten(self.network.initial)
        self.controllers = [
            UpdateController(
                options.controller_dim,
                seed=seed + 100 + 10 * number,
                name=f"change_{tensor.name.split(':')[0]}",
            )
            for number, tensor in enumerate(tensors)
        ]
        self.stop = StopController(len(tensors), seed=seed + 1000)
        # Saved with the weights; and an op with a seed would draw alike at every step.
        self.generator = tf.random.Generator.from_seed(seed)

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the network of each task, kernel [B, in, out] and bias of layers."""
        weights, _ = self._take_steps(support, training)
        return weights

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        pairs = self.inputs_of_pairs.embed_query(query, training)
        return self.network(pairs, state)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set after the last step, and of the stop controller."""
        if not training:
            return super().compute_loss(inputs, training)
        support, query = split_episode(inputs)
        weights, steps = self._take_steps(support, training)
        raw = self.raw_score(weights, query, training)
        error = self.objective.query_loss(inputs, raw)
        return error + self._stop_loss(inputs, weights, steps)

    def _take_steps(
        self, support: Episode, training: bool
    ) -> tuple[State, list[_Step]]:
        """Returns the weights after the last step, and all steps."""
        pairs = self.inputs_of_pairs.embed_support(support, training)
        weights = for_each_task(self.network.initial, tf.shape(pairs)[0])
        active = tf.reduce_any(support["support_mask"], axis=1)  # [B]
        memories = [
            empty_memory(values, self.options.controller_dim)
            for values in _flat(weights)
        ]
        stop_memory = self.stop.empty_memory(tf.shape(pairs)[0])
        steps = []
        for number in range(self.options.inner_steps):
            loss, gradients = self._look(pairs, weights, support)
            stop, stop_memory = self.stop(loss[0], gradients, stop_memory)
            if number >= self.options.min_steps:
                active &= self._goes_on(stop, training)
            steps.append(_Step(weights, stop, tf.cast(active, tf.float32)))
            changed, memories = self._change(weights, gradients, loss, memories)
            weights = _where(active, changed, weights)
        return weights, steps

    def _look(
        self, pairs: tf.Tensor, weights: State, support: Episode
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Returns the support loss, log-scaled [2, B], and its gradients, flat."""

        def loss_of(weights: State) -> tf.Tensor:
            return self.objective.support_loss(self.network(pairs, weights), support)

        pairs = tf.stop_gradient(pairs)
        weights = tf.nest.map_structure(tf.stop_gradient, weights)
        loss = loss_of(weights)
        gradients = [
            tf.stop_gradient(tf.clip_by_value(gradient, -_MAX_GRADIENT, _MAX_GRADIENT))
            for gradient in _flat(gradient_of_each_task(loss_of, weights))
        ]
        return tf.stop_gradient(tf.stack(log_scaled(loss))), gradients

    def _goes_on(self, stop: tf.Tensor, training: bool) -> tf.Tensor:
        """Draws which tasks take the step, or decides it; bool [B]."""
        if training:
            return self.generator.uniform(tf.shape(stop)) >= stop
        return stop <= 0.5

    def _change(
        self,
        weights: State,
        gradients: list[tf.Tensor],
        loss: tf.Tensor,
        memories: list[Any],
    ) -> tuple[State, list[Any]]:
        """Takes one step with all weights of all tasks."""
        changed = [
            change(controller.parameters, values, gradient, loss, memory)
            for controller, values, gradient, memory in zip(
                self.controllers, _flat(weights), gradients, memories, strict=True
            )
        ]
        values = [
            tf.reshape(value, tf.shape(weight))
            for (value, _), weight in zip(
                changed, tf.nest.flatten(weights), strict=True
            )
        ]
        packed = tf.nest.pack_sequence_as(weights, values)
        return packed, [memory for _, memory in changed]

    def _stop_loss(
        self, episode: Episode, weights: State, steps: list[_Step]
    ) -> tf.Tensor:
        """REINFORCE: to go on is rewarded by what is gained from there."""
        query = _as_support(episode)
        pairs = self.inputs_of_pairs.embed_query(episode, training=False)

        def loss_of(weights: State) -> tf.Tensor:
            return self.objective.support_loss(self.network(pairs, weights), query)

        final = loss_of(weights)
        num_left = tf.zeros_like(final)
        total = tf.zeros_like(final)
        for step in reversed(steps):
            num_left += step.is_taken
            gain = loss_of(step.weights) - final - num_left * self.options.step_penalty
            surprise = -tf.math.log(1.0 - tf.minimum(step.stop, _MAX_STOP))
            total += surprise * step.is_taken * tf.stop_gradient(gain)
        return tf.reduce_mean(total)


def _flat(weights: State) -> list[tf.Tensor]:
    """Returns each tensor of task weights as [B, N]."""
    return [
        tf.reshape(tensor, [tf.shape(tensor)[0], math.prod(tensor.shape[1:])])
        for tensor in tf.nest.flatten(weights)
    ]


def _where(active: tf.Tensor, changed: State, weights: State) -> State:
    """Takes the changed weights of active tasks [B], else those before."""
    chosen = active[:, tf.newaxis, tf.newaxis]
    return tf.nest.map_structure(
        lambda after, before: tf.where(chosen, after, before), changed, weights
    )


def _as_support(episode: Episode) -> Episode:
    """Returns the labelled query set as a support set."""
    return {
        key.replace("query_", "support_"): value
        for key, value in episode.items()
        if key.startswith("query_")
    }
