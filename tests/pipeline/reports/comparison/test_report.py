from pipeline.reports.comparison.report import write_report


def test_every_table_and_figure_gets_a_file(tmp_path, setup, results, curves):
    report = write_report(tmp_path / "new", setup, results, curves, "ridge")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "cost_by_steps.svg",
        "few_shot.csv",
        "few_shot.svg",
        "groups.csv",
        "index.html",
        "main.csv",
        "quality_by_cost.svg",
        "report.md",
        "wins.csv",
    ]
    assert (tmp_path / "new" / "report.md").read_text(encoding="utf-8") == report


def test_the_report_starts_with_the_verdict(tmp_path, setup, results):
    report = write_report(tmp_path, setup, results, [], "ridge")
    title, sentences, heading, *_ = report.split("\n\n")
    assert title == "# Comparison tiny on meta_test"
    assert sentences.startswith("- Of 4 methods, cmml has the lowest mae on cold")
    assert heading == "## All methods on cold"
    assert not (tmp_path / "cost_by_steps.svg").exists()
