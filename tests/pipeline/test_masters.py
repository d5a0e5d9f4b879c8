"""Raw frames of a camera through ingestion, masters and lights; a second survey left alone."""

from datetime import timedelta

import numpy as np
import pytest
from astropy.io import fits
from django.urls import reverse

from astrid import pipeline
from astrid.core import store
from astrid.core.models import RunStatus
from astrid.inprocess import process
from catalog.models import JobStatus, JobType, ProcessingJob
from observations import services as ingestion
from observations.models import CalibrationExposure, Observation, ObservationStatus
from preprocessing import services
from preprocessing.models import CalibrationFrame, CalibrationRun, PreprocessRun
from preprocessing.raw import calibration, master_store
from preprocessing.raw.master_files import bad_pixels_from_fits, master_from_fits
from tests.factories import make_survey, make_user
from tests.preprocessing.raw_frames import raw_bytes, section
from tests.preprocessing.synthetic import add_star, tan_wcs

pytestmark = pytest.mark.django_db

SIDE, OVERSCAN = 192, 12
GAIN, NOISE_E, BIAS, RATE, SKY, SECONDS = 1.6, 6.0, 800.0, 0.3, 250.0, 100.0
DETECTOR = {"GAIN": GAIN, "RDNOISE": NOISE_E, "SATURATE": 60_000.0}
GEOMETRY = {
    "BIASSEC": section(0, OVERSCAN, 0, SIDE),
    "TRIMSEC": section(OVERSCAN, OVERSCAN + SIDE, 0, SIDE),
}


def sensitivity():
    x = np.linspace(-1, 1, SIDE)
    return 1 - 0.3 * np.add.outer(x**2, x**2) / 2


def exposure(rng, light, seconds):
    electrons = rng.poisson((light * sensitivity() + RATE * seconds) * GAIN)
    image = np.hstack([np.zeros((SIDE, OVERSCAN)), electrons]) / GAIN + BIAS
    return np.rint(image + rng.normal(0, NOISE_E / GAIN, image.shape))


def sky_cards():
    wcs = tan_wcs((SIDE, SIDE + OVERSCAN), shift=(OVERSCAN / 2, 0))
    return dict(wcs.to_header()) | {"RADESYS": "ICRS"}


def field():
    rng = np.random.default_rng(2)
    light = np.full((SIDE, SIDE), SKY)
    for x, y in rng.uniform(15, SIDE - 15, (40, 2)):
        add_star(light, x, y, 10 ** rng.uniform(3.8, 4.8), 3.0)
    return light


class Camera:
    """Writes raw frames into a folder."""

    def __init__(self, folder):
        self.folder, self.rng = folder, np.random.default_rng(1)

    def put(self, name, light, seconds, kind, *, minute=0, **cards):
        image = exposure(self.rng, light, seconds)
        date = f"2024-03-05T{1 + minute // 60:02d}:{minute % 60:02d}:00"
        known = GEOMETRY | DETECTOR | {"IMAGETYP": kind, "EXPTIME": seconds, "DATE-OBS": date}
        (self.folder / f"{name}.fits").write_bytes(raw_bytes(image, **(known | cards)))

    def calibration_frames(self, count=4):
        for n in range(count):
            self.put(f"bias{n}", 0.0, 0.0, "Bias Frame", minute=n)
            self.put(f"dark{n}", 0.0, SECONDS, "Dark Frame", minute=10 + n)
            self.put(f"flat{n}", 15_000.0, 2.0, "Flat Field", minute=20 + n)

    def light(self, name, *, minute=60, **cards):
        self.put(name, field(), SECONDS, "Light Frame", minute=minute, **(sky_cards() | cards))


@pytest.fixture
def camera(tmp_path):
    folder = tmp_path / "raw night"
    folder.mkdir()
    return Camera(folder)


def work_off():
    from rich.progress import Progress

    return process(Progress(disable=True))


