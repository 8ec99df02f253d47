"""The raw tables of an experiment, whatever its tasks are."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pipeline.experiment.config_file import data_dir
from transforms.reading.fingerprint import fingerprint
from transforms.reading.tables import UsedTable, check_tables
from transforms.splits import load_splitter

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


@dataclasses.dataclass(frozen=True)
class TableSource:
    """Tables, and how they become episodes; a `Source`.

    Attributes:
        spec: The data set.
        tables: Those that it is made from.
        tasks: What a split file calls its tasks: "users" or "scenarios".
        write: Prepares the data set; arguments as of `transforms`' `prepare_dataset`.
        describe: Says what the data set holds, given what `write` returned, and its
            directory.
    """

    spec: Any
    tables: Sequence[UsedTable]
    tasks: str
    write: Callable[..., Any]
    describe: Callable[[Any, pathlib.Path], str]

    def validate(self) -> None:
        """Checks tables and columns; see `Source`."""
        check_tables(self.tables, data_dir())
        load_splitter(
            self.spec.split,
            data_dir(),
            self.tasks,
            normalize=self.spec.normalize_ids,
        )

    def fingerprint(self) -> str:
        """Returns what changes with inputs and options; see `Source`."""
        return fingerprint(self.spec, self.tables, data_dir())

    def prepare(self, directory: pathlib.Path, options: PipelineOptions) -> str:
        """Writes the data set; see `Source`."""
        info = self.write(
            self.spec,
            data_dir(),
            str(directory),
            fingerprint=self.fingerprint(),
            options=options,
        )
        return self.describe(info, directory)
