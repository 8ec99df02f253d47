"""Golden values: all figures that the command line makes of tiny data, in JSON.

Both settings are measured through the command line, the files that it leaves and the
exported graph, so that what is measured does not depend on how the code is laid out.

From the root of a checkout, to look at two checkouts side by side:

    python .../measure.py user ONE.json --digits 17
    python .../measure.py user OTHER.json --digits 17 --compare ONE.json
"""

import argparse
import contextlib
import csv
import html
import io
import json
import math
import os
import pathlib
import random
import re
import sys
import tempfile
from collections import Counter
from unittest import mock

import yaml

SETTINGS = ("user", "scenario")
PARTS = ("compare", "ablate", "report", "insight", "explain")
NAME = "golden"

NUM_USERS = 80
NUM_FILMS = 24
GENRES = ("comedy", "drama", "horror")

NUM_SHOPPERS = 60
NUM_GOODS = 90
NUM_THEMES = 16
THEME_SIZE = 40
NUM_TASTES = 4

SMALL_MODEL = {
    "label_dim": 4,
    "encoder_dim": 8,
    "modulation_dim": 8,
    "hidden_dims": [16, 16],
}
COMMON = {
    "name": NAME,
    "tensorboard": {"insight_every": 5},
    "export": {"top_k": 5, "min_item_count": 1},
    "comparison": {"num_trials": 1, "num_resamples": 200},
}
GRID = {
    "name": "tiny",
    "tables": [
        {
            "title": "Encoders",
            "rows": {
                "mean": {"model.encoder": "mean"},
                "GRU": {"model.encoder": "gru"},
            },
        }
    ],
}
METHODS = {
    "user": ["item_mean", "bias_ridge", "dcn", "cmml"],
    "scenario": ["popularity", "dot_product", "dcn", "cmml"],
}

# Keys and tags that hold times, speeds, sizes in memory, or names by the clock.
_UNSTABLE = re.compile(
    r"fingerprint|finished|dataset|runs?$|_s$|_ms$|_mb$|per_s|speed|seconds|duration"
)
_UNSTABLE_SECTIONS = ("Latency", "Provenance")
_SUPPORT_SIZES = (0, 4, 16)  # Of the recorded requests that are asked again.
_DECIMAL = re.compile(r"(?<![\w.])[+-]?\d+\.\d+(?!\w)")
_NUM_FIRST = 8  # Values of a long array that are kept.
_NUM_MARKS = 2  # First values of a context: the version, which is the time of export.


# The made-up data.


def write_ratings(folder):
    """Writes ratings, users and films; who shares a taste rates alike."""
    chance = random.Random(11)
    ratings = []
    for user in range(NUM_USERS):
        strictness = chance.gauss(0.0, 0.8)
        for film in chance.sample(range(NUM_FILMS), 10 + user % 9):
            taste = 0.8 if user % 3 == film % 3 else -0.4
            quality = 0.05 * (film - NUM_FILMS / 2)
            label = 3.0 + taste + quality - strictness + chance.gauss(0.0, 0.4)
            ratings.append(f"u{user},f{film},{min(5, max(1, round(label)))}\n")
    _write(folder / "ratings.csv", "user,film,stars\n", [*ratings, "u1,f1,9\n"])
    people = [f"u{i},{'FM'[i % 2]},{20 + i % 40}\n" for i in range(NUM_USERS)]
    _write(folder / "people.csv", "id,gender,age\n", people)
    films = [
        f"f{i},Film {i},{GENRES[i % 3]}|{'long' if i % 4 else 'short'},{1990 + i}\n"
        for i in range(NUM_FILMS)
    ]
    _write(folder / "films.csv", "id,title,genre,year\n", films)


