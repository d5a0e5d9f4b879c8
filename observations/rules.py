"""The rule file of a survey's frames: which are references, which are science, what differs.

The format is described in ``docs/ingestion.md``; this module reads it strictly, so that a
misspelt key is an error and not a value that is silently ignored.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

from astrid.core.errors import BadParameters
from observations.fits import ReadOptions
from observations.fits_header import KEYWORDS, FrameDefaults
from observations.rule_entries import DifferenceRule, FrameRule
from observations.rule_values import Table

__all__ = ["DifferenceRule", "FrameRule", "IngestRules", "best_shipped", "find_rules", "fits_files"]

RULES_FILE = "astrid.toml"
SHIPPED = Path(__file__).parent / "ingest_rules"
FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.fz", ".fits.gz", ".fit.gz")


@dataclass(frozen=True)
class IngestRules:
    """How the frames of a directory are to be read and compared.

    Attributes
    ----------
    survey : str
    description : str
    frames : tuple of FrameRule
        The first that matches counts; files that match none are left out. When there is no
        rule at all, roles come from the headers or the dates (see `observations.roles`).
    differences : tuple of DifferenceRule
        When empty: every science frame against the references of its filter and pointing.
    defaults : FrameDefaults
        For what headers leave out.
    keywords : dict
        Keyword to read first, per quantity.
    hdu : int, optional
    verify_checksums : bool
    raw : bool, optional
        Whether lights still need bias, dark and flat. Where it is not said they do when the
        survey has such frames, and their header does not say that they were applied.
    star_catalog : str
        File of stars that calibrate the frames, below the directory or by its full path.
    source : str
        Where the rules come from, for messages.
    """

    survey: str
    description: str = ""
    frames: tuple[FrameRule, ...] = ()
    differences: tuple[DifferenceRule, ...] = ()
    defaults: FrameDefaults = field(default_factory=FrameDefaults)
    keywords: dict[str, str] = field(default_factory=dict)
    hdu: int | None = None
    verify_checksums: bool = True
    raw: bool | None = None
    star_catalog: str = ""
    source: str = "(default rules)"

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read a rule file.

        Raises
        ------
        BadParameters
            When the file is missing, no TOML, or holds a key or value that is not allowed.
        """
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadParameters(f"rule file {path.name} cannot be read: {error}") from error
        return cls.from_dict(content, source=path.name)

    @classmethod
    def from_dict(cls, content: dict[str, Any], *, source: str = "(rules)") -> Self:
        """Read rules from the content of a rule file or from `as_dict`."""
        table = Table(source, "", content)
        table.only(*KEYS)
        rules = cls(
            survey=table.text("survey"),
            description=table.text("description", ""),
            frames=tuple(FrameRule.read(each) for each in table.tables("frames")),
            differences=tuple(DifferenceRule.read(each) for each in table.tables("differences")),
            defaults=_defaults(table.inner("defaults")),
            keywords=_keywords(table.inner("keywords")),
            hdu=table.count("hdu"),
            verify_checksums=table.flag("verify_checksums", True),
            raw=table.flag("raw", False) if "raw" in table.values else None,
            star_catalog=table.text("star_catalog", ""),
            source=source,
        )
        rules.check_epochs(table)
        return rules

    def check_epochs(self, table: Table) -> None:
        """Refuse a difference between epochs that no frame belongs to."""
        epochs = sorted({rule.epoch for rule in self.frames})
        for number, difference in enumerate(self.differences, 1):
            for key, epoch in (
                ("science", difference.science),
                ("reference", difference.reference),
            ):
                if epoch not in epochs:
                    allowed = f"one of {', '.join(epochs)}" if epochs else "used with [[frames]]"
                    raise table.refuse(f"differences[{number}].{key}", epoch, allowed)

    def as_dict(self) -> dict[str, Any]:
        """Give the rules as plain JSON values; `from_dict` reads them again."""
        defaults = vars(self.defaults).copy()
        defaults["filter"] = defaults.pop("filter_band")
        made: dict[str, Any] = {
            "survey": self.survey,
            "description": self.description,
            "verify_checksums": self.verify_checksums,
            "defaults": {key: value for key, value in defaults.items() if value is not None},
            "keywords": self.keywords.copy(),
            "frames": [rule.as_dict() for rule in self.frames],
            "differences": [vars(rule).copy() for rule in self.differences],
        }
        if self.star_catalog:
            made["star_catalog"] = self.star_catalog
        said = {"hdu": self.hdu, "raw": self.raw}
        return made | {key: value for key, value in said.items() if value is not None}

    def match(self, file_name: str) -> FrameRule | None:
        """Rule of a file, by its name without folders; None when it matches none."""
        return next((rule for rule in self.frames if fnmatchcase(file_name, rule.pattern)), None)

    def includes(self, file_name: str) -> bool:
        """Whether a file is to be ingested: it matches a pattern, or there are none."""
        return not self.frames or self.match(file_name) is not None

    def read_options(self, file_name: str) -> ReadOptions:
        """Say what `read_frame` needs to know about a file."""
        rule = self.match(file_name)
        return ReadOptions(
            defaults=self.defaults,
            hdu=self.hdu,
            verify_checksums=self.verify_checksums,
            observed_at=rule.observed_at if rule else None,
            keywords=self.keywords,
        )


KEYS = (
    "survey",
    "description",
    "hdu",
    "verify_checksums",
    "raw",
    "defaults",
    "keywords",
    "star_catalog",
    "frames",
    "differences",
)
DEFAULT_KEYS = ("gain", "read_noise", "saturation", "exposure_s")


def _defaults(table: Table) -> FrameDefaults:
    table.only(*DEFAULT_KEYS, "filter", "instrument")
    numbers = {key: table.number(key, allow_zero=key == "read_noise") for key in DEFAULT_KEYS}
    words = {key: table.text(key, "") or None for key in ("filter", "instrument")}
    return FrameDefaults(**numbers, filter_band=words["filter"], instrument=words["instrument"])


def _keywords(table: Table) -> dict[str, str]:
    table.only(*KEYWORDS)
    return {key: table.text(key) for key in table.values}


def fits_files(directory: Path) -> list[Path]:
    """Files below ``directory`` whose names end like FITS files, in the order of their paths."""
    return sorted(
        path
        for path in directory.rglob("*")
        if path.name.lower().endswith(FITS_SUFFIXES) and path.is_file()
    )


def find_rules(directory: Path, explicit: Path | None = None) -> IngestRules:
    """Choose the rules for the frames of a directory.

    In this order: the file that is named, ``astrid.toml`` in the directory, the shipped rule
    file whose patterns match most of the file names, the default rules.

    Raises
    ------
    BadParameters
        When the rule file that was found cannot be used.
    """
    if explicit is not None:
        return IngestRules.from_toml(explicit)
    own = directory / RULES_FILE
    if own.is_file():
        return IngestRules.from_toml(own)
    shipped = best_shipped(path.name for path in fits_files(directory))
    return shipped or IngestRules(directory.resolve().name or "root")


def best_shipped(file_names: Iterable[str]) -> IngestRules | None:
    """Shipped rules that match most of ``file_names``; None when none matches any."""
    names = list(file_names)
    counted = [
        (sum(rules.match(name) is not None for name in names), rules)
        for rules in map(IngestRules.from_toml, sorted(SHIPPED.glob("*.toml")))
    ]
    count, best = max(counted, key=lambda entry: entry[0], default=(0, None))
    return best if count else None
