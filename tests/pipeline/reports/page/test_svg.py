import io

from matplotlib.figure import Figure

from pipeline.reports.page.svg import inline_svg, lay_out, styled, to_svg


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


def new_figure(layout):
    """A figure with all that takes room beside its axes."""
    figure = Figure(layout=layout)
    for number, axes in enumerate(figure.subplots(1, 2)):
        image = axes.imshow([[0, 1], [2, 3]])
        axes.set(title=f"Title {number}", xlabel="x", ylabel="y")
        axes.set_yticks([0, 1], ["a long name", "another"])
        figure.colorbar(image)
    return figure


def picture(figure):
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={})
    lines = file.getvalue().split(b"\n")
    return [line for line in lines if b"dc:date" not in line]


def test_a_figure_is_laid_out_as_it_would_be_when_it_is_saved():
    with styled("layout"):
        first, again, without = map(new_figure, ["constrained", "constrained", None])
        lay_out(again)
        assert again.get_layout_engine() is None
        assert picture(first) == picture(again)
        assert picture(first) != picture(without)


def test_a_figure_without_an_engine_stays_as_it_is():
    figure = new_figure(None)
    canvas = figure.canvas
    lay_out(figure)
    assert figure.canvas is canvas
