"""The data contract: what a prepared data set holds.

Standard library only, so that every other package can import it without Beam or
TensorFlow. `CommonInfo` (`dataset.json`) is what the data sets of every setting have,
`DatasetInfo` that of ratings. What raw tables look like is in `transforms.specs`.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from transforms.joins import Join
from transforms.prepared_files import PreparedFile, damage
from transforms.row_counts import RowCounts

FORMAT_VERSION = 5
USER_SETTING = "user"

# A larger number, or its square in a deviation, does not fit a float: it is unknown.
MAX_FEATURE_NUMBER = 1e30

# Levels that distributions of labels are over; labels with more values share them.
MAX_LABEL_LEVELS = 32

# Rows of the vocabularies and entity tables start at 1; 0 is unknown and padding.
UNKNOWN = 0

META_TRAIN = "meta_train"
META_VALIDATION = "meta_validation"
META_TEST = "meta_test"
SPLITS = (META_TRAIN, META_VALIDATION, META_TEST)

# Users with too few pairs for a task. All their pairs are support; no episode is drawn
# from them, but all that is counted or fitted beforehand learns from them.
NO_TASK = "no_task"

# Pairs of the time of meta-validation or meta-test, where users are split by it, that
# are in no task there: later ones of users of an earlier split, beside their task if
# they have one, and those of users with too few for a task. All of them are support.
# Nothing learns from them but a training on all pairs.
LATER = "later"

# What is learnt from: the support of these.
TRAINING_PARTS = (META_TRAIN, NO_TASK)

# Files of a prepared data set, relative to its directory.
DATASET_JSON = "dataset.json"
SUCCESS = "_SUCCESS"
VOCABULARY_DIR = "vocabulary"
ENTITIES_DIR = "entities"
EPISODES_DIR = "episodes"
REJECTED_DIR = "rejected"
NAMES_DIR = "names"

# Vocabularies of the ids themselves: line n names row n of the entity table.
USER_ID = "user_id"
ITEM_ID = "item_id"

# Keys of one entity record, beside one key per feature (int64 values of the
# vocabulary, without padding, or one float in the raw unit).
ENTITY_ID_KEY = "id"
ENTITY_ROW_KEY = "row"
ENTITY_COUNT_KEY = "num_training"  # Support pairs of `TRAINING_PARTS` it occurs in.

# Keys of one episode record. The query of a meta-train task is held out: training
# draws its own support and query sets from the record's support alone.
TASK_ID_KEY = "task_id"
USER_KEY = "user"
SUPPORT_ITEM_KEY = "support/item"
SUPPORT_LABEL_KEY = "support/label"
QUERY_ITEM_KEY = "query/item"
QUERY_LABEL_KEY = "query/label"


class DataError(ValueError):
    """Data that cannot be used as it is; the message says what to do about it."""


@dataclasses.dataclass(frozen=True)
class Feature:
    """One encoded feature of a prepared data set.

    Attributes:
        name: Its name.
        kind: As in `FeatureSpec`.
        vocabulary_size: Known values, the unknown one not counted; 0 if numeric.
        max_values: Width of the encoded feature; 1 unless "multi".
        mean: Mean of a numeric feature over the entities that are learnt from, but for
            numbers far from all others.
        std: Its standard deviation, 1 if it does not vary.
        low: The lowest of them, None if it is not known; a lower number counts as it.
        high: The highest of them, likewise.
        num_far: Entities that are learnt from with a number far from all others.
        farthest: The one of these that lies farthest from the mean.
    """

    name: str
    kind: Literal["categorical", "multi", "numeric"]
    vocabulary_size: int = 0
    max_values: int = 1
    mean: float = 0.0
    std: float = 1.0
    low: float | None = None
    high: float | None = None
    num_far: int = 0
    farthest: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommonInfo:
    """What `dataset.json` says of a prepared data set, whatever its setting.

    Class attributes:
        setting: Name of the setting. The first one was "user", whose files do not say
            it.
        parts: Fields that are tuples of dataclasses, and which.
        directories: What lies in a data set beside the directories that all have.

    Attributes:
        fingerprint: Hash of inputs and options: equal ones mean equal bytes.
        num_users: Rows of the user table, the unknown row not counted.
        num_items: Rows of the item table, the unknown row not counted.
        user_features: Features of a user; none where tasks are known by clicks.
        item_features: Features of an item.
        num_tasks: Tasks by split.
        num_rejected: Refused rows by reason.
        num_dropped: Legal interactions and tasks that are left out, by reason.
        tables: What became of the rows of each table, by what it is read as.
        joins: How the ids of the tables find each other.
        files: Size and content of each file, by name.
        options: The specification it was made from.
        has_item_names: Whether `names/item.txt` is there.
        format_version: Version of this layout.
    """

    setting: ClassVar[str]
    parts: ClassVar[Mapping[str, type]] = {
        "user_features": Feature,
        "item_features": Feature,
    }
    directories: ClassVar[tuple[str, ...]] = ()

    fingerprint: str = ""
    num_users: int
    num_items: int
    user_features: tuple[Feature, ...] = ()
    item_features: tuple[Feature, ...] = ()
    num_tasks: Mapping[str, int]
    num_rejected: Mapping[str, int] = dataclasses.field(default_factory=dict)
    num_dropped: Mapping[str, int]
    tables: Mapping[str, RowCounts] = dataclasses.field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    files: Mapping[str, PreparedFile] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any]
    has_item_names: bool = False
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Returns the text of `dataset.json`."""
        fields = dataclasses.asdict(dataclasses.replace(self, tables={}))
        fields["tables"] = {name: one.to_fields() for name, one in self.tables.items()}
        if self.setting != USER_SETTING:
            fields["setting"] = self.setting
        return json.dumps(fields, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the text of `dataset.json`.

        Raises:
            DataError: If it is of another setting or format version.
        """
        fields = json.loads(text)
        setting = fields.pop("setting", USER_SETTING)
        version = fields.get("format_version")
        if (setting, version) != (cls.setting, FORMAT_VERSION):
            raise DataError(
                f"dataset.json must be of setting {cls.setting!r} and "
                f"format_version {FORMAT_VERSION}, got {setting!r} and {version!r}: "
                "prepare the data set again."
            )
        for key, part in cls.parts.items():
            fields[key] = tuple(part(**values) for values in fields.get(key, ()))
        fields["files"] = {
            name: PreparedFile(**file) for name, file in fields["files"].items()
        }
        fields["joins"] = tuple(Join.from_fields(join) for join in fields["joins"])
        fields["tables"] = {
            name: RowCounts.from_fields(one) for name, one in fields["tables"].items()
        }
        return cls(**fields)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetInfo(CommonInfo):
    """What `dataset.json` says of a prepared data set of ratings.

    Beside those of `CommonInfo`:

    Attributes:
        label_min: Smallest legal label.
        label_max: Largest legal label.
        label_mean: Mean label of the pairs that are learnt from.
        label_std: Their standard deviation, 1 if they do not vary.
        label_levels: Levels that distributions of labels are over.
        num_interactions: Interactions by split, query pairs included, and those of
            users without a task; those of `LATER`, if users are split by time.
    """

    setting = USER_SETTING

    label_min: float
    label_max: float
    label_mean: float
    label_std: float
    label_levels: tuple[float, ...]
    num_interactions: Mapping[str, int]


def check_files(directory: str | pathlib.Path, info: CommonInfo) -> None:
    """Checks that every file of a prepared data set is as it was written.

    A reader of records would take a file that is cut between two of them for whole.

    Raises:
        DataError: If one is missing, cut or damaged; the message names it.
    """
    if (wrong := damage(pathlib.Path(directory), info.files)) is not None:
        raise DataError(
            f"{directory} must be as it was prepared, but {wrong}: remove it and run "
            "`cmml prepare`."
        )


def load_dataset_info(directory: str | pathlib.Path) -> DatasetInfo:
    """Reads `dataset.json` of a complete prepared data set.

    Raises:
        DataError: If the directory is missing or incomplete.
    """
    return DatasetInfo.from_json(read_dataset_json(directory))


def read_dataset_json(directory: str | pathlib.Path) -> str:
    """Returns the text of `dataset.json` of a complete data set of either setting.

    Raises:
        DataError: If the directory is missing or incomplete, or the file damaged.
    """
    root = pathlib.Path(directory) if isinstance(directory, str) else directory
    if not (root / SUCCESS).is_file():
        raise DataError(
            f"{root} is not a complete prepared data set (no {SUCCESS}): "
            "run `cmml prepare`."
        )
    text = (root / DATASET_JSON).read_text(encoding="utf-8")
    try:
        json.loads(text)
    except ValueError as error:
        raise DataError(
            f"{root / DATASET_JSON} must be as it was prepared, but is cut or damaged "
            f"({error}): remove {root} and run `cmml prepare`."
        ) from None
    return text
