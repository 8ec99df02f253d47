"""Why a row is refused: the reason codes, and the error that carries one."""

MISSING_FIELD = "missing_field"
NOT_A_NUMBER = "not_a_number"
NOT_A_TIME = "not_a_time"
LABEL_OUT_OF_RANGE = "label_out_of_range"
DUPLICATE_PAIR = "duplicate_pair"
ENCODING = "encoding"
MALFORMED = "malformed"
CONFLICTING_ENTITY = "conflicting_entity"

# What each code means, for people who read `anomalies.pbtxt`.
REASONS = {
    MISSING_FIELD: "a field that must be there is absent or empty",
    NOT_A_NUMBER: "the label is not a finite number",
    NOT_A_TIME: "the time is neither a number nor a date",
    LABEL_OUT_OF_RANGE: "the label is outside the range of the data set",
    DUPLICATE_PAIR: "an earlier row has the same user and item",
    ENCODING: "the bytes are not text in the stated encoding",
    MALFORMED: "the row cannot be cut into fields",
    CONFLICTING_ENTITY: "an earlier row says something else of the same id",
}


class RowError(ValueError):
    """A row that breaks its format. Any other exception is a bug and stops the job.

    Attributes:
        reason: One of `REASONS`.
        detail: What was expected and what came.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # Both, so that the error can be pickled.
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class UnwantedRowError(Exception):
    """A legal row that the configuration does not want.

    Attributes:
        reason: Why, as `num_dropped` counts it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
