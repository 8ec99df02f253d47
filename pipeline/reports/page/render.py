"""Pages from templates: one HTML file each, which asks for nothing else."""

import functools
import pathlib

import jinja2

from pipeline.judging.interval_text import signed
from pipeline.reports.page.svg import inline_svg
from transforms.plural import plural

_TEMPLATES = pathlib.Path(__file__).parents[1] / "templates"


def render(template: str, **values: object) -> str:
    """Returns a page; text is escaped, and a name that the template lacks is an error.

    Args:
        template: Name of the template.
        **values: What it is filled with.
    """
    return environment().get_template(template).render(values)


@functools.cache
def environment() -> jinja2.Environment:
    """Returns what templates are loaded by and may use."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters |= {"inline_svg": inline_svg, "plural": plural, "signed": signed}
    return templates
