import dataclasses

from pipeline.reports.comparison.report import write_report


def test_every_table_and_figure_gets_a_file(tmp_path, setup, results, curves):
    printed = write_report(tmp_path / "new", setup, results, curves, "ridge")
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
    report = (tmp_path / "new" / "report.md").read_text(encoding="utf-8")
    assert report.startswith(printed.partition("\n| ")[0])
    assert "| peak, MB" in report


def test_what_is_printed_fits_a_terminal_and_says_where_the_rest_is(
    tmp_path, setup, results
):
    results[0] = dataclasses.replace(results[0], name="matrix_factorisation")
    printed = write_report(tmp_path, setup, results, [], "ridge")
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    assert max(map(len, rows)) <= 100
    titles = [title.strip() for title in rows[0].split("|")[1:-1]]
    assert titles == ["method", "mae", "mae less cmml", "Holm p, cmml"]
    assert printed.endswith(
        f"\nAll columns and tables: {tmp_path / 'report.md'} and index.html.\n"
    )


def test_the_report_starts_with_the_verdict(tmp_path, setup, results):
    write_report(tmp_path, setup, results, [], "ridge")
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    title, sentences, heading, *_ = report.split("\n\n")
    assert title == "# Comparison tiny on meta_test"
    assert sentences.startswith("- Of 4 methods, cmml has the lowest mae on cold")
    assert heading == "## All methods on cold"
    assert not (tmp_path / "cost_by_steps.svg").exists()
