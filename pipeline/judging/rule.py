"""One thing that a model must do, and what came of it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule and what came of it.

    Attributes:
        name: Of the rule.
        passed: Whether it holds; None if it could not be checked, and decides nothing.
        value: What was measured; None if nothing could be.
        limit: A number that it is compared with, or in words what it must be.
        detail: For people, what `value` is made of or why it is not enough.
    """

    name: str
    passed: bool | None
    value: float | str | None
    limit: float | str | None
    detail: str
