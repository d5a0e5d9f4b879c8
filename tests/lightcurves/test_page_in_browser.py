"""The page of a target in a real browser: zoom, flags, fold, keys, series."""

import json

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from lightcurves.models import (
    DataSet,
    ForcedObservation,
    Instrument,
    Mission,
    MissionCatalog,
    PhotometricSource,
    ProcessingMethod,
    Target,
    TargetSpecificTime,
    TESSObservation,
    TESSQualityFlags,
)
from tests.browsers import complaints_of, open_browser, sign_in
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
N, PERIOD = 20_000, 0.75
TRANSIT = 0.02  # half its width, in turns


@pytest.fixture
def target(db):
    """20,000 points with a transit, 100 flagged outliers, and another series that is not drawn."""
    mission = Mission.objects.create(name="TESS", time_epoch="2457000", time_format_name="btjd")
    catalog = MissionCatalog.objects.create(host_mission=mission, name="TIC")
    target = Target.objects.create(catalog=catalog, name=1234, ra=63.4, dec=-69.2)
    observation = TESSObservation.objects.create(
        instrument=Instrument.objects.create(name="Camera 1"),
        cadence_reference=np.arange(N),
        sector=1,
    )
    times = 1325.0 + np.arange(N) / 720
    phases = ((times - 1325.3) / PERIOD + 0.5) % 1 - 0.5
    flux = np.random.default_rng(4).normal(1000.0, 1.0, N) - 50.0 * (np.abs(phases) < TRANSIT)
    flags = np.zeros(N, np.int32)
    flags[200:300] = 128  # manual_exclude
    flux[200:300] = 5000.0
    where = {"target": target, "observation": observation}
    common = {"errors": np.ones(N), "unit": "electron / s", **where}
    raw = PhotometricSource.objects.create(name="aperture")
    method = ProcessingMethod.objects.create(name="cleaned")
    DataSet.objects.create(values=flux, photometric_method=raw, processing_method=method, **common)
    DataSet.objects.create(values=flux + 200.0, photometric_method=raw, **common)
    TargetSpecificTime.objects.create(barycentric_julian_dates=times, **where)
    TESSQualityFlags.objects.create(quality_flags=flags, **where)
    return target


class Page:
    """What a reader sees and does."""

    def __init__(self, browser):
        self.browser = browser
        self.chart = browser.find_element(By.ID, "chart")

    def wait(self, condition):
        WebDriverWait(self.browser, 30).until(lambda _: condition())

    @property
    def words(self):
        return self.browser.find_element(By.ID, "chart-words").text

    def axis(self, name):
        return json.loads(self.chart.get_attribute(f"data-{name}"))

    def do(self, name):
        self.browser.find_element(By.CSS_SELECTOR, f"[data-do={name}]").click()

    def tick(self, selector):
        self.browser.find_element(By.CSS_SELECTOR, selector).click()

    def type(self, name, text):
        field = self.browser.find_element(By.NAME, name)
        field.clear()
        field.send_keys(text, Keys.TAB)


@pytest.fixture
def page(target, client, live_server, tmp_path):
    with open_browser(tmp_path / "profile") as browser:
        client.force_login(make_user("r", group="guest"))
        sign_in(browser, client, live_server.url)
        browser.get(live_server.url + target.get_absolute_url())
        page = Page(browser)
        page.wait(lambda: "points drawn" in page.words)
        yield page
        assert not complaints_of(browser)  # among them: what the policy of the page forbids


def test_a_curve_is_zoomed_masked_and_folded(page):
    assert page.words == "1 of 2 light curves, 19,900 points drawn; 100 flagged cadences left out."
    whole = page.axis("x")
    assert whole[0] < 1325.0 < 1325.0 + (N - 1) / 720 < whole[1]
    assert page.axis("y")[1] < 1100  # the flagged outliers are at 5000

    drag = ActionChains(page.browser).move_to_element_with_offset(page.chart, 0, 0)
    drag.click_and_hold().move_by_offset(100, 0).release().perform()
    page.wait(lambda: page.axis("x") != whole)
    zoomed = page.axis("x")
    # 100 of the some 1,100 pixels of the axis, from its middle on
    assert 0.05 < (zoomed[1] - zoomed[0]) / (whole[1] - whole[0]) < 0.15
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    page.do("whole")
    page.wait(lambda: page.axis("x") == whole)

    page.tick("[name=masked]")
    page.wait(lambda: page.words == "1 of 2 light curves, 20,000 points drawn.")
    assert page.axis("y")[1] > 5000
    page.tick("[name=masked]")
    page.tick("#quality summary")
    page.tick("#bits [value='tess_quality manual_exclude']")
    page.wait(lambda: "20,000 points" in page.words)
    page.tick("#bits [value='tess_quality manual_exclude']")

    page.type("period", str(2 * PERIOD))
    page.type("epoch", "1325.3")
    page.do("half")
    page.wait(lambda: page.axis("x")[1] < 1)
    assert page.axis("x") == pytest.approx([-0.52, 0.52], abs=0.002)  # 540 phases of a turn
    dip = page.browser.execute_script(FOLDED, PERIOD, 1325.3)
    assert dip["inside"] == pytest.approx(950, abs=10)  # ten sigma; the mean of 800 is closer
    assert dip["outside"] == pytest.approx(1000, abs=10)


