"""The certificate of a night: every candidate accounted for, or a loud word that one is not."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.urls import reverse

from astrid.core.models import RunStatus
from curation import fates
from curation.fates import GROUP_OF, Group
from differencing.extraction.extract import LEFT_OUT
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationStatus
from observations.nights import Night

_ENDED = (ObservationStatus.DIFFERENCED, ObservationStatus.FAILED, ObservationStatus.ARCHIVED)


@dataclass(frozen=True)
class Part:
    """One group of fates: its lines and their sum."""

    group: Group
    lines: list[fates.Count]

    @property
    def number(self) -> int:
        """Candidates in it."""
        return sum(line.number for line in self.lines)


@dataclass(frozen=True)
class Mismatch:
    """A difference whose run tells of another number of candidates than there are rows."""

    run: DifferenceRun
    told: int
    there: int


@dataclass(frozen=True)
class Rule:
    """A rule of the extraction, and how many sources it left out.

    Differences made before it was counted are ``uncounted``.
    """

    words: str
    uncounted: int
    left_out: int


@dataclass(frozen=True)
class Certificate:
    """What came of a night."""

    night: Night
    frames: list[Observation]
    parts: list[Part]
    runs: list[DifferenceRun]
    rows: dict[UUID, int]  # candidates that are there, by the run that found them

    @cached_property
    def accounted(self) -> int:
        """Candidates that have a fate."""
        return sum(part.number for part in self.parts if part.group != Group.UNACCOUNTED)

    @property
    def shares(self) -> list[tuple[Part, int]]:
        """Every part, with how many candidates the parts before it hold."""
        ends = accumulate((part.number for part in self.parts), initial=0)
        return list(zip(self.parts, ends, strict=False))

    @cached_property
    def candidates(self) -> int:
        """Candidates that the runs of the night told of when they ended."""
        return sum(_told(run) for run in self.runs)

    @cached_property
    def mismatches(self) -> list[Mismatch]:
        """Runs that told of more or of fewer candidates than there are now."""
        counted = [(run, _told(run), self.rows.get(run.pk, 0)) for run in self.runs]
        return [Mismatch(run, told, there) for run, told, there in counted if told != there]

    @property
    def is_sound(self) -> bool:
        """Whether every candidate that was found is accounted for."""
        return self.accounted == self.candidates and not self.mismatches

    @property
    def is_closed(self) -> bool:
        """Whether nothing of the night is under way or waits for anybody."""
        open_fates = {*fates.GROUPS[Group.WAITING], fates.Fate.NOT_YET_SCORED}
        still = any(line.fate in open_fates for part in self.parts for line in part.lines)
        return self.is_sound and not still and not self.under_way

    @property
    def failed(self) -> list[Observation]:
        """Frames that failed; each has its reason."""
        return [frame for frame in self.frames if frame.status == ObservationStatus.FAILED]

    @property
    def failed_runs(self) -> list[DifferenceRun]:
        """Differences that failed; each has its reason."""
        return [run for run in self.runs if run.status == RunStatus.FAILED]

    @property
    def under_way(self) -> list[Observation]:
        """Frames that are to be searched and are not done."""
        return [each for each in self.frames if each.is_searched and each.status not in _ENDED]

    @property
    def done(self) -> list[DifferenceRun]:
        """The differences that were made."""
        return [run for run in self.runs if run.status == RunStatus.COMPLETED]

    @property
    def thresholds(self) -> list[tuple[str, int]]:
        """From which significance on something was found, and in how many differences."""
        return sorted(Counter(_threshold(run) for run in self.done).items())

    @property
    def rules(self) -> list[Rule]:
        """By which rules what was found became no candidate, and how often."""
        counted = [run.figures["left_out"] for run in self.done if "left_out" in run.figures]
        return [
            Rule(words, len(self.done) - len(counted), sum(each[name] for each in counted))
            for name, words in LEFT_OUT.items()
        ]

    @property
    def csv_url(self) -> str:
        """Where all its candidates are, as CSV."""
        return reverse("curation:night-csv", args=[self.night])

    @property
    def json_url(self) -> str:
        """Where it is as JSON."""
        return reverse("curation:night-json", args=[self.night])

    def as_json(self) -> dict[str, Any]:
        """Give it without its candidates."""
        return {
            "night": str(self.night),
            "frames": [_frame_as_json(frame) for frame in self.frames],
            "candidates": self.candidates,
            "accounted": self.accounted,
            "is_sound": self.is_sound,
            "is_closed": self.is_closed,
            "fates": [_line_as_json(line) for part in self.parts for line in part.lines],
            "failed_differences": [
                {"frame": str(run), "reason": run.error_message} for run in self.failed_runs
            ],
        }


def certificate_of(night: Night) -> Certificate:
    """Account for the candidates of a night; four queries however many there are."""
    frames = list(night.frames.order_by("observation_time", "id"))
    keys = [frame.pk for frame in frames]
    runs = _runs_of(keys)
    return Certificate(night, frames, parts_of(keys), runs, _rows_of(runs))


def parts_of(frames: list[UUID]) -> list[Part]:
    """Give the groups of fates that occur in frames, in their order."""
    lines: dict[Group, list[fates.Count]] = {group: [] for group in Group}
    for line in fates.counts(frames):
        lines[GROUP_OF[line.fate]].append(line)
    order = list(fates.Fate)
    return [
        Part(group, sorted(found, key=lambda line: (order.index(line.fate), -line.number)))
        for group, found in lines.items()
        if found
    ]


def _runs_of(frames: list[UUID]) -> list[DifferenceRun]:
    related = ("observation", "reference_observation", "reference_image")
    runs = DifferenceRun.objects.filter(observation__in=frames).select_related(*related)
    return list(runs.defer("provenance", "choice", "pictures", "parameters").order_by("id"))


def _rows_of(runs: list[DifferenceRun]) -> dict[UUID, int]:
    rows = Candidate.objects.filter(difference_run__in=runs).order_by()
    return dict(rows.values_list("difference_run").annotate(number=Count("pk")))


def _told(run: DifferenceRun) -> int:
    return run.candidates_found if run.status == RunStatus.COMPLETED else 0


def _threshold(run: DifferenceRun) -> str:
    least = "unknown" if run.detection_threshold is None else f"{run.detection_threshold:g} sigma"
    return f"|S_corr| of at least {least} ({run.algorithm})"


def _frame_as_json(frame: Observation) -> dict[str, Any]:
    return {
        "frame": frame.observation_id,
        "band": frame.filter_band,
        "time": frame.observation_time.isoformat(),
        "status": frame.status,
        "reason": frame.status_reason,
    }


def _line_as_json(line: fates.Count) -> dict[str, Any]:
    return {
        "fate": str(line.fate),
        "group": str(GROUP_OF[line.fate]),
        "words": str(line.fate.label),
        "why": line.why,
        "number": line.number,
    }
