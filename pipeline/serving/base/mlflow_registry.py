"""A registry of MLflow, where servers find versions by their alias."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from transforms.schema import DataError

VERSION_TAG = "cmml.version"  # The number of the export.

_ARTIFACT = "model"

# Else MLflow tries for four minutes to reach a server that is not there.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")


class RegistryError(DataError):
    """A registry that is not there, or does not do what it is asked."""


class MlflowRegistry:
    """The versions of one model.

    Args:
        uri: As MLflow takes it, such as sqlite:///registry.db or http://host:5000.
        name: The registered model.

    Raises:
        RegistryError: If MLflow knows of no such kind of registry. Every method raises
            it if the registry does not answer, or refuses.
    """

    def __init__(self, uri: str, name: str) -> None:
        from mlflow import MlflowClient

        self.uri, self.name = uri, name
        with self._asked():
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def labelled(self, label: str) -> str | None:
        """Returns the number of the version with an alias; None if there is none."""
        with self._asked():
            models = self._client.search_registered_models(f"name='{self.name}'")
        number = dict(models[0].aliases).get(label) if models else None
        return None if number is None else str(number)

    def exported(self, number: str) -> str:
        """Returns which export a version is; "" if it was not pushed by us."""
        with self._asked():
            version = self._client.get_model_version(self.name, number)
        return dict(version.tags).get(VERSION_TAG, "")

    def download(self, number: str, folder: pathlib.Path) -> pathlib.Path:
        """Copies a version to a folder, and returns its model directory."""
        import mlflow.artifacts

        with self._asked():
            uri = self._client.get_model_version_download_uri(self.name, number)
            path = mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=str(folder), tracking_uri=self.uri
            )
        return pathlib.Path(path)

    def add(
        self,
        folder: pathlib.Path,
        label: str,
        tags: Mapping[str, str],
        *,
        params: Mapping[str, str],
        metrics: Mapping[str, float],
    ) -> str:
        """Uploads a model directory, and gives it an alias.

        What was uploaded before, and got no alias, is taken as it is.

        Args:
            folder: Named by the number of the export.
            label: The alias.
            tags: What else is to be kept of it.
            params: Of the run that it is uploaded through.
            metrics: Of that run.

        Returns:
            The number of the version in the registry.
        """
        with self._asked():
            found = self._client.search_model_versions(f"name='{self.name}'")
            same = [v for v in found if v.tags.get(VERSION_TAG) == folder.name]
            if same:
                version = same[0]
            else:
                run = self._upload(folder, params, metrics)
                version = self._version_of(run, folder, tags)
            number = str(version.version)
            self._client.set_registered_model_alias(self.name, label, number)
        return number

    @contextlib.contextmanager
    def _asked(self) -> Iterator[None]:
        """Has what MLflow, a database or a file raises name the registry, on a line."""
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, ImportError, OSError) as error:
            raise RegistryError(
                f"the registry {self.uri} must do what it is asked, but: "
                f"{_reason(error)}"
            ) from None

    def _upload(
        self,
        folder: pathlib.Path,
        params: Mapping[str, str],
        metrics: Mapping[str, float],
    ) -> Any:
        """Makes a run of a model directory, in the experiment of the name."""
        client = self._client
        experiment = client.get_experiment_by_name(self.name)
        experiment_id = (
            client.create_experiment(self.name)
            if experiment is None
            else experiment.experiment_id
        )
        run = client.create_run(experiment_id, run_name=folder.name).info
        for key, text in params.items():
            client.log_param(run.run_id, key, text)
        for key, value in metrics.items():
            # MLflow takes no "@" in the name of a metric.
            client.log_metric(run.run_id, key.replace("@", "_at_"), value)
        client.log_artifacts(run.run_id, str(folder), _ARTIFACT)
        client.set_terminated(run.run_id)
        return run

    def _version_of(
        self, run: Any, folder: pathlib.Path, tags: Mapping[str, str]
    ) -> Any:
        """Makes a version of the model directory of a run."""
        client = self._client
        if not client.search_registered_models(f"name='{self.name}'"):
            client.create_registered_model(self.name)
        return client.create_model_version(
            self.name,
            f"{run.artifact_uri}/{_ARTIFACT}",
            run.run_id,
            tags={**tags, VERSION_TAG: folder.name},
        )


def _reason(error: BaseException) -> str:
    """Returns the first line of an error, of a lost connection of where it began.

    MLflow says what its client said of what its sockets said, with addresses each time.
    """
    first = error
    while (before := first.__cause__ or first.__context__) is not None:
        first = before
    told = first if isinstance(first, OSError) else error
    line, _, _ = str(told).strip().partition("\n")
    return line
