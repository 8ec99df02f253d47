"""Labels of versions, such as `stable`, moved so that they always work.

A server refuses to give a label to a version that it has not loaded. So a label moves
in two steps: first the version is added to what is loaded, the label left where it is;
when the version is available, the label moves. The version that had it stays loaded
until the next move: requests by label are answered all the time, and a rollback need
not wait. A rollback is the exception: the version that is taken back is unloaded, since
requests without a label go to the newest one that is loaded.
"""

import contextlib
import pathlib

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pipeline.experiment.progress import say
from pipeline.serving.base.live_server import LiveServer, LiveServerError
from pipeline.serving.base.model_base import ModelBase
from pipeline.serving.base.models_config import (
    MODELS_CONFIG,
    labels_of,
    read_models_config,
    versions_of,
    with_model,
    write_models_config,
)
from pipeline.serving.base.push_options import STABLE


class ServedLabels:
    """The labels of one model in a base.

    Args:
        base: The base directory.
        model_name: Name of the model.
        served_base: The base as the server sees it; the base itself if None.
        server: Told of every step; None leaves it to servers that read
            `models.config`, now and then or when they start.
    """

    def __init__(
        self,
        base: pathlib.Path,
        model_name: str,
        *,
        served_base: str | None = None,
        server: LiveServer | None = None,
    ) -> None:
        self._path = base / MODELS_CONFIG
        self._model_name = model_name
        self._base_path = f"{served_base or base.resolve()}/{model_name}"
        self._versions = ModelBase(base, model_name)
        self._server = server

    def labels(self) -> dict[str, int]:
        """Returns the version of each label."""
        return labels_of(read_models_config(self._path), self._model_name)

    def listed(self) -> list[int]:
        """Returns the versions that servers are configured to load."""
        return versions_of(read_models_config(self._path), self._model_name)

    def tell_unlabelled(self, step: str) -> None:
        """Says which version requests without a label get, if it is not the stable one.

        Args:
            step: The step that says so.
        """
        newest, stable = max(self.listed()), self.labels().get(STABLE)
        if newest != stable:
            say(
                f"{step}: requests without a label get version {newest}, the newest "
                f"that is loaded; version {stable} is {STABLE}"
            )

    def move(self, label: str, version: int, *, unload_before: bool = False) -> None:
        """Gives a label to a version that is in the base.

        Args:
            label: The label.
            version: The version.
            unload_before: Whether the version that had the label is unloaded when it
                has moved, unless it has another one.

        Raises:
            LiveServerError: If the server cannot load the version or does not take the
                label; all is then as it was before.
        """
        before = read_models_config(self._path)
        labels = labels_of(before, self._model_name)
        loading = self._changed(before, {*labels.values(), version}, labels)
        moved = {**labels, label: version}
        in_use = set(moved.values())
        if label in labels and self._versions.has(labels[label]):
            in_use.add(labels[label])
        try:
            self._apply(loading)
            if self._server is not None:
                self._server.wait_available(self._model_name, version)
            self._apply(self._changed(before, in_use, moved))
            if unload_before:
                self._apply(self._changed(before, set(moved.values()), moved))
        except LiveServerError:
            # A server that has gone reads the file when it comes back.
            with contextlib.suppress(LiveServerError):
                self._apply(before)
            raise

    def confirm(self) -> None:
        """Makes sure that the server has what the file says.

        It may have been started since, or have missed a push without it.

        Raises:
            LiveServerError: If it cannot load a version or does not take a label.
        """
        if self._server is None:
            return
        config = read_models_config(self._path)
        labels = labels_of(config, self._model_name)
        loaded = {
            label: version
            for label, version in labels.items()
            if self._server.is_available(self._model_name, version)
        }
        if loaded != labels:
            versions = set(versions_of(config, self._model_name))
            self._server.reload(self._changed(config, versions, loaded))
            for version in labels.values():
                self._server.wait_available(self._model_name, version)
        self._server.reload(config)

    def _changed(
        self, config: ModelServerConfig, versions: set[int], labels: dict[str, int]
    ) -> ModelServerConfig:
        return with_model(
            config,
            self._model_name,
            base_path=self._base_path,
            versions=versions,
            labels=labels,
        )

    def _apply(self, config: ModelServerConfig) -> None:
        """Writes the file first: a server that polls it must not undo the call."""
        write_models_config(self._path, config)
        if self._server is not None:
            self._server.reload(config)
