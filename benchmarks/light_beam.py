"""Beam that does once, or not at all, what takes longest for tiny tables."""

import concurrent.futures
import threading
import types
import weakref
from collections.abc import Callable
from typing import Any


def look_at_stages_once() -> None:
    """Has Beam look at flags once a pipeline, and once at each kind of stage.

    It does both several times a stage. Nor does it start threads for each bundle: one
    to make what processes it, another to measure where it is every few milliseconds.
    """
    _read_flags_once()
    _look_for_state_once()
    _look_at_arguments_once()
    _make_bundles_here()
    _measure_no_states()


def _read_flags_once() -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    view_as, views = PipelineOptions.view_as, weakref.WeakKeyDictionary()

    def view_once(options, kind):
        known = views.setdefault(options, {})
        if kind not in known:
            known[kind] = view_as(options, kind)
        return known[kind]

    PipelineOptions.view_as = view_once


def _look_for_state_once() -> None:
    from apache_beam.transforms import userstate

    look, specs = userstate.get_dofn_specs, {}

    def look_once(stage):
        if type(stage) not in specs:
            specs[type(stage)] = look(stage)
        return specs[type(stage)]

    userstate.get_dofn_specs = look_once


def _look_at_arguments_once() -> None:
    from apache_beam.transforms import core

    look, known = core.get_function_arguments, {}

    def look_once(stage, method):
        if hasattr(stage, f"_inspect_{method}") or method in vars(stage):
            return look(stage, method)  # That of a function which it wraps.
        key = type(stage), method
        if key not in known:
            known[key] = look(stage, method)
        names, defaults = known[key]
        return [*names], [*defaults]

    core.get_function_arguments = look_once


class _AtOnce(concurrent.futures.Executor):
    """Calls what is submitted at once."""

    def __init__(self, **options: Any) -> None:
        del options

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any
    ) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        future.set_result(function(*arguments, **keywords))
        return future


def _make_bundles_here() -> None:
    from apache_beam.runners.worker import bundle_processor

    futures = types.SimpleNamespace(
        ThreadPoolExecutor=_AtOnce, TimeoutError=concurrent.futures.TimeoutError
    )
    bundle_processor.concurrent = types.SimpleNamespace(futures=futures)


def _measure_no_states() -> None:
    from apache_beam.runners.worker import statesampler

    def start(sampler):
        sampler.tracked_thread = threading.current_thread()
        statesampler.set_current_tracker(sampler)
        sampler.started = True

    def stop(sampler):
        statesampler.set_current_tracker(None)
        sampler.finished = True

    statesampler.StateSampler.start = start
    statesampler.StateSampler.stop = stop
