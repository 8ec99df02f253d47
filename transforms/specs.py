"""What raw tables look like: the `data:` section of a configuration file.

Frozen dataclasses, of the standard library only. `CommonSpec` is what the data sets of
every setting have, `DatasetSpec` that of ratings.
"""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Literal

from transforms.raw_text import time_of
from transforms.schema import (
    ENTITY_COUNT_KEY,
    ENTITY_ID_KEY,
    ENTITY_ROW_KEY,
    ITEM_ID,
    META_TEST,
    META_VALIDATION,
    USER_ID,
)
from transforms.table_spec import Strict, TableSpec

# Beyond it a float32 cannot tell labels apart that differ by less than 0.06.
_MAX_LABEL = 1e6

# Features may not be called like the ids, nor like the other keys of their record.
_RESERVED_FEATURE_NAMES = frozenset(
    {USER_ID, ITEM_ID, ENTITY_ID_KEY, ENTITY_ROW_KEY, ENTITY_COUNT_KEY}
)


@dataclasses.dataclass(frozen=True)
class FeatureSpec(Strict):
    r"""One feature of a user or an item.

    Attributes:
        name: Name in vocabularies, models and requests: letters, digits, underscores,
            in ASCII and a letter first.
        column: Column of the raw table; `name` if not given.
        kind: One value, several values, or a number; beyond the numbers that are learnt
            from, one counts as the last of them. From numbers that lie more than 100
            times the distance of the quartiles beyond these nothing is learnt.
        separator: Between the values of a "multi" text column.
        drop_pattern: Regular expression removed from each value, such as
            `\(.*?\)` for remarks in parentheses, or `[$,]` for a number such as
            "$1,299". Of items only.
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
class InteractionSpec(Strict):
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
        time_column: Column of the time, a number or a date, which `keep`,
            `episodes.order` and `split.test_from` go by.
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

    def __post_init__(self) -> None:
        """Checks the label range."""
        if not self.label_scale:
            raise ValueError("label_scale must not be 0, or all labels are equal.")
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
class EntitySpec(Strict):
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

    def __post_init__(self) -> None:
        """Refuses features without a table, and two of one name."""
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            raise ValueError(f"feature names must differ, got {names}.")
        if self.table is None and (names or self.name_column):
            raise ValueError(f"features {names} need a table to be read from.")


@dataclasses.dataclass(frozen=True)
class SplitSpec(Strict):
    """Which task belongs to meta-train, meta-validation and meta-test.

    Attributes:
        seed: Seed of the stable hash.
        test_fraction: Share of all tasks in meta-test, unless `path` names them.
        validation_fraction: Share of the other tasks in meta-validation.
        path: JSON file with the lists `meta_train_users` and `meta_test_users`, and
            perhaps `meta_validation_users`, relative to the raw-data folder.
        test_from: A number or a date such as 2001-02-03, in UTC, as `time_column` has
            them. Users whose first pair is of that time or later are meta-test, in
            place of `test_fraction`; later pairs of all others wait for the training
            on all pairs (`training.refit`).
        validation_from: The same for meta-validation, in place of
            `validation_fraction`; before `test_from`. Later pairs of meta-train users
            wait as well.
    """

    seed: int = 0
    test_fraction: float = 0.2
    validation_fraction: float = 0.1
    path: str | None = None
    test_from: float | str | None = None
    validation_from: float | str | None = None

    def __post_init__(self) -> None:
        """Checks the shares, and that there are times in order."""
        for name in ("test_fraction", "validation_fraction"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(
                    f"{name} must be in [0, 1), got {getattr(self, name)}."
                )
        given = f"got {self.validation_from!r} and {self.test_from!r}"
        starts = self.starts
        if starts and META_TEST not in starts:
            raise ValueError(f"validation_from goes with test_from, {given}.")
        if starts and not starts.get(META_VALIDATION, -math.inf) < starts[META_TEST]:
            raise ValueError(f"validation_from must be before test_from, {given}.")

    @property
    def starts(self) -> Mapping[str, float]:
        """Times from which a split is, rising; dates in seconds since 1970.

        Raises:
            ValueError: If one is no time.
        """
        starts = {}
        for name, split in (
            ("validation_from", META_VALIDATION),
            ("test_from", META_TEST),
        ):
            if (time := getattr(self, name)) is None:
                continue
            try:
                if isinstance(time, bool):
                    raise ValueError
                starts[split] = time_of(str(time))
            except ValueError:
                raise ValueError(
                    f"{name} must be a number or a date such as 2001-02-03, got "
                    f"{time!r}."
                ) from None
        return starts


def check_split_of_tasks(split: SplitSpec) -> None:
    """Refuses a split of tasks both by time and by a file.

    Raises:
        ValueError: If it has both.
    """
    if split.starts and split.path is not None:
        raise ValueError(
            "split.test_from goes without split.path, which names the tasks, got "
            f"{split.test_from!r} and {split.path!r}."
        )


@dataclasses.dataclass(frozen=True)
class EpisodeSpec(Strict):
    """How a task's interactions become one episode record.

    Attributes:
        query_size: Query pairs of each task, fixed and held out of training.
        min_support_size: Tasks with fewer support pairs are left out.
        max_interactions_per_task: Interactions kept of a meta-validation or meta-test
            task, query included; all if None.
        max_interactions_per_meta_train_task: The same for a meta-train task.
        new_item_fraction: Share of all items whose pairs are left out of meta-train,
            by a stable hash: meta-test then asks for items never trained on, too.
        num_shards: Files per split, and groups that tasks are built in, at least; one
            for each 64 MB of interactions as text, if those are more.
        order: Order of the pairs of a task. "random": query and support are drawn
            alike. "time": the first pairs of a user are the support, in their order,
            and the next `query_size` the query, as a new user is met; it needs
            `interactions.time_column`.
    """

    query_size: int = 10
    min_support_size: int = 1
    max_interactions_per_task: int | None = 50
    max_interactions_per_meta_train_task: int | None = None
    num_shards: int = 4
    new_item_fraction: float = 0.0
    order: Literal["random", "time"] = "random"

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
class CommonSpec(Strict):
    """What decides the content of a prepared data set, whatever its setting.

    Attributes:
        split: The split by task.
        max_rejected_fraction: Above this share of refused rows of any table the step
            fails, and above this share of rows whose id differs in form only from that
            of another table.
        max_unmatched_fraction: Above this share of rows whose id is not in the table
            that says more of it the step fails.
        normalize_ids: Whether ids that differ only in spaces, case, zeros in front or a
            fraction of zero are one; all are then without these and in lower case.
    """

    split: SplitSpec = SplitSpec()
    max_rejected_fraction: float = 0.01
    max_unmatched_fraction: float = 0.3
    normalize_ids: bool = False

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
        """Checks the time, and that users and items share no feature name."""
        super().__post_init__()
        if self.goes_by_time and self.interactions.time_column is None:
            raise ValueError(
                "episodes.order 'time' and split.test_from need "
                f"interactions.time_column, got order {self.episodes.order!r}, "
                f"test_from {self.split.test_from!r} and no column."
            )
        check_split_of_tasks(self.split)
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
    def goes_by_time(self) -> bool:
        """Whether tasks or their pairs are split by time."""
        return self.episodes.order == "time" or bool(self.split.starts)

    @property
    def intolerable(self) -> Mapping[str, str]:
        """See `CommonSpec`."""
        is_error = self.interactions.keep == "error"
        return {"interactions": "duplicate_pair"} if is_error else {}
