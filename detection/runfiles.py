"""The files of an inference, for those who may see it: picture, confidence map, mask."""

from dataclasses import dataclass

from django.urls import reverse

from detection.models import ModelRun

ADDRESS = "admin:detection_modelrun_file"


@dataclass(frozen=True)
class File:
    """A kind of file: the column that names it, what it is called, what it is."""

    column: str
    words: str
    content_type: str = "application/fits"
    is_shown: bool = False


FILES = {
    "picture": File("picture_path", "picture", "image/png", is_shown=True),
    "confidence": File("confidence_map_path", "confidence map, FITS"),
    "mask": File("output_mask_path", "mask, FITS"),
}
COLUMNS = [file.column for file in FILES.values()]


def address_of(run: ModelRun, name: str) -> str:
    """Give the address of a file of ``run``; empty where there is none."""
    version = version_of(run, name)
    return reverse(ADDRESS, args=[run.pk, name, version]) if version else ""


def version_of(run: ModelRun, name: str) -> str:
    """Give the hash at the end of a file's stored name; empty without the file."""
    stored: str = getattr(run, FILES[name].column) or ""
    return stored.rpartition("/")[2]


def files_of(run: ModelRun) -> list[tuple[str, str]]:
    """List what the files are called and where they are."""
    found = ((file.words, address_of(run, name)) for name, file in FILES.items())
    return [(words, address) for words, address in found if address]


def download_name(run: ModelRun, name: str) -> str:
    """Give the name under which a file is saved."""
    frame = run.observation.observation_id if run.observation else run.pk
    return f"{frame}_{name}.fits"
