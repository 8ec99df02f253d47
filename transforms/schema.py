"""The data contract: what raw tables look like, and what a prepared data set holds.

Standard library only, so that every other package can import it without Beam or
TensorFlow. The specifications are frozen dataclasses that the configuration file
fills in (`data:` section). `CommonSpec` and `CommonInfo` (`dataset.json`) are what the
data sets of every setting have; `DatasetSpec` and `DatasetInfo` are those of ratings.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from transforms.joins import Join
from transforms.prepared_files import PreparedFile, damage
from transforms.row_counts import RowCounts
from transforms.table_spec import TableSpec as TableSpec
from transforms.table_spec import WideSpec as WideSpec

FORMAT_VERSION = 4
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


# Labels above it have a gain in NDCG that no float holds.
_MAX_LABEL = 1e6

# Features may not be called like the ids, nor like the other keys of their record.
_RESERVED_FEATURE_NAMES = frozenset(
    {USER_ID, ITEM_ID, ENTITY_ID_KEY, ENTITY_ROW_KEY, ENTITY_COUNT_KEY}
)


class DataError(ValueError):
    """Data that cannot be used as it is; the message says what to do about it."""


_STRICT = {"extra": "forbid"}


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    r"""One feature of a user or an item.

    Attributes:
        name: Name in vocabularies, models and requests: letters, digits, underscores,
            in ASCII and a letter first.
        column: Column of the raw table; `name` if not given.
        kind: One value, several values, or a number.
        separator: Between the values of a "multi" text column.
        drop_pattern: Regular expression removed from each value, such as
            `\(.*?\)` for remarks in parentheses.
        max_values: Values kept of a "multi" feature, the first ones.
        min_count: Values seen on fewer meta-train entities become unknown.
        flags: Columns of 1 and 0, in place of `column`: a "multi" feature has the names
            of those with a 1 for values.
    """

    name: str
    column: str | None = None
    kind: Literal["categorical", "multi", "numeric"] = "categorical"
    separator: str = "|"
    drop_pattern: str | None = None
    max_values: int = 8
    min_count: int = 1
    flags: tuple[str, ...] = ()

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Checks what the type annotations cannot say."""
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", self.name):
            raise ValueError(
                "feature name must be letters, digits and underscores, a letter first, "
                f"got {self.name!r}."
            )
        # Of a name in `_bytes` TensorFlow Serving takes the values for base64.
        if self.name in _RESERVED_FEATURE_NAMES or self.name.endswith("_bytes"):
            raise ValueError(
                f"feature name must not be one of {sorted(_RESERVED_FEATURE_NAMES)} "
                f"nor end in '_bytes', got {self.name!r}: choose another one and give "
                "`column`."
            )
        if self.flags and (self.kind != "multi" or self.column is not None):
            raise ValueError(
                f"flags of feature {self.name!r} go with kind 'multi' and without "
                f"`column`, got {self.kind!r} and {self.column!r}."
            )
        if self.kind == "multi" and not self.separator:
            raise ValueError(f"separator of feature {self.name!r} must not be empty.")
        try:
            re.compile(self.drop_pattern or "")
        except re.error as error:
            raise ValueError(
                f"drop_pattern of feature {self.name!r} must be a regular expression, "
                f"got {self.drop_pattern!r}: {error}."
            ) from None
        if self.max_values < 1 or self.min_count < 1:
            raise ValueError(
                f"max_values and min_count of feature {self.name!r} must be at "
                f"least 1, got {self.max_values} and {self.min_count}."
            )

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns the feature is read from: one, but for flags."""
        return self.flags or (self.column or self.name,)


@dataclasses.dataclass(frozen=True)
class InteractionSpec:
    """The table of labelled interactions.

    Attributes:
        table: Where it is.
        user_column: Column of the user id.
        item_column: Column of the item id.
        label_column: Column of the label.
        label_min: Smallest legal label after scale and shift, at least -1000000.
        label_max: Largest legal label after them, at most 1000000. In a range of at
            most 10 the gain of NDCG is 2 ** label - 1, in a wider one it is
            label - label_min.
        label_scale: What labels of the table are multiplied by.
        label_shift: What is added then.
        time_column: Column of the time, a number or a date, which `keep` goes by.
        keep: Which row of a pair of user and item counts where there are several: the
            first or the last, by the time if it is given, else as they stand in the
            files. The others are left out; with "error" the step fails. If not given,
            the first row counts and the others are refused.
    """

    table: TableSpec
    user_column: str = "user_id"
    item_column: str = "item_id"
    label_column: str = "rating"
    label_min: float = 1.0
    label_max: float = 5.0
    label_scale: float = 1.0
    label_shift: float = 0.0
    time_column: str | None = None
    keep: Literal["first", "last", "error"] | None = None

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Checks the label range, and that time is of use."""
        if not self.label_scale:
            raise ValueError("label_scale must not be 0, or all labels are equal.")
        if self.time_column is not None and self.keep not in ("first", "last"):
            raise ValueError(
                "time_column goes with keep 'first' or 'last', which it decides, "
                f"got {self.keep!r}."
            )
        if not self.label_min < self.label_max:
            raise ValueError(
                "label_min must be below label_max, "
                f"got {self.label_min} and {self.label_max}."
            )
        if max(abs(self.label_min), abs(self.label_max)) > _MAX_LABEL:
            raise ValueError(
                f"labels must be within [{-_MAX_LABEL:.0f}, {_MAX_LABEL:.0f}], got a "
                f"range of [{self.label_min:g}, {self.label_max:g}]: scale them."
            )