# Computed by the page's own module, from the numbers that it fetches itself.
FOLDED = """
const [period, epoch] = arguments;
return (async () => {
  const { framed } = await import("/static/astrid/lightcurves/frame.js");
  const { fetchPoints } = await import("/static/astrid/lightcurves/points.js");
  const config = JSON.parse(document.getElementById("curve-config").textContent);
  const curve = config.curves.find(({ shown }) => shown);
  const view = { masked: true, isOut: () => true, fold: true, period, epoch, y: "stored",
    time: config.time };
  const frame = framed(curve, await fetchPoints(curve.points), view);
  const mean = (isWanted) => {
    const all = [...frame.y.subarray(0, frame.n)];
    const kept = all.filter((_, at) => isWanted(Math.abs(frame.x[at])));
    return kept.reduce((sum, each) => sum + each, 0) / kept.length;
  };
  return { inside: mean((phase) => phase < 0.019), outside: mean((phase) => phase > 0.021) };
})();
"""


def test_series_axes_and_keys_change_what_is_drawn(page):
    page.tick("#series input:not(:checked)")
    page.wait(lambda: page.words.startswith("2 of 2 light curves, 39,800 points drawn"))
    assert page.axis("y")[1] > 1150  # the second series is 200 above the first
    assert not page.browser.find_elements(By.CSS_SELECTOR, "[data-curve]:not(:checked)")

    select = page.browser.find_element(By.NAME, "y")
    select.send_keys("rel")
    page.wait(lambda: page.axis("y")[1] < 1.05)
    page.browser.find_element(By.NAME, "x").send_keys("days")
    page.wait(lambda: page.axis("x")[0] < 0 < page.axis("x")[1] < 30)
    before = page.axis("x")
    page.chart.send_keys("+")
    page.wait(lambda: page.axis("x") != before)
    near = page.axis("x")
    assert near[1] - near[0] == pytest.approx((before[1] - before[0]) / 2)
    page.chart.send_keys(Keys.ARROW_RIGHT)
    assert page.axis("x")[0] > near[0]
    page.chart.send_keys("0")
    assert page.axis("x") == before


@pytest.fixture
def faded(target):
    """Fluxes of +20, +1, -1 and -20 errors, in microjansky."""
    camera = Instrument.objects.get()
    observation = ForcedObservation.objects.create(
        survey="s", band="r", unit="uJy", cadence_reference=np.arange(4), instrument=camera
    )
    where = {"target": Target.objects.create(catalog=target.catalog, name=5, ra=63.4, dec=-69.3)}
    TargetSpecificTime.objects.create(
        barycentric_julian_dates=np.arange(4.0), observation=observation, **where
    )
    DataSet.objects.create(
        values=np.array([20.0, 1.0, -1.0, -20.0]),
        errors=np.ones(4),
        unit="uJy",
        photometric_method=PhotometricSource.objects.create(name="forced"),
        observation=observation,
        **where,
    )
    return where["target"]


def test_what_has_faded_is_no_limit(page, faded):
    address = page.browser.current_url.split("/console")[0] + faded.get_absolute_url()
    page.browser.get(address)
    page = Page(page.browser)
    page.wait(lambda: page.words == "1 of 1 light curves, 4 points drawn.")
    low, high = page.axis("y")  # limits of 5 at +1 and -1
    assert low < -20 < 20 < high
    page.browser.find_element(By.NAME, "y").send_keys("AB")
    page.wait(lambda: "1 fainter than the reference, without a magnitude" in page.words)
    assert "3 points drawn" in page.words