def write_clicks(folder):
    """Writes clicks and pools; who shares a taste clicks alike."""
    chance = random.Random(7)
    clicks = [
        f"s{user},g{item}\n"
        for user in range(NUM_SHOPPERS)
        for item in range(NUM_GOODS)
        if chance.random() < (0.8 if user % NUM_TASTES == item % NUM_TASTES else 0.08)
    ]
    _write(folder / "clicks.csv", "shopper,good\n", [*clicks, clicks[0]])
    pools = [
        f"g{item},t{theme}\n"
        for theme in range(NUM_THEMES)
        for item in sorted(chance.sample(range(NUM_GOODS), THEME_SIZE))
    ]
    _write(folder / "pools.csv", "good,theme\n", pools)


def _write(path, header, rows):
    path.write_text(header + "".join(rows), encoding="utf-8")


# The experiments.


def user_values():
    """The configuration of the ratings."""
    data = {
        "source": "table",
        "interactions": {
            "table": {"path": "ratings.csv"},
            "user_column": "user",
            "item_column": "film",
            "label_column": "stars",
        },
        "users": {
            "table": {"path": "people.csv"},
            "id_column": "id",
            "features": [{"name": "gender"}, {"name": "age", "kind": "numeric"}],
        },
        "items": {
            "table": {"path": "films.csv"},
            "id_column": "id",
            "name_column": "title",
            "features": [
                {"name": "genre", "kind": "multi"},
                {"name": "year", "kind": "numeric"},
            ],
        },
        "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
        "episodes": {"query_size": 4, "num_shards": 2},
    }
    return COMMON | {
        "setting": "user",
        "data": data,
        "model": SMALL_MODEL
        | {"embedding_dim": 4, "prior_rank": 2, "prior_full_rank_items": 0},
        "training": {
            "refit": "meta_train",  # What is exported is what was judged.
            "support_size": 8,
            "query_size": 4,
            "batch_size": 16,
            "steps_per_execution": 1,  # A loop would be traced twice.
            "max_epochs": 6,
            "learning_rate": 0.03,
        },
        "evaluation": {
            "support_size": 8,
            "few_shot_sizes": [0, 3],
            "baselines": ["item_mean", "bias_ridge"],
            "num_resamples": 200,
            "batch_size": 64,
        },
    }


def scenario_values():
    """The configuration of the clicks."""
    shop = {
        "source": "table",
        "clicks": {
            "table": {"path": "clicks.csv"},
            "user_column": "shopper",
            "item_column": "good",
        },
        "pools": {
            "table": {"path": "pools.csv"},
            "item_column": "good",
            "scenario_column": "theme",
        },
    }
    data = {
        "domains": {"shop": shop},
        "split": {"test_fraction": 0.25, "validation_fraction": 0.25},
        "episodes": {
            "min_pool_size": 10,
            "max_pool_size": 60,
            "support_size": 16,
            "min_clicks": 8,
            "num_shards": 2,
        },
    }
    return COMMON | {
        "setting": "scenario",
        "data": data,
        "vectors": {  # One value each: which of close ones is best depends on the CPU.
            "factors": 4,
            "regularization": [1.0],
            "alpha": [1.0],
            "pool_weight": [0.5],
            "item_weight": [0.25],
            "open_weight": [1.0],
            "count_weight": [0.1],
            "item_factors": 4,
            "item_l2": [200.0],
        },
        "model": SMALL_MODEL,
        "training": {
            "refit": "meta_train",  # What is exported is what was judged.
            "support_size": 16,
            "query_size": 32,
            "batch_size": 4,
            "steps_per_epoch": 6,
            "steps_per_execution": 1,
            "max_epochs": 3,
            "learning_rate": 0.03,
        },
        "evaluation": {
            "support_size": 16,
            "few_shot_sizes": [0, 4],
            "baselines": ["popularity", "dot_product", "item_knn"],
            "num_resamples": 200,
        },
    }


