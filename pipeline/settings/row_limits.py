"""What the rows and ids of raw tables may be like, whatever the setting."""

import pydantic

from pipeline.experiment.config_section import Section


class RowLimits(Section):
    """How many rows may be refused or find no match, and which ids are one.

    Attributes:
        max_rejected_fraction: Above this share of refused rows of any table, `prepare`
            fails, and above this share of rows whose id differs in form only from that
            of another table.
        max_unmatched_fraction: Above this share of rows whose id is not in the table
            that says more of it, `prepare` fails.
        normalize_ids: Whether ids that differ only in spaces, signs that cannot be
            seen, case, zeros in front or a fraction of zero ("007", "7.0" and "7") are
            one.
    """

    max_rejected_fraction: float = pydantic.Field(0.01, ge=0.0, le=1.0)
    max_unmatched_fraction: float = pydantic.Field(0.3, ge=0.0, le=1.0)
    normalize_ids: bool = False
