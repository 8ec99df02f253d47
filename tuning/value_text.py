"""How values of keys are written for people, and distinguished."""

import json
from typing import Any


def value_text(value: Any) -> str:
    """Writes a value as YAML would have it on one line, text without quotes."""
    return value if isinstance(value, str) else json.dumps(value)
