"""The step `validate-data`: a prepared data set beside the one trained on."""

import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.progress import say
from pipeline.judging.data_drift import Drift, anomalies_of, compare_datasets
from transforms.plural import counted
from transforms.schema import DataError
from transforms.writing.statistics import proto_file

ANOMALIES = "anomalies.pbtxt"


def validate_data(
    config: Experiment, dataset_dir: pathlib.Path, reference: pathlib.Path | None
) -> int:
    """Prints how far a data set lies from the reference, a line for each comparison.

    Args:
        config: The experiment.
        dataset_dir: Its prepared data set.
        reference: The one to compare with; `drift.reference` if None.

    Returns:
        1 if they differ by more than the section `drift` allows, else 0.

    Raises:
        DataError: If there is no reference, or one of the two is not whole.
    """
    reference = reference or _reference(config)
    if reference is None:
        raise DataError(
            "a data set must be compared with another one, got neither --against nor "
            "the key drift.reference: name the prepared data set that was trained on."
        )
    drifts, path = _compare(config, dataset_dir, reference)
    print(f"{dataset_dir} beside {reference}")
    for drift in drifts:
        verdict = "DRIFT" if drift.is_anomaly else "ok"
        print(
            f"{verdict:<5} {drift.name}: {drift.detail} "
            f"({drift.value:.3g}, at most {drift.limit:g})"
        )
    anomalies = sum(drift.is_anomaly for drift in drifts)
    comparisons = counted(len(drifts), "comparison")
    print(f"{anomalies} of {comparisons} beyond the limit: {path}")
    return int(anomalies > 0)


def stop_at_drift(config: Experiment, dataset_dir: pathlib.Path) -> None:
    """Refuses a data set that lies too far from `drift.reference`, if that is set.

    Args:
        config: The experiment.
        dataset_dir: Its prepared data set.

    Raises:
        DataError: If it does; it names what differs, and the file that tells more.
    """
    reference = _reference(config)
    if reference is None:
        return
    drifts, path = _compare(config, dataset_dir, reference)
    if anomalies := [drift for drift in drifts if drift.is_anomaly]:
        listed = "; ".join(f"{drift.name}: {drift.detail}" for drift in anomalies)
        raise DataError(
            f"{dataset_dir} must be like drift.reference {reference}, and differs by "
            f"more than the section drift allows: {listed}. See {path}; find out why, "
            "then raise the limit or prepare the reference anew."
        )
    comparisons = counted(len(drifts), "comparison")
    say(f"prepare: {comparisons} with {reference} within the limits")


def _reference(config: Experiment) -> pathlib.Path | None:
    reference = config.drift.reference
    return None if reference is None else pathlib.Path(reference)


def _compare(
    config: Experiment, dataset_dir: pathlib.Path, reference: pathlib.Path
) -> tuple[list[Drift], pathlib.Path]:
    """Compares, and writes the anomalies beside the data set, which stays as it is."""
    limits = config.drift
    if limits.may_be_new is None:
        limits = limits.model_copy(update={"may_be_new": config.task_ids})
    drifts = compare_datasets(dataset_dir, reference, limits, config.may_lack)
    path = dataset_dir.with_name(f"{dataset_dir.name}-drift") / ANOMALIES
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(proto_file(anomalies_of(drifts)))
    return drifts, path
