"""Fingers, small screens and pixels, in a real browser."""

import numpy as np
import pytest
from astropy.visualization import ZScaleInterval
from selenium.webdriver.common.by import By

from curation.models import ValidationEvent
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture
def phone(browser):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield browser
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def swipe(browser, dx, dy):
    place = browser.find_element(By.ID, "stage").rect
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2

    def touch(kind, *points):
        command = {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", command)

    touch("touchStart", (x, y))
    touch("touchMove", (x + dx / 2, y + dy / 2))
    touch("touchMove", (x + dx, y + dy))
    touch("touchEnd")


def test_swipes_are_verdicts(phone, review):
    tasks_with_pixels(4)
    browser = review()
    for dx, dy in ((100, 5), (-100, 5), (5, -100), (30, 0)):  # the last is too short
        before = shown(browser)
        swipe(browser, dx, dy)
        if dx != 30:
            until(browser, lambda page, before=before: shown(page) != before)
    until(browser, lambda _: ValidationEvent.objects.count() == 3)
    verdicts = ValidationEvent.objects.order_by("id")
    assert [event.verdict for event in verdicts] == ["real", "bogus", "unsure"]


TOO_SMALL = """
return [...document.querySelectorAll("main button, main select")]
  .map((each) => [each.textContent.trim(), each.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < 44 || box.height < 44))
  .map(([words]) => words)
"""


def test_a_phone_shows_the_whole_width_and_has_room_for_fingers(phone, review):
    tasks_with_pixels(2)
    browser = review()
    press(browser, "r")
    assert browser.execute_script("return document.documentElement.scrollWidth") == 360
    assert browser.execute_script(TOO_SMALL) == []


def run(browser, module, expression, *arguments):
    """Evaluate an expression of one of the page's modules, as ``m``; ``a`` are the arguments."""
    script = f"""
    const done = arguments[arguments.length - 1], a = [...arguments];
    import("/static/astrid/review/{module}.js").then((m) => done({expression}));
    """
    return browser.execute_async_script(script, *arguments)


def test_numbers_are_what_numpy_and_astropy_say(browser, live_server):
    browser.get(f"{live_server.url}/admin/login/")
    bits = np.arange(0, 65536, 7, dtype="<u2")
    decoded = run(browser, "pixels", "a[0].map((b) => String(m.half(b)))", bits.tolist())
    np.testing.assert_array_equal(
        np.array([float(each) for each in decoded]), bits.view("<f2").astype(float)
    )
    rng = np.random.default_rng(5)
    image = rng.normal(100, 5, (41, 41)).astype(np.float32)
    image[15:22, 15:22] += 3000
    call = "m.zscaleOf(Float32Array.from(a[0]).sort())"
    limits = run(browser, "stretch", call, image.ravel().tolist())
    wanted = ZScaleInterval(n_samples=image.size).get_limits(image)
    # astropy fits its line in another order of sums: rounding only
    assert limits == pytest.approx(wanted, rel=1e-6)


def test_the_sky_is_black_and_change_is_coloured_about_zero(browser, live_server):
    browser.get(f"{live_server.url}/admin/login/")
    rng = np.random.default_rng(6)
    plane = rng.normal(50, 2, (63, 63)).astype(np.float32)
    plane[31, 31] = 50 + 2 * 40
    values = plane.ravel().tolist()
    call = """(() => {
      const p = m.statisticsOf(Float32Array.from(a[0]), 63);
      const shades = m.STRETCHES.map((stretch) => {
        const shade = m.shadeOf(p, { stretch, contrast: 1 }, m.commonWhite(p));
        return [shade(p.level - 2.5 * p.sigma), shade(p.highest)];
      });
      const change = m.changeOf(p, { contrast: 1 });
      const ends = [change(0), change(5) + change(-5)];
      return { level: p.level, sigma: p.sigma, shades, change: ends };
    })()"""
    found = run(browser, "stretch", call, values)
    # errors of a median and of a MAD of 3,969 pixels: 0.04 and 0.037; allow four of each
    assert found["level"] == pytest.approx(50, abs=0.16)
    assert found["sigma"] == pytest.approx(2, abs=0.15)
    for black, white in found["shades"][:3]:
        assert (black, white) == (pytest.approx(0, abs=1e-9), pytest.approx(1, abs=1e-9))
    assert found["change"] == [0, pytest.approx(0, abs=1e-12)]