def test_calibration_frames_are_told_from_lights_and_are_no_observations(camera):
    camera.calibration_frames(3)
    camera.light("light0")
    run = ingestion.ingest_directory(camera.folder)
    assert (run.new, run.calibration, run.refused) == (1, 9, 0)
    assert [o.observation_id for o in Observation.objects.all()] == ["light0"]
    assert Observation.objects.get().is_raw
    kinds = CalibrationExposure.objects.order_by("name").values_list("kind", "filter_band")
    assert list(kinds) == [("bias", None)] * 3 + [("dark", None)] * 3 + [("flat", "r")] * 3
    again = ingestion.ingest_directory(camera.folder)
    assert (again.new, again.calibration, again.known) == (0, 0, 10)


def test_a_raw_light_is_calibrated_by_masters_that_its_night_gives(camera):
    camera.calibration_frames()
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    report = work_off()
    assert report.failed == {}
    kinds = CalibrationFrame.objects.filter(is_active=True).values_list("kind", flat=True)
    assert sorted(kinds) == ["bad_pixel_mask", "bias", "dark", "flat"]
    run = PreprocessRun.objects.get()
    assert run.calibration_applied
    assert "missing_calibration" not in run.figures
    used = {name: run.provenance["inputs"][name] for name in ("bias", "dark", "flat")}
    frames = CalibrationFrame.objects.filter(is_active=True)
    assert used == {name: frames.get(kind=name).file_path for name in used}
    frame = services.load(run)
    assert frame.shape == (SIDE, SIDE)
    good = frame.mask == 0
    # Counts of the median pixel: what is left of the sky is its noise, edge to edge.
    truth = (field() - SKY) * np.median(sensitivity())
    blank = good & (truth < 1)
    corner = blank.copy()
    corner[20:-20, 20:-20] = False
    assert abs(np.median(frame.pixels[corner])) < 0.25 * np.median(frame.noise)
    assert frame.sky_level == pytest.approx(SKY * np.median(sensitivity()), rel=0.01)
    bright = good & (truth > 100)
    # A hundred thousand ADU of stars: their photons allow 0.3 %, the wings beyond 100 ADU cancel.
    assert frame.pixels[bright].sum() / truth[bright].sum() == pytest.approx(1, abs=0.01)


def test_the_wcs_follows_the_trimming(camera):
    camera.calibration_frames(3)
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    work_off()
    frame = services.load(PreprocessRun.objects.get())
    raw = fits.getheader(camera.folder / "light0.fits")
    assert frame.wcs.wcs.crpix[0] == pytest.approx(raw["CRPIX1"] - OVERSCAN)


def test_masters_state_what_they_were_made_of_and_how_good_they_are(camera):
    camera.calibration_frames()
    ingestion.ingest_directory(camera.folder)
    work_off()
    bias = CalibrationFrame.objects.get(kind="bias")
    assert (bias.number_of_inputs, bias.version, bias.instrument) == (4, 1, "camera")
    assert (bias.image_width, bias.image_height) == (SIDE, SIDE)
    # Overscan and all its errors off: 0.25 ADU of rounding at most is left.
    assert bias.statistics["level"] == pytest.approx(0, abs=0.3)
    assert bias.statistics["read_noise_e"] == pytest.approx(NOISE_E, rel=0.1)
    dark = CalibrationFrame.objects.get(kind="dark")
    assert dark.statistics["dark_current_adu_s"] == pytest.approx(RATE, rel=0.05)
    assert not dark.holds_bias
    stored = master_from_fits(store.get(dark.file_path))
    assert stored.statistics["inputs"] == 4
    run = dark.run
    inputs = set(run.provenance["inputs"])
    assert inputs == {f"frame dark{n}" for n in range(4)} | {"bias", "bad_pixels"}
    assert run.provenance["inputs"]["bias"] == bias.file_path
    margin = timedelta(days=30)
    times = run.exposures.order_by("observation_time").values_list("observation_time", flat=True)
    assert (dark.valid_from, dark.valid_to) == (times[0] - margin, times[3] + margin)


