"""Metrics of a model server, under TensorFlow Serving's names where it has one."""

import contextlib
import time
from collections.abc import Iterator

import grpc
import prometheus_client
from tensorflow_serving.apis import model_pb2

from pipeline.serving.server.request_error import RequestError

_LATENCY_BUCKETS_US = [10 * 1.8**power for power in range(33)]
_BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]

prometheus_client.disable_created_metrics()


class ServerMetrics:
    """Counts what a server does."""

    def __init__(self) -> None:
        self._registry = prometheus_client.CollectorRegistry()
        request = ["model_name", "signature"]
        self._requests = prometheus_client.Counter(
            ":tensorflow:serving:request_count",
            "The total number of requests.",
            [*request, "entrypoint", "status"],
            registry=self._registry,
        )
        self._latency = prometheus_client.Histogram(
            ":tensorflow:serving:request_latency",
            "Distribution of wall time (in microseconds) of a request.",
            [*request, "API", "entrypoint"],
            buckets=_LATENCY_BUCKETS_US,
            registry=self._registry,
        )
        self._batch_size = prometheus_client.Histogram(
            "cmml_server_batch_size",
            "Tasks that were run at once.",
            ["signature"],
            buckets=_BATCH_BUCKETS,
            registry=self._registry,
        )
        self._loads = prometheus_client.Counter(
            "cmml_server_loads",
            "Versions that were loaded, or could not be.",
            ["model_name", "status"],
            registry=self._registry,
        )
        self._loaded = prometheus_client.Gauge(
            "cmml_server_loaded_version",
            "1 for each version that answers requests.",
            ["model_name", "version"],
            registry=self._registry,
        )
        self.queue_length = prometheus_client.Gauge(
            "cmml_server_queue_length",
            "Requests that wait for a worker.",
            registry=self._registry,
        )

    @contextlib.contextmanager
    def watch(self, entrypoint: str) -> Iterator[model_pb2.ModelSpec]:
        """Counts one request and its time.

        Args:
            entrypoint: "GRPC" or "REST".

        Yields:
            What answers it, filled in by the caller. The model stays "" where there is
            no such model, so that requests cannot make up names without end, and the
            signature likewise.
        """
        answering = model_pb2.ModelSpec()
        start, code = time.perf_counter(), grpc.StatusCode.CANCELLED
        try:
            yield answering
            code = grpc.StatusCode.OK
        except RequestError as error:
            code = error.code
            raise
        finally:
            elapsed_us = (time.perf_counter() - start) * 1e6
            labels = (answering.name, answering.signature_name)
            self._requests.labels(*labels, entrypoint, code.name).inc()
            self._latency.labels(*labels, "Predict", entrypoint).observe(elapsed_us)

    def on_batch(self, signature: str, num_tasks: int) -> None:
        """Counts a batch."""
        self._batch_size.labels(signature).observe(num_tasks)

    def on_loaded(self, model_name: str, version: int) -> None:
        """Counts a version that answers from now on."""
        self._loads.labels(model_name, "OK").inc()
        self._loaded.labels(model_name, str(version)).set(1)

    def on_load_failed(self, model_name: str) -> None:
        """Counts a version that could not be loaded."""
        self._loads.labels(model_name, "FAILED").inc()

    def on_unloaded(self, model_name: str, version: int) -> None:
        """Forgets a version that no longer answers."""
        with contextlib.suppress(KeyError):
            self._loaded.remove(model_name, str(version))

    def text(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        text = prometheus_client.generate_latest(self._registry)
        # Counters of TensorFlow Serving have no suffix.
        return text.replace(b":request_count_total", b":request_count")
