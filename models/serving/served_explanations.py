"""What a served model tells of its scores: what they owe to each support pair."""

import numpy as np

from models.legacy_keras import tf
from models.serving.request_checks import Inputs
from models.serving.served_tasks import Answer, ServedTask, ServedTasks
from models.serving.support_memory import Support

MAX_EXPLAINED = 128  # Support pairs, and query pairs, of one explanation.
MAX_EXPLAINED_TASKS = 16  # Each is scored once more for each of its support pairs.


class ServedExplanations(ServedTasks):
    """Tasks as they are served, with explanations of their scores."""

    def explain_rows(self, inputs: Inputs) -> Answer:
        """Tells what scores owe to support pairs; see `ServedModel.explain`."""
        task = self._encode(inputs)
        score = self._answer(task, self._query_rows(inputs))["score"]
        return {
            "score": score,
            "attribution": self._attribution(task, inputs, score),
            "modulation": self._modulation(task, inputs),
        }

    def modulation_widths(self) -> dict[str, int]:
        """Returns the width of each value that `modulation` of `explain` holds."""
        model = self._model()
        rows = {role: tf.zeros([1, 1], tf.int32) for role in self._roles}
        pairs = self._pairs(self._empty_profile(), rows)
        values = tf.nest.flatten(model.modulate(self._empty_state(), pairs))
        names = model.modulation.value_names
        return {
            name: int(np.prod(value.shape[2:]))
            for name, value in zip(names, values, strict=True)
        }

    def _attribution(
        self, task: ServedTask, inputs: Inputs, score: tf.Tensor
    ) -> tf.Tensor:
        """Scores once more without each support pair, all at once."""
        support = self._support(inputs)
        batch_size, size = tf.unstack(tf.shape(support.labels))

        def repeated(values: tf.Tensor) -> tf.Tensor:
            return tf.repeat(values, size, axis=0)  # [B * S, ...]

        places = tf.range(size)
        left_out = tf.tile(tf.expand_dims(places, 1) == places, [batch_size, 1])
        without = Support(
            {role: repeated(rows) for role, rows in support.rows.items()},
            repeated(support.labels),
            repeated(support.mask) & ~left_out,
        )
        profile = {name: repeated(value) for name, value in task.profile.items()}
        state, _ = self.memory.remember(
            without, lambda rows: self._pairs(profile, rows)
        )
        query = {r: repeated(rows) for r, rows in self._query_rows(inputs).items()}
        others = self._model().modulated_score(state, self._pairs(profile, query))
        others = tf.reshape(others, [batch_size, size, tf.shape(score)[1]])
        gain = tf.transpose(tf.expand_dims(score, 1) - others, [0, 2, 1])  # [B, Q, S]
        return tf.where(tf.expand_dims(support.mask, 1), gain, 0.0)

    def _modulation(self, task: ServedTask, inputs: Inputs) -> tf.Tensor:
        rows = self._query_rows(inputs)
        values = self._model().modulate(task.state, self._pairs(task.profile, rows))
        shape = tf.shape(rows["item"])
        spread = []
        for value in tf.nest.flatten(values):  # [B, Q or 1, ...]
            width = int(np.prod(value.shape[2:]))
            flat = tf.reshape(value, [shape[0], -1, width])
            spread.append(tf.broadcast_to(flat, [shape[0], shape[1], width]))
        return tf.concat(spread, axis=-1)
