import json
import pathlib

from page_reader import read

from pipeline.cli import USAGE_ERROR


def test_insight_maps_the_contexts_of_a_run(experiment, cmml, tmp_path):
    groups = tmp_path / "groups.yaml"
    groups.write_text("funny: [comedy]\nsad: [drama, horror]\n", encoding="utf-8")
    done = cmml(
        *("insight", "--config", experiment.config_path),
        *("--groups", groups, "--output", tmp_path / "out"),
    )
    assert done.status == 0, done.stderr
    page = pathlib.Path(done.stdout.strip())
    assert page == tmp_path / "out" / "index.html"
    figures = json.loads((tmp_path / "out" / "clustering.json").read_text())
    assert figures["num_contexts"] == 60
    assert {"gender", "taste", "split", "group"} <= set(figures["kinds"])
    text = page.read_text(encoding="utf-8")
    assert "://" not in text
    reader = read(text)
    maps = list((tmp_path / "out").glob("map_*.svg"))
    assert reader.tags.count("svg") == len(maps) >= 6
    projector = experiment.run_dir / "logs" / "projector"
    assert len((projector / "metadata.tsv").read_text().splitlines()) == 61


def test_scenarios_are_mapped_by_their_names(
    scenario_experiment, scenario_tables, cmml, tmp_path
):
    done = cmml(
        *("insight", "--config", scenario_experiment.config_path),
        *("--split", "meta_train", "--max_tasks", 20, "--output", tmp_path),
        data_dir=scenario_tables,
    )
    assert done.status == 0, done.stderr
    figures = json.loads((tmp_path / "clustering.json").read_text())
    assert (figures["num_contexts"], list(figures["kinds"])) == (20, ["scenario"])


def test_a_map_of_one_context_is_refused(cmml):
    done = cmml("insight", "--config", "c", "--max_tasks", "1")
    assert done.status == USAGE_ERROR
    assert "--max_tasks must be at least 2, got 1" in done.stderr
