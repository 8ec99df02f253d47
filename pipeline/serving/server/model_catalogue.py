"""All models of a server, by name, version or label, exchanged as it runs."""

import asyncio
import concurrent.futures
from collections.abc import Sequence

import grpc
from tensorflow_serving.apis import model_pb2

from pipeline.serving.server.metrics import ServerMetrics
from pipeline.serving.server.model_versions import ModelVersions, not_found
from pipeline.serving.server.options import ServedModelDirectory, ServerOptions
from pipeline.serving.server.request_error import RequestError, invalid
from pipeline.serving.server.servable import Servable


class ModelCatalogue:
    """The models that a server knows.

    Args:
        options: Of the server.
        metrics: Records what is loaded and unloaded.
    """

    def __init__(self, options: ServerOptions, metrics: ServerMetrics) -> None:
        self._options = options
        self._metrics = metrics
        self.models: dict[str, ModelVersions] = {}
        self._loader = concurrent.futures.ThreadPoolExecutor(
            1, thread_name_prefix="load"
        )
        self._applying = asyncio.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether every model has a version that answers."""
        return bool(self.models) and all(m.available for m in self.models.values())

    def model(self, spec: model_pb2.ModelSpec) -> ModelVersions:
        """Finds the model of a request.

        Raises:
            RequestError: If it is not there.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        if spec.name not in self.models:
            raise not_found(spec.name, self.version(spec))
        return self.models[spec.name]

    def version(self, spec: model_pb2.ModelSpec) -> int | None:
        """Returns the version that a request asks for; None for the newest.

        Raises:
            RequestError: If there is no such label.
        """
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            if spec.name not in self.models:
                raise invalid(
                    f"Unrecognized servable version label: {spec.version_label}"
                )
            return self.models[spec.name].version_of(spec.version_label)
        return spec.version.value if choice == "version" else None

    def resolve(self, spec: model_pb2.ModelSpec) -> Servable:
        """Finds the loaded version of a request.

        Raises:
            RequestError: If it is not there.
        """
        return self.model(spec).resolve(self.version(spec))

    async def apply(
        self,
        directories: Sequence[ServedModelDirectory],
        *,
        labels_first: bool = False,
    ) -> None:
        """Exchanges the models for others; those that stay answer all the while.

        Args:
            directories: The models from now on.
            labels_first: Whether a label must name a version that is loaded before, as
                TensorFlow Serving wants it; then nothing is changed if one does not.
                Else versions are loaded first and labels moved after.

        Raises:
            RequestError: If a label names a version that is not loaded, or a model has
                no version that can be loaded; if that model is new it is left out.
        """
        async with self._applying:
            if labels_first:
                self._check_labels(directories)
            before = set(self.models)
            for directory in directories:
                await self._load(directory)
            names = {directory.name for directory in directories}
            errors = [_error_of(self.models[name]) for name in names]
            for name, model in list(self.models.items()):
                is_new = name not in before
                if name not in names or (is_new and not model.available):
                    await self.models.pop(name).close()
            if error := next(filter(None, errors), None):
                raise error
            self._check_labels(directories)

    async def close(self) -> None:
        """Unloads all models."""
        async with self._applying:
            await asyncio.gather(*(model.close() for model in self.models.values()))
        self._loader.shutdown(wait=False)

    async def _load(self, directory: ServedModelDirectory) -> None:
        model = self.models.get(directory.name)
        if model is None:
            model = ModelVersions(directory, self._loader, self._options, self._metrics)
            self.models[directory.name] = model
            model.poll()
        model.directory = directory
        await model.refresh()

    def _check_labels(self, directories: Sequence[ServedModelDirectory]) -> None:
        """Refuses labels of versions that are not loaded."""
        for directory in directories:
            model = self.models.get(directory.name)
            available = model.available if model else {}
            for version in directory.labels.values():
                if version not in available:
                    raise RequestError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label to version {version} of model "
                        f"{directory.name}, which is not currently available for "
                        "inference",
                    )


def _error_of(model: ModelVersions) -> RequestError | None:
    """Says why a model has no version that answers."""
    name, base = model.directory.name, model.directory.base_path
    errors = [status.error for status in model.versions.values() if status.error]
    if model.available:
        return None
    if errors:
        return errors[0]
    return RequestError(
        grpc.StatusCode.NOT_FOUND,
        f"no versions of model {name!r} to be served found under {base}.",
    )
