"""Masters in the database: found, chosen, read, shown, and put out of use."""

import numpy as np

from astrid.core import store
from astrid.core.errors import BadImage, InvalidTransition
from preprocessing.models import CalibrationFrame, CalibrationKind
from preprocessing.parameters import PreprocessParameters
from preprocessing.pictures import drawn, grey_of_range, png
from preprocessing.raw.building import masters_from
from preprocessing.raw.library import Candidate, Choice, Conditions, Setup, choose
from preprocessing.raw.master_files import bad_pixels_from_fits, master_from_fits
from preprocessing.raw.masters import Master
from preprocessing.raw.reduction import Masters


def candidates(conditions: Conditions) -> list[Candidate]:
    """Give the active masters of a setup; their key is the name of their file."""
    setup = conditions.setup
    rows = CalibrationFrame.objects.filter(
        is_active=True,
        instrument=setup.instrument,
        image_height=setup.shape[0],
        image_width=setup.shape[1],
        binning_x=setup.binning[0],
        binning_y=setup.binning[1],
    )
    return [_candidate(row) for row in rows.order_by("id")]


def _candidate(row: CalibrationFrame) -> Candidate:
    conditions = Conditions(
        setup=Setup(
            row.instrument, (row.image_height, row.image_width), (row.binning_x, row.binning_y)
        ),
        filter_band=row.filter_band,
        exposure_s=row.exposure_time or 0.0,
        temperature_c=row.temperature,
        observed_at=row.observed_at,
    )
    return Candidate(
        row.file_path, row.kind, conditions, row.valid_from, row.valid_to, row.holds_bias
    )


def choose_masters(
    conditions: Conditions, parameters: PreprocessParameters, *, needs_flat: bool = True
) -> Choice:
    """Choose the masters of a frame among those that are active."""
    return choose(conditions, candidates(conditions), parameters, needs_flat=needs_flat)


def load(choice: Choice) -> Masters:
    """Read the masters of a choice from the store."""
    return load_files({name: each.key for name, each in choice.chosen.items()})


def load_files(paths: dict[str, str]) -> Masters:
    """Read masters by what they are used as: ``bias``, ``dark``, ``flat``, ``bad_pixels``.

    Raises
    ------
    BadImage
        If a stored file is no master.
    """
    try:
        found = {
            name: master_from_fits(store.get(path))
            for name, path in paths.items()
            if name != "bad_pixels"
        }
        bad = paths.get("bad_pixels")
        return masters_from(
            found.get("bias"),
            found.get("dark"),
            found.get("flat"),
            bad_pixels_from_fits(store.get(bad)) if bad else None,
        )
    except ValueError as error:
        raise BadImage(f"a stored master cannot be read ({error}); retire it") from error


def load_master(candidate: Candidate) -> Master:
    """Read one master."""
    return master_from_fits(store.get(candidate.key))


def retire(frame: CalibrationFrame) -> None:
    """Use a master no more; what was calibrated with it stays."""
    _set_active(frame, is_active=False)


def reactivate(frame: CalibrationFrame) -> None:
    """Use a master again."""
    _set_active(frame, is_active=True)


def _set_active(frame: CalibrationFrame, *, is_active: bool) -> None:
    if frame.is_active == is_active:
        state = "in use" if is_active else "retired"
        raise InvalidTransition(f"{frame} is {state} already")
    frame.is_active = is_active
    frame.save(update_fields=["is_active", "updated_at"])


def picture(frame: CalibrationFrame) -> bytes:
    """Give a master as a PNG; of a mask, bad pixels in colour.

    Raises
    ------
    BadImage
        If the stored file is no master.
    """
    content = store.get(frame.file_path)
    try:
        if frame.kind == CalibrationKind.BAD_PIXEL_MASK:
            bad = bad_pixels_from_fits(content)
            return png(drawn(np.where(bad, np.uint8(255), np.uint8(0)), marked=bad))
        return png(drawn(grey_of_range(master_from_fits(content).pixels)))
    except ValueError as error:
        raise BadImage(f"{frame} cannot be shown: {error}") from error