def measure(setting, folder, parts=PARTS):
    """Runs an experiment in an empty folder, and collects its figures.

    Args:
        setting: "user" or "scenario".
        folder: Where data, configuration and results go.
        parts: What is done after `run`.

    Returns:
        Nested dicts and lists of text, whole numbers and floats.
    """
    raw = folder / "raw"
    raw.mkdir()
    write, values = {
        "user": (write_ratings, user_values),
        "scenario": (write_clicks, scenario_values),
    }[setting]
    write(raw)
    config = folder / "golden.yaml"
    paths = {"prepared_dir": str(folder / "prepared"), "runs_dir": str(folder / "runs")}
    config.write_text(yaml.safe_dump(values() | paths), encoding="utf-8")
    steps = {
        "compare": lambda run: comparison(setting, config, run.parent),
        "ablate": lambda run: ablation(config, folder),
        "report": lambda run: report(config, run),
        "insight": lambda run: insight(config, run),
        "explain": lambda run: explain(config, run, folder),
    }
    with mock.patch.dict(os.environ, {"CMML_DATA_DIR": str(raw)}):
        version = pathlib.Path(cmml("run", "--config", config).splitlines()[-1])
        run = version.parents[2]
        (dataset,) = (folder / "prepared" / NAME).iterdir()
        found = {
            "data": dataset_counts(dataset),
            "training": training(run),
            "tensorboard": scalars(run / "logs"),
            "evaluation": evaluation(run),
            "export": exported(version),
        }
        return found | {part: steps[part](run) for part in parts}


def cmml(*arguments):
    """Runs the command line, and returns what it printed."""
    from pipeline.cli import main

    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        status = main([str(argument) for argument in arguments])
    assert status == 0, stderr.getvalue()
    return stdout.getvalue()


# What is collected.


def dataset_counts(dataset):
    """Tasks, vocabularies and refused rows of the prepared data set."""
    info = _read(dataset / "dataset.json")
    rejected = [
        json.loads(line)["reason"]
        for path in sorted((dataset / "rejected").iterdir())
        for line in path.read_text("utf-8").splitlines()
    ]
    vocabularies = {
        path.stem: len(path.read_text("utf-8").splitlines())
        for path in sorted((dataset / "vocabulary").iterdir())
    }
    return {
        "num_tasks": info["num_tasks"],
        "rejected": dict(Counter(rejected)),
        "vocabularies": vocabularies,
    }


def training(run):
    """What each epoch came to, and what is noted of the training."""
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return {
        "epochs": [_stable(json.loads(line)) for line in lines],
        "facts": _stable(_read(run / "lineage.json")["train"]),
    }


def scalars(logs):
    """Every scalar that TensorBoard shows, by tag: its values by step."""
    import tensorflow as tf

    found = {}
    for path in sorted(logs.rglob("events.out.tfevents.*")):
        writer = path.parent.relative_to(logs).as_posix()
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                kind = value.metadata.plugin_data.plugin_name
                if kind == "scalars" and not _UNSTABLE.search(value.tag):
                    scalar = float(tf.make_ndarray(value.tensor))
                    found.setdefault(f"{writer}: {value.tag}", []).append(scalar)
    return dict(sorted(found.items()))


def evaluation(run):
    """Metrics, differences, sums of scores, and the table for people."""
    return {
        "metrics": _read(run / "eval" / "metrics.json"),
        "differences": differences(run),
        "scores": score_sums(run),
        "chosen": _read(run / "lineage.json")["evaluate"]["chosen"],
        "table": lines_of((run / "eval" / "table.md").read_text("utf-8")),
    }


def differences(run):
    """Paired differences by the metric that decides, method less reference."""
    values = _read(run / "eval" / "differences.json")
    assert values["format_version"] == 2
    return {
        "{method} {group} less {reference} {reference_group}".format(**one): {
            key: one[key] for key in ("mean", "low", "high")
        }
        for one in values["differences"]
        if one["metric"] == values["metric"]
    }


def score_sums(run):
    """Rows and the sum of scores, or of ranks, by method and group."""
    sums = {}
    for row in _scored_rows(run):
        value = row["score"] if row["rank"] is None else row["rank"]
        one = sums.setdefault(row["method"], {}).setdefault(
            row["group"], {"rows": 0, "sum": 0.0}
        )
        one["rows"] += 1
        one["sum"] += value
    return sums


def tasks_scored(run):
    """Ids of the tasks of which something was scored, in order."""
    return sorted({row["task_id"] for row in _scored_rows(run)})


