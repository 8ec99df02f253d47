from pipeline.reports.page.elements import (
    bullet_list,
    captioned,
    commands,
    folded,
    sortable,
    verdict_list,
)
from pipeline.reports.page.result_table import Column, ResultTable


def test_text_is_escaped():
    assert verdict_list(["a < b"]) == '<ul class="verdict">\n<li>a &lt; b</li>\n</ul>'
    assert bullet_list(["a < b", "c"]) == "<ul>\n<li>a &lt; b</li><li>c</li>\n</ul>"
    assert bullet_list([]) == ""
    assert commands(["a <b", "c"]) == "<pre><code>a &lt;b\nc</code></pre>"


def test_a_figure_stands_above_its_caption():
    assert captioned("<?xml?><svg/>", "n", "a & b") == (
        '<figure>\n<svg role="img" aria-label="n"/>\n'
        "<figcaption>a &amp; b</figcaption>\n</figure>"
    )


def test_what_is_folded_has_a_title():
    assert folded("a < b", "<p>c</p>") == (
        "<details>\n<summary>a &lt; b</summary>\n<p>c</p>\n</details>"
    )


def test_a_table_scrolls_by_itself():
    table = ResultTable("t", "T", "", [Column("a", "a")], [{"a": 1}])
    assert sortable(table) == f'<div class="wide">{table.to_html()}</div>'
