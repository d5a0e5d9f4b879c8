"""Parts of addresses that are more than words."""

from datetime import date

from observations.nights import Night


class NightConverter:
    """An observing night, by the date of its evening."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> Night:
        """Read the date; one that no calendar has is no address."""
        return Night.named(date.fromisoformat(value))

    def to_url(self, value: Night) -> str:
        """Write the date."""
        return str(value)
