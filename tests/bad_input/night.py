"""A simulated night to which something bad is added, and what became of its frames."""

import io

import numpy as np
from astropy.io import fits
from django.core.files.storage import storages
from rich.progress import Progress

from astrid import pipeline
from astrid.core import store
from astrid.core.models import RunStatus
from astrid.inprocess import process
from catalog.models import JobStatus, ProcessingJob
from detection.models import Detection, ModelRun
from differencing.models import Candidate, DifferenceRun
from observations.models import Observation, ObservationStatus
from observations.services import ingest_directory
from preprocessing.models import PreprocessRun

REFERENCE, GOOD, BAD = "field01_ref", "field01_sci1", "field01_sci9"
SIZE = 256
PIXEL_DEG = 0.4 / 3600


class Night:
    """A folder of frames, and what became of them."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return self.folder / f"{name}.fits"

    def content(self, name=GOOD):
        return self.path(name).read_bytes()

    def add(self, content, name=BAD):
        self.path(name).write_bytes(content)

    def add_like(self, change, source=GOOD):
        """Add a frame whose pixels and header ``change`` makes of those of another."""
        with fits.open(self.path(source)) as units:
            pixels, header = units[0].data.astype("f4"), units[0].header.copy()
        pixels = change(pixels, header)
        unit = fits.PrimaryHDU(pixels, header)
        stream = io.BytesIO()
        unit.writeto(stream, checksum=True)
        self.add(stream.getvalue())

    def run(self):
        """Take the folder in and work everything off; give the report."""
        self.ingestion = ingest_directory(self.folder)
        return work_off()


def work_off():
    with Progress(disable=True) as bars:
        return process(bars)


def observation(name=BAD):
    return Observation.objects.get(observation_id=name)


def refused(night, name=BAD):
    """The sentence with which a file was refused; it left no row and no copy."""
    assert night.ingestion.refused == 1
    (refusal,) = night.ingestion.refusals
    assert refusal["file"] == f"{name}.fits"
    assert not Observation.objects.filter(observation_id=name).exists()
    copy = store.name_of(store.digest(night.content(name)))
    assert not storages["products"].exists(copy)
    return said(refusal["reason"])


def failed(runs, name=BAD):
    """The sentence of a frame's failed run of this kind, the same wherever it stands.

    Nothing of the run is to be seen: no product, no candidate, no later run.
    """
    run = runs.objects.get(observation__observation_id=name)
    job = ProcessingJob.objects.get(run_id=run.pk)
    assert (run.status, job.status) == (RunStatus.FAILED, JobStatus.FAILED)
    assert job.error_message == run.error_message
    assert has_no_product(run)
    if runs is not ModelRun:
        assert run.observation.status == ObservationStatus.FAILED
        assert run.observation.status_reason == run.error_message
    return said(run.error_message)


def has_no_product(run):
    if isinstance(run, PreprocessRun):
        later = DifferenceRun.objects.filter(observation=run.observation)
        return run.processed_fits_path is None and not later.exists()
    if isinstance(run, DifferenceRun):
        paths = (run.difference_image_path, run.significance_map_path)
        rows = Candidate.objects.filter(difference_run=run)
        later = ModelRun.objects.filter(difference_run=run)
        return paths == (None, None) and not rows.exists() and not later.exists()
    scored = Candidate.objects.filter(difference_run=run.difference_run, network_score__gte=0)
    rows = Detection.objects.filter(model_run=run)
    return run.confidence_map_path is None and not rows.exists() and not scored.exists()


def said(sentence):
    """Check that it is one line for people, and give it."""
    assert sentence == " ".join(sentence.split())
    assert 20 < len(sentence) < 400
    assert not sentence.startswith(("Traceback", "<"))
    return sentence


def went_through(name=GOOD):
    """Whether a frame went all the way: difference, candidates, network.

    Each candidate has a score, or the reason why the network could not give one.
    """
    frame = observation(name)
    run = DifferenceRun.objects.get(observation=frame)
    scoring = ModelRun.objects.get(difference_run=run)
    scored = run.candidates.filter(network_score__isnull=False)
    return (
        frame.status == ObservationStatus.DIFFERENCED
        and run.status == scoring.status == RunStatus.COMPLETED
        and run.candidates_found == run.candidates.count() > 0
        and scoring.total_predictions == scored.count()
        and all(run.candidates.difference(scored).values_list("unscored_reason", flat=True))
    )


def ingested_with_another(night):
    """The night and a second good frame, taken in but not processed."""

    def brighter(pixels, header):
        return pixels + np.float32(1)

    night.add_like(brighter)
    night.ingestion = ingest_directory(night.folder)


def through_preprocessing():
    """Work off the first stage alone."""
    through(PreprocessRun)


def through(runs):
    """Work off the stage whose runs these are, alone; twice, as frames may wait for others."""
    step = next(step for step in pipeline.STEPS if step.run is runs)
    for _ in range(2):
        for job in list(pipeline.open_due(step, limit=100)):
            pipeline.work_off(job.pk)
