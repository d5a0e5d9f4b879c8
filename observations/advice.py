"""What to do about a file that leaves something unsaid, in the words of who reads it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from astrid.core.errors import BadImage, Unstated

Advice = Mapping[str, str]

CORRUPT = "the file is corrupt, fetch it again, or"
RULE_FILE: Advice = {
    "gain": "state gain (electrons per ADU) under [defaults] in the rule file",
    "read_noise": "state read_noise (electrons) under [defaults] in the rule file",
    "saturation": "state saturation (ADU) under [defaults] in the rule file",
    "exposure_s": "state exposure_s (seconds) under [defaults] in the rule file",
    "filter": "state filter (the band's name) under [defaults] in the rule file",
    "hdu": "state which one to read as hdu in the rule file; of several CCDs, by a rule file and a "
    "survey for each",
    "observed_at": "state observed_at for these frames in the rule file",
    "checksums": f"{CORRUPT} set verify_checksums = false in the rule file if the frames were "
    "edited without renewing it",
}
COMMAND_LINE: Advice = {
    "gain": "give --gain (electrons per ADU)",
    "read_noise": "give --read-noise (electrons)",
    "saturation": "give --saturation (ADU)",
    "exposure_s": "give --exposure (seconds)",
    "filter": "give --filter (the band's name)",
    "hdu": "choose an image with --hdu",
    "observed_at": "give --date-obs (YYYY-MM-DDThh:mm:ss, UTC)",
    "checksums": f"{CORRUPT} give --ignore-checksums if it was edited without renewing it",
}
# Of a folder with frames of several kinds, what differs from frame to frame is its header's to say.
FOLDER: Advice = {
    **COMMAND_LINE,
    "exposure_s": "write EXPTIME (seconds) into its header",
    "filter": "write FILTER (the band's name) into its header",
    "observed_at": "write DATE-OBS (YYYY-MM-DDThh:mm:ss, UTC) into its header",
}


@contextmanager
def advising(advice: Advice) -> Iterator[None]:
    """Say with everything that is unstated how the reader of the file can state it."""
    try:
        yield
    except Unstated as error:
        raise BadImage(f"{error}; {advice[error.topic]}.") from error
