from matplotlib.figure import Figure

from pipeline.reports.page.svg import inline_svg, styled, to_svg


def drawn():
    with styled("name"):
        figure = Figure(figsize=(2.0, 1.0))
        figure.add_subplot().plot([1.0, 2.0], label="a & b")
        figure.axes[0].set_title("a & b")
        return to_svg(figure)


def test_the_same_figure_makes_the_same_bytes():
    assert drawn() == drawn()
    assert "<dc:date>" not in drawn()


def test_ink_is_the_colour_of_the_page_and_text_is_text():
    svg = drawn()
    assert "currentColor" in svg
    assert "#1a2b3c" not in svg
    assert ">a &amp; b</text>" in svg


def test_an_svg_gets_ids_of_its_own_where_they_are_referred_to():
    svg = (
        '<?xml version="1.0"?><svg xmlns:xlink="http://x" xmlns="http://y">'
        '<g id="a" style="clip-path: url(#a)"/><use xlink:href="#a"/>'
        '<g id="b"/></svg>'
    )
    assert inline_svg(svg, "n") == (
        '<svg role="img" aria-label="n">'
        '<g id="n-a" style="clip-path: url(#n-a)"/><use xlink:href="#n-a"/><g/></svg>'
    )