@dataclasses.dataclass(frozen=True)
class EntitySpec:
    """The table of users or of items.

    Attributes:
        table: Where it is; without one, ids come from the interactions alone. May be
            the interaction table itself: repeated rows of one id must then agree.
        id_column: Column of the id.
        name_column: Column of a name for people to read, such as a title.
        features: What the model may know of an entity.
    """

    table: TableSpec | None = None
    id_column: str = "id"
    name_column: str | None = None
    features: tuple[FeatureSpec, ...] = ()

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Refuses features without a table, and two of one name."""
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            raise ValueError(f"feature names must differ, got {names}.")
        if self.table is None and (names or self.name_column):
            raise ValueError(f"features {names} need a table to be read from.")


@dataclasses.dataclass(frozen=True)
class SplitSpec:
    """Which task belongs to meta-train, meta-validation and meta-test.

    Attributes:
        seed: Seed of the stable hash.
        test_fraction: Share of all tasks in meta-test, unless `path` names them.
        validation_fraction: Share of the other tasks in meta-validation.
        path: JSON file with the lists `meta_train_users` and `meta_test_users`, and
            perhaps `meta_validation_users`, relative to the raw-data folder.
    """

    seed: int = 0
    test_fraction: float = 0.2
    validation_fraction: float = 0.1
    path: str | None = None

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Checks the shares."""
        for name in ("test_fraction", "validation_fraction"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(
                    f"{name} must be in [0, 1), got {getattr(self, name)}."
                )


@dataclasses.dataclass(frozen=True)
class EpisodeSpec:
    """How a task's interactions become one episode record.

    Attributes:
        query_size: Query pairs of each task, fixed and held out of training.
        min_support_size: Tasks with fewer support pairs are left out.
        max_interactions_per_task: Interactions kept of a meta-validation or meta-test
            task, query included; all if None.
        max_interactions_per_meta_train_task: The same for a meta-train task.
        new_item_fraction: Share of all items whose pairs are left out of meta-train,
            by a stable hash: meta-test then asks for items never trained on, too.
        num_shards: Files per split.
    """

    query_size: int = 10
    min_support_size: int = 1
    max_interactions_per_task: int | None = 50
    max_interactions_per_meta_train_task: int | None = None
    num_shards: int = 4
    new_item_fraction: float = 0.0

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Checks the sizes."""
        if not 0.0 <= self.new_item_fraction < 1.0:
            raise ValueError(
                f"new_item_fraction must be in [0, 1), got {self.new_item_fraction}."
            )
        if self.query_size < 1 or self.min_support_size < 0 or self.num_shards < 1:
            raise ValueError(
                "query_size and num_shards must be at least 1 and min_support_size at "
                f"least 0, got {self.query_size}, {self.num_shards} and "
                f"{self.min_support_size}."
            )
        needed = self.query_size + self.min_support_size
        for name in (
            "max_interactions_per_task",
            "max_interactions_per_meta_train_task",
        ):
            limit = getattr(self, name)
            if limit is not None and limit < needed:
                raise ValueError(
                    f"{name} must leave room for query_size + min_support_size = "
                    f"{needed} interactions, got {limit}."
                )


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommonSpec:
    """What decides the content of a prepared data set, whatever its setting.

    Attributes:
        split: The split by task.
        max_rejected_fraction: Above this share of refused rows of any table the step
            fails, and above this share of rows whose id differs in form only from that
            of another table.
        max_unmatched_fraction: Above this share of rows whose id is not in the table
            that says more of it the step fails.
        normalize_ids: Whether ids that differ only in spaces, case, zeros in front or a
            fraction of zero are one.
    """

    split: SplitSpec = SplitSpec()
    max_rejected_fraction: float = 0.01
    max_unmatched_fraction: float = 0.3
    normalize_ids: bool = False

    __pydantic_config__ = _STRICT

    def __post_init__(self) -> None:
        """Checks the tolerances."""
        for name in ("max_rejected_fraction", "max_unmatched_fraction"):
            if not 0.0 <= (value := getattr(self, name)) <= 1.0:
                raise ValueError(f"{name} must be within [0, 1], got {value}.")

    @property
    def intolerable(self) -> Mapping[str, str]:
        """By table, the reason that not a single row may be refused for."""
        return {}


@dataclasses.dataclass(frozen=True)
class DatasetSpec(CommonSpec):
    """Everything that decides the content of a prepared data set of ratings.

    Beside those of `CommonSpec`:

    Attributes:
        interactions: The labelled interactions.
        users: The users.
        items: The items.
        episodes: The episode records.
        min_item_count: Items with fewer interactions to learn from get no id
            embedding.
    """

    interactions: InteractionSpec
    users: EntitySpec = EntitySpec()
    items: EntitySpec = EntitySpec()
    episodes: EpisodeSpec = EpisodeSpec()
    min_item_count: int = 3

    def __post_init__(self) -> None:
        """Checks that users and items share no feature name."""
        super().__post_init__()
        if any(feature.drop_pattern for feature in self.users.features):
            raise ValueError(
                "drop_pattern goes with features of items only, since those of users "
                f"come raw in requests, got {[f.name for f in self.users.features]}."
            )
        both = {f.name for f in self.users.features} & {
            f.name for f in self.items.features
        }
        if both:
            raise ValueError(
                f"users and items must not share feature names, got {sorted(both)}."
            )

    @property
    def intolerable(self) -> Mapping[str, str]:
        """See `CommonSpec`."""
        is_error = self.interactions.keep == "error"
        return {"interactions": "duplicate_pair"} if is_error else {}


@dataclasses.dataclass(frozen=True)
class Feature:
    """One encoded feature of a prepared data set.

    Attributes:
        name: Its name.
        kind: As in `FeatureSpec`.
        vocabulary_size: Known values, the unknown one not counted; 0 if numeric.
        max_values: Width of the encoded feature; 1 unless "multi".
        mean: Mean of a numeric feature over the entities that are learnt from.
        std: Its standard deviation, 1 if it does not vary.
    """

    name: str
    kind: Literal["categorical", "multi", "numeric"]
    vocabulary_size: int = 0
    max_values: int = 1
    mean: float = 0.0
    std: float = 1.0


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
    parts: ClassVar[Mapping[str, type]] = {}
    directories: ClassVar[tuple[str, ...]] = ()

    fingerprint: str = ""
    num_users: int
    num_items: int
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
            fields[key] = tuple(part(**values) for values in fields[key])
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
        user_features: Features of a user.
        item_features: Features of an item.
        label_min: Smallest legal label.
        label_max: Largest legal label.
        label_mean: Mean label of the pairs that are learnt from.
        label_std: Their standard deviation, 1 if they do not vary.
        label_levels: Levels that distributions of labels are over.
        num_interactions: Interactions by split, query pairs included, and those of
            users without a task.
    """

    setting = USER_SETTING
    parts: ClassVar = {"user_features": Feature, "item_features": Feature}

    user_features: tuple[Feature, ...]
    item_features: tuple[Feature, ...]
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
        DataError: If the directory is missing or incomplete.
    """
    root = pathlib.Path(directory)
    if not (root / SUCCESS).is_file():
        raise DataError(
            f"{root} is not a complete prepared data set (no {SUCCESS}): "
            "run `cmml prepare`."
        )
    return (root / DATASET_JSON).read_text(encoding="utf-8")