def test_lights_wait_until_their_masters_are_built(camera):
    camera.calibration_frames(3)
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    assert not services.due().exists()
    seen = []
    for _ in range(3):
        (step, *_) = pipeline.STEPS
        jobs = list(pipeline.open_due(step, 100))
        seen.append([CalibrationRun.objects.get(pk=job.run_id).kind for job in jobs])
        assert not services.due().exists()
        for job in jobs:
            pipeline.work_off(job.pk)
    assert seen == [["bias"], ["dark"], ["flat"]]
    assert services.due().exists()


def test_more_frames_of_a_night_make_a_new_version_and_retire_the_old(camera):
    camera.calibration_frames(3)
    ingestion.ingest_directory(camera.folder)
    work_off()
    camera.put("bias9", 0.0, 0.0, "Bias Frame", minute=9)
    ingestion.ingest_directory(camera.folder)
    work_off()
    versions = CalibrationFrame.objects.filter(kind="bias").order_by("version")
    assert list(versions.values_list("version", "is_active", "number_of_inputs")) == [
        (1, False, 3),
        (2, True, 4),
    ]
    assert CalibrationFrame.objects.filter(kind="bad_pixel_mask", is_active=True).count() == 1


@pytest.mark.parametrize(
    ("date", "is_kept"), [("2024-03-05", True), ("2024-03-20", True), ("2024-06-01", False)]
)
def test_a_later_mask_keeps_what_flats_showed_while_they_hold(camera, date, is_kept):
    spot = (50, 60)
    for n, level in enumerate((8000.0, 12_000.0, 16_000.0)):
        light = np.full((SIDE, SIDE), level)
        # a quarter of the light is missing at twice the level: not linear, yet not dead
        light[spot] *= 1 - 0.25 * (level / 8000 - 1)
        camera.put(f"bias{n}", 0.0, 0.0, "Bias Frame", minute=n)
        camera.put(f"flat{n}", light, 2.0, "Flat Field", minute=20 + n)
    ingestion.ingest_directory(camera.folder)
    work_off()
    masks = CalibrationFrame.objects.filter(kind="bad_pixel_mask", is_active=True)
    assert bad_pixels_from_fits(store.get(masks.get().file_path))[spot]
    for n in range(3):
        begun = {"DATE-OBS": f"{date}T09:0{n}:00"}
        camera.put(f"dark{n}", 0.0, SECONDS, "Dark Frame", **begun)
    ingestion.ingest_directory(camera.folder)
    work_off()
    later = masks.get(run__kind="dark")
    found = bad_pixels_from_fits(store.get(later.file_path))
    assert found[spot] == is_kept
    assert ("nonlinear_pixels" in later.statistics) == is_kept
    assert found.sum() < 20


def test_two_frames_make_no_master_and_the_light_says_what_it_lacks(camera):
    camera.calibration_frames(2)
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    report = work_off()
    assert len(report.failed) == 3
    failed = ProcessingJob.objects.filter(job_type=JobType.CALIBRATE, status=JobStatus.FAILED)
    assert failed.count() == 3
    assert "2 bias frames of camera, 3 are needed" in failed.order_by("id")[0].error_message
    run = PreprocessRun.objects.get()
    assert run.status == RunStatus.COMPLETED
    assert not run.calibration_applied
    assert run.figures["missing_calibration"] == [
        "no bias and no dark: the electronic offset stays in the sky",
        "no flat in filter r: vignetting, dust and uneven pixels stay in",
    ]


def test_frames_that_are_calibrated_already_are_left_alone(camera):
    camera.calibration_frames(3)
    camera.light("light0", FLATCOR="done", BIASCOR="done")
    ingestion.ingest_directory(camera.folder)
    assert not Observation.objects.get().is_raw
    work_off()
    assert not PreprocessRun.objects.get().calibration_applied


def test_a_survey_without_calibration_frames_is_calibrated(camera):
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    assert not Observation.objects.get().is_raw


