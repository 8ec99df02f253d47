"""The metric of every task, of exported versions and of baselines."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from models.evaluation.intervals import Floats
from models.evaluation.metric import Metric
from models.legacy_keras import tf
from models.recommender import Episode, Recommender, State
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import judged_dir, read_manifest
from pipeline.judging.simple_methods import fit_simple
from pipeline.settings.registry import setting_of
from transforms.schema import DataError

# From the support and the query of a batch to the inputs of `rank`.
ToRequest: TypeAlias = Callable[[Episode, Episode], dict[str, tf.Tensor]]

_QUERY = "query_"


@dataclasses.dataclass(frozen=True, eq=False)
class TaskFigures:
    """One metric of T tasks.

    Attributes:
        metric: The metric.
        by_method: float64 [T], NaN for a task without value, by name of a version or
            baseline.
        unit: What a margin is a multiple of: the standard deviation of the labels, or
            1 of a metric that is a share.
    """

    metric: Metric
    by_method: Mapping[str, Floats]
    unit: float = 1.0


def baseline_names(config: Experiment, options: PushConfig) -> Sequence[str]:
    """Returns the baselines that a version must beat."""
    if options.baselines is None:
        return (setting_of(config).methods(config).reference,)
    return options.baselines


def task_figures(
    config: Any,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    versions: Mapping[str, pathlib.Path],
) -> TaskFigures:
    """Asks versions and baselines for the same pairs, after the same support sets.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        options: The split, the baselines, and the seed.
        versions: Version directories by name.

    Raises:
        DataError: If the split has no task.
        NotFiniteError: If a version has scores that no metric can be taken of.
    """
    if not prepared_facts(dataset_dir).num_tasks.get(options.split):
        raise DataError(
            f"push.split must name tasks to judge by, {dataset_dir} has none of "
            f"{options.split!r}."
        )
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    to_request = setting.serving(config, data).to_request
    methods: dict[str, Recommender] = {
        name: ExportedRecommender(path, to_request) for name, path in versions.items()
    }
    main = setting.groups(config, data, options.split)[0]
    shown = dataclasses.replace(main, max_users=options.max_users)
    for name in baseline_names(config, options):
        methods[name] = fit_simple(name, config, data, [shown]).method
    metric = setting.metrics[0]
    by_method = {}
    for name, method in methods.items():
        say(f"push: asking {name} about {options.split}")
        pairs = setting.scorer(method, config, data)(shown)
        values = setting.by_task(pairs, names=[metric.name])
        by_method[name] = values[metric.name]
    return TaskFigures(metric, by_method, setting.parts.metric_unit(data))


class ExportedRecommender:
    """A version of an exported model, as evaluation takes a method.

    Args:
        directory: The version.
        to_request: Turns rows of the data set into raw ids and features.
    """

    def __init__(self, directory: pathlib.Path, to_request: ToRequest) -> None:
        # Kept: the signatures do not keep the tables they use alive.
        self._loaded = tf.saved_model.load(str(judged_dir(directory)))
        self._rank = self._loaded.signatures["rank"]
        self._to_request = to_request
        limits: Mapping[str, Any] = read_manifest(directory).get("limits", {})
        self._max_query: int | None = limits.get("max_query")

    def adapt(self, support: Episode) -> State:
        """Returns the support set: what the version makes of it is made by `rank`."""
        return dict(support)

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores the query pairs of each task.

        Args:
            state: What `adapt` returned.
            query: `query_user` and `query_item`, int32 [B, Q]; or of one task int32
                [U, 1] and [1, P], which stand for each user with each item.

        Returns:
            float32 [B, Q], or [U, P], as the version answers; a query longer than it
            takes is sent in parts.
        """
        users, items = tf.shape(query["query_user"]), tf.shape(query["query_item"])
        shape = tf.broadcast_dynamic_shape(users, items)
        rows = tf.stack([tf.shape(state["support_item"])[0], -1])
        pairs = {
            name: tf.reshape(tf.broadcast_to(query[name], shape), rows)
            for name in ("query_user", "query_item")
        }
        return tf.reshape(self._score_pairs(state, {**query, **pairs}), shape)

    def _score_pairs(self, state: State, query: Episode) -> tf.Tensor:
        request = self._to_request(state, query)
        if self._max_query is None:
            return self._rank(**request)["score"]
        support = {k: v for k, v in request.items() if not k.startswith(_QUERY)}
        queries = {k: v for k, v in request.items() if k.startswith(_QUERY)}
        batch_size, length = tf.unstack(tf.shape(query["query_item"]))
        block = tf.maximum(tf.minimum(self._max_query, length), 1)
        num_blocks = tf.math.floordiv(length + block - 1, block)
        padding = [[0, 0], [0, num_blocks * block - length]]

        def in_blocks(values: tf.Tensor) -> tf.Tensor:  # [num_blocks, B, block]
            parts = [batch_size, num_blocks, block]
            return tf.transpose(tf.reshape(tf.pad(values, padding), parts), [1, 0, 2])

        scores = tf.map_fn(
            lambda part: self._rank(**support, **part)["score"],
            {name: in_blocks(values) for name, values in queries.items()},
            fn_output_signature=tf.TensorSpec([None, None], tf.float32),
            parallel_iterations=1,
        )
        flat = tf.reshape(tf.transpose(scores, [1, 0, 2]), [batch_size, -1])
        return flat[:, :length]