def _scored_rows(run):
    import pyarrow.parquet

    path = run / "eval" / "scores.parquet"
    return pyarrow.parquet.read_table(path).to_pylist()


def exported(version):
    """The signatures of the graph, and its answers to recorded requests."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(version))
    signatures = {
        name: {
            "inputs": _specs(signature.structured_input_signature[1]),
            "outputs": _specs(signature.structured_outputs),
        }
        for name, signature in sorted(loaded.signatures.items())
    }
    answers = {}
    for name, inputs in _recorded(version):
        size = _support_size(inputs)
        if size is None or size in _SUPPORT_SIZES:
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            outputs = loaded.signatures[name](**tensors)
            answers.setdefault(name, []).append(
                {key: _array(key, outputs[key].numpy()) for key in sorted(outputs)}
            )
    return {"signatures": signatures, "answers": dict(sorted(answers.items()))}


def _recorded(version):
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    path = version / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(path)):
        asked = PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in asked.inputs.items()}
        yield asked.model_spec.signature_name, inputs


def _support_size(inputs):
    """Pairs of the support set, padding included; None if there is a context."""
    return None if "context" in inputs else inputs["support_item_id"].shape[1]


def _specs(specs):
    return {
        name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
        for name, spec in sorted(specs.items())
    }


def _array(name, value):
    """An array by its shape, its sum and its first values."""
    if name == "context":
        value = value[:, _NUM_MARKS:]
    if name == "model_version":
        return {"shape": list(value.shape)}
    flat = value.ravel().tolist()
    if value.dtype.kind in "OS":
        first = [text.decode() for text in flat[:_NUM_FIRST]]
        return {"shape": list(value.shape), "first": first}
    total = float(value.sum(dtype="float64"))
    return {"shape": list(value.shape), "sum": total, "first": flat[:_NUM_FIRST]}


def report(config, run):
    """Rows of the tables of the report, by section; those on speed are left out."""
    cmml("report", "--config", config)
    page = (run / "report" / "index.html").read_text("utf-8")
    page = re.sub(r"<(style|script|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    found = {}
    for section in re.split(r"<h2\b", page)[1:]:
        title, *_ = re.findall(r">(.*?)</h2>", section, flags=re.DOTALL)
        rows = re.findall(r"<tr\b.*?</tr>", section, flags=re.DOTALL)
        if rows and title not in _UNSTABLE_SECTIONS:
            found[title] = [_row_text(row) for row in rows]
    return found


def _row_text(row):
    cells = re.findall(r"<t[dh]\b.*?</t[dh]>", row, flags=re.DOTALL)
    return " | ".join(html.unescape(re.sub(r"<.*?>", "", cell)) for cell in cells)


def insight(config, run):
    """How the contexts cluster."""
    cmml("insight", "--config", config)
    return _read(run / "insight" / "clustering.json")


def explain(config, run, folder):
    """The explanation of what is recommended to a task, line by line."""
    task = tasks_scored(run)[0]
    output = "--output", folder / "explain"
    text = cmml("explain", "--config", config, "--task", task, *output)
    return lines_of(text)[:-1]  # The last names the page.


def comparison(setting, config, runs):
    """The tables of a comparison, by method and column."""
    with mock.patch("pipeline.steps.compare.in_own_process", _unknown_cost):
        cmml(
            *("compare", "--config", config, "--seeds", 1),
            *("--split", "meta_test", "--methods", *METHODS[setting]),
        )
    tables = {}
    for path in sorted((runs / "compare" / "meta_test").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem] = {
                row.pop("method"): {
                    key: _number(text)
                    for key, text in row.items()
                    if not _UNSTABLE.search(key)
                }
                for row in csv.DictReader(file)
            }
    return tables


def _unknown_cost(*arguments):
    """In place of a process that measures costs, which depend on the machine."""
    from pipeline.judging.cost import Cost

    del arguments
    return Cost(float("nan"), float("nan"), float("nan"))


def ablation(config, folder):
    """The results of two variants, and the table for people."""
    grid = folder / "grid.yaml"
    grid.write_text(yaml.safe_dump(GRID), encoding="utf-8")
    cmml(
        *("ablate", "--config", config, "--grid", grid, "--seeds", 0),
        *("--set", "tensorboard.insight_every=0"),
    )
    (results,) = (folder / "runs").glob("*/ablations/tiny/*/results.json")
    return _stable(_read(results))


def lines_of(text):
    """Lines that say something: neither blank nor a rule of a table."""
    return [line for line in text.splitlines() if set(line) - set("|-: ")]


def _number(text):
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text.strip()


def _stable(value):
    """Leaves out what differs from one run to the next."""
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items() if not _UNSTABLE.search(k)}
    return value


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


# How two measurements are held against each other.


def rounded(value, digits):
    """Rounds every float to significant digits; what is not finite becomes text."""
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one, digits) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{digits}g}") if math.isfinite(value) else str(value)
    return value


def leaves(value, path=""):
    """Yields path, value and printed step of all that is neither dict nor list.

    Text comes as its words, then as the numbers in it; the step of such a number is
    one unit of its last digit, that of any other number is 0.
    """
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        yield f"{path}: length", len(value), 0.0
        for key, one in items:
            yield from leaves(one, f"{path} > {key}" if path else str(key))
    elif isinstance(value, str):
        yield path, _DECIMAL.sub("#", value), 0.0
        for place, text in enumerate(_DECIMAL.findall(value)):
            step = 10.0 ** -len(text.partition(".")[2])
            yield f"{path}: number {place}", float(text), step
    else:
        yield path, value, 0.0


def read_golden(path, parts):
    """Reads a measurement, and leaves out the parts that are not asked for."""
    left_out = set(PARTS) - set(parts)
    return {key: one for key, one in _read(path).items() if key not in left_out}


def compare(values, golden):
    """Holds two measurements against each other.

    Returns:
        What differs and is no pair of floats, as messages; and (gap, path, value,
        golden, step) of all floats that differ, the largest gap first.
    """
    mine, theirs = ({p: rest for p, *rest in leaves(one)} for one in (values, golden))
    messages = [f"{path}: is missing" for path in theirs if path not in mine]
    messages += [f"{path}: is new" for path in mine if path not in theirs]
    gaps = []
    for path in mine.keys() & theirs.keys():
        (value, step), (expected, _) = mine[path], theirs[path]
        if isinstance(value, float) and isinstance(expected, float):
            if value != expected:
                gap = abs(value - expected)
                gaps.append((gap, path, value, expected, step))
        elif value != expected:
            messages.append(f"{path}: {value!r}, golden {expected!r}")
    return sorted(messages), sorted(gaps, reverse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("setting", choices=SETTINGS)
    parser.add_argument("output", type=pathlib.Path, help="JSON file to be written")
    parser.add_argument(
        "--parts", nargs="*", choices=PARTS, default=PARTS, help="default: all"
    )
    parser.add_argument("--digits", type=int, default=6, help="default %(default)s")
    parser.add_argument(
        "--compare", type=pathlib.Path, help="JSON file to hold the values against"
    )
    arguments = parser.parse_args()
    sys.path.insert(0, os.getcwd())
    import pipeline

    print(f"measuring {pathlib.Path(pipeline.__file__).parent}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        values = measure(arguments.setting, pathlib.Path(folder), arguments.parts)
    values = rounded(values, arguments.digits)
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    if arguments.compare is None:
        return 0
    golden = read_golden(arguments.compare, arguments.parts)
    messages, gaps = compare(values, golden)
    for message in messages:
        print(message)
    for gap, path, value, expected, _ in gaps[:20]:
        print(f"{path}: {value}, golden {expected}, apart by {gap:.3g}")
    largest = gaps[0][0] if gaps else 0.0
    print(
        f"{len(gaps)} floats differ, at most by {largest:.3g}; {len(messages)} others"
    )
    return 1 if messages or gaps else 0


if __name__ == "__main__":
    sys.exit(main())