@pytest.mark.parametrize("said", [True, False])
def test_a_rule_file_has_the_last_word_on_what_is_raw(camera, said):
    camera.calibration_frames(1)
    camera.light("light0", FLATCOR="done" if said else "")
    (camera.folder / "astrid.toml").write_text(f'survey = "s"\nraw = {str(said).lower()}\n')
    ingestion.ingest_directory(camera.folder)
    assert Observation.objects.get().is_raw is said


def test_a_rule_names_frames_whose_headers_do_not(camera):
    camera.put("one", 0.0, 0.0, "", minute=1)
    rules = 'survey = "s"\n[[frames]]\npattern = "one*"\nrole = "bias"\n'
    (camera.folder / "astrid.toml").write_text(rules)
    ingestion.ingest_directory(camera.folder)
    assert CalibrationExposure.objects.get().kind == "bias"


def test_a_retired_master_is_not_chosen_and_a_product_can_be_made_again(camera):
    camera.calibration_frames(3)
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    work_off()
    run = PreprocessRun.objects.get()
    before = services.native(run)
    flat = CalibrationFrame.objects.get(kind="flat")
    master_store.retire(flat)
    # The product of a run is made again with the masters that it used.
    np.testing.assert_array_equal(services.native(run).pixels, before.pixels)
    camera.light("light1", minute=70)
    ingestion.ingest_directory(camera.folder)
    work_off()
    later = PreprocessRun.objects.get(observation__observation_id="light1")
    assert "flat" not in later.provenance["inputs"]
    assert any(words.startswith("no flat") for words in later.figures["missing_calibration"])
    master_store.reactivate(flat)
    assert CalibrationFrame.objects.get(pk=flat.pk).is_active


def test_frames_that_came_twice_are_taken_up_once(camera):
    camera.calibration_frames(3)
    ingestion.ingest_directory(camera.folder)
    parameters = pipeline.config.get("preprocess")
    first, second = CalibrationExposure.objects.filter(kind="bias")[:2]
    assert len(calibration.begin(first, parameters)) == 1
    assert calibration.begin(second, parameters) == []


def test_masters_are_seen_in_the_admin_and_put_out_of_use(camera, client):
    camera.calibration_frames(3)
    ingestion.ingest_directory(camera.folder)
    work_off()
    client.force_login(make_user("vera", is_staff=True, is_superuser=True))
    address = reverse("admin:preprocessing_calibrationframe_changelist")
    assert b"camera" in client.get(address).content
    flat = CalibrationFrame.objects.get(kind="flat")
    page = client.get(reverse("admin:preprocessing_calibrationframe_change", args=[flat.pk]))
    assert b"data:image/png;base64," in page.content
    assert b"unevenness" in page.content
    client.post(address, {"action": "retire", "_selected_action": [str(flat.pk)]})
    flat.refresh_from_db()
    assert not flat.is_active
    answer = client.post(
        address, {"action": "retire", "_selected_action": [str(flat.pk)]}, follow=True
    )
    assert b"is retired already" in answer.content


def test_a_damaged_master_fails_the_light_with_its_name(camera):
    camera.calibration_frames(3)
    ingestion.ingest_directory(camera.folder)
    work_off()
    other = CalibrationFrame.objects.filter(kind="bad_pixel_mask").latest("id").file_path
    CalibrationFrame.objects.filter(kind="flat").update(file_path=other)
    camera.light("light0")
    ingestion.ingest_directory(camera.folder)
    work_off()
    observation = Observation.objects.get()
    assert observation.status == ObservationStatus.FAILED
    assert "a stored master cannot be read" in observation.status_reason


def test_another_survey_of_the_same_camera_shares_its_masters(camera, tmp_path):
    camera.calibration_frames(3)
    ingestion.ingest_directory(camera.folder)
    work_off()
    lights = tmp_path / "lights only"
    lights.mkdir()
    Camera(lights).light("light0")
    (lights / "astrid.toml").write_text('survey = "lights"\nraw = true\n')
    make_survey(name="unrelated")
    ingestion.ingest_directory(lights)
    work_off()
    assert PreprocessRun.objects.get().calibration_applied
