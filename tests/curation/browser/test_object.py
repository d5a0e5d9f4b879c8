"""The page about an object, in a real browser."""

import json

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from curation.models import ValidationEvent
from detection.models import Detection
from tests.browsers import complaints_of, hosts_asked, sign_in
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until, until_painted
from tests.curation.browser.test_screen import PHONE, phone  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)

MOST_BYTES = 150 * 1024
PICTURE = "return document.querySelector('[data-plane=\"%s\"] canvas').toDataURL()"
WIDTH = "return document.documentElement.scrollWidth"


@pytest.fixture
def epochs(db):
    """One object at five epochs in two bands, with pixels; the third has lost its own."""
    detections = [task.detection for task in tasks_with_pixels(5)]
    for number, detection in enumerate(detections):
        frame = detection.observation
        frame.pk, frame._state.adding = None, True
        frame.observation_id, frame.filter_band = f"night {number}", "gr"[number % 2]
        frame.mjd_utc += number
        frame.id = type(frame)._meta.pk.get_default()
        frame.save()
        detection.observation, detection.sky_object = frame, detections[0].sky_object
        detection.magnitude, detection.magnitude_error = 18 + number / 10, 0.1
        detection.photometric_system = "AB"
    detections[2].cutouts_path = f"cas/00/{'0' * 64}"
    fields = ["observation", "sky_object", "magnitude", "magnitude_error", "photometric_system"]
    Detection.objects.bulk_update(detections, [*fields, "cutouts_path"])
    return detections


@pytest.fixture
def page(browser, live_server, client, curator):
    """Open the page of a detection as ada; give the browser once it is painted."""
    client.force_login(curator)
    sign_in(browser, client, live_server.url)

    def open_page(detection):
        browser.get(live_server.url + detection.get_absolute_url())
        until_painted(browser)
        return browser

    return open_page


def alt(browser):
    return browser.find_element(By.ID, "alt").get_attribute("textContent")


def bytes_received(browser, site):
    """Give what came from the site, headers and all, by address, without pixels."""
    names, sizes = {}, {}
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        params = message["params"]
        if message["method"] == "Network.responseReceived":
            names[params["requestId"]] = params["response"]["url"]
        if message["method"] == "Network.loadingFinished":
            sizes[params["requestId"]] = params["encodedDataLength"]
    return {
        url: sizes.get(key, 0)
        for key, url in names.items()
        if url.startswith(site) and not url.endswith(".bin")
    }


def test_the_page_is_small_asks_no_other_host_and_breaks_no_rule(page, epochs, live_server):
    browser = page(epochs[0])
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "#chart canvas"))
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    for part in (".chain li", ".finder svg"):
        until(browser, lambda b, part=part: b.find_elements(By.CSS_SELECTOR, part))
    received = bytes_received(browser, live_server.url)
    assert len(received) > 10
    assert sum(received.values()) <= MOST_BYTES
    browser.refresh()
    until_painted(browser)
    assert hosts_asked(browser) == {"localhost"}
    # the file of one epoch has gone on purpose
    assert not [line for line in complaints_of(browser) if ".bin" not in line]


def test_arrow_keys_scrubber_and_frames_lead_through_the_epochs(page, epochs):
    browser = page(epochs[0])
    assert "Epoch 1 of 5" in alt(browser)
    before = browser.execute_script(PICTURE % "difference")
    press(browser, Keys.ARROW_RIGHT)
    assert shown(browser) == str(epochs[1].pk)
    assert browser.current_url.endswith(epochs[1].get_absolute_url())
    assert "Epoch 2 of 5" in alt(browser)
    assert "magnitude 18.100 ± 0.100 AB" in alt(browser)
    until(browser, lambda b: b.execute_script(PICTURE % "difference") != before)
    browser.find_element(By.ID, "scrubber").send_keys(Keys.END)
    assert shown(browser) == str(epochs[4].pk)
    press(browser, Keys.ARROW_RIGHT)  # there is no later one
    assert shown(browser) == str(epochs[4].pk)
    browser.find_elements(By.CSS_SELECTOR, "#strip button")[3].click()
    assert shown(browser) == str(epochs[3].pk)
    current = browser.find_elements(By.CSS_SELECTOR, "#strip [aria-current=true]")
    assert len(current) == 1
    form = browser.find_element(By.ID, "verdict-form").get_attribute("action")
    assert form.endswith(f"{epochs[3].get_absolute_url()}verdict/")


def test_pixels_that_have_gone_are_said_in_place_and_the_others_stay(page, epochs):
    browser = page(epochs[1])
    press(browser, Keys.ARROW_RIGHT)
    words = browser.find_element(By.CLASS_NAME, "stage-words")
    until(browser, lambda _: "have gone" in words.text)
    press(browser, Keys.ARROW_RIGHT)
    until_painted(browser)
    assert shown(browser) == str(epochs[3].pk)


def test_science_and_reference_change_places_while_a_key_is_held(page, epochs):
    browser = page(epochs[0])
    script = PICTURE % "science"
    before = browser.execute_script(script)
    keys = ActionChains(browser)
    keys.key_down(" ").perform()
    until(browser, lambda b: b.execute_script(script) != before)
    keys.key_up(" ").perform()
    until(browser, lambda b: b.execute_script(script) == before)
    caption = browser.find_element(By.CSS_SELECTOR, "[data-plane=science] figcaption")
    assert caption.text == "Science"


def test_the_light_curve_zooms_shows_flux_and_has_a_table(page, epochs):
    browser = page(epochs[0])
    picture = "return document.querySelector('#chart canvas').toDataURL()"
    whole = until(browser, lambda b: b.execute_script(picture))
    press(browser, "+")
    assert browser.execute_script(picture) != whole
    press(browser, "0")
    assert browser.execute_script(picture) == whole
    press(browser, "f")
    assert browser.execute_script(picture) != whole
    pressed = browser.find_element(By.CSS_SELECTOR, "[data-action=flux]")
    assert pressed.get_attribute("aria-pressed") == "true"
    bands = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "#bands .band")]
    assert bands == ["g", "r"]
    browser.find_element(By.CSS_SELECTOR, "#points summary").click()
    rows = until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "#points tbody tr"))
    cells = [cell.text for cell in rows[4].find_elements(By.TAG_NAME, "td")]
    assert (cells[2:5], len(rows)) == (["g", "18.400", "0.100"], 5)
    rows[4].find_element(By.TAG_NAME, "a").click()
    assert shown(browser) == str(epochs[4].pk)


def test_a_verdict_and_a_comment_need_no_mouse(page, epochs):
    browser = page(epochs[1])
    press(browser, "m")
    browser.switch_to.active_element.send_keys("beside the core")  # with letters that are keys
    assert not ValidationEvent.objects.exists()
    press(browser, "b")
    until(browser, lambda _: ValidationEvent.objects.exists())
    event = ValidationEvent.objects.get()
    assert (event.detection, event.verdict, event.notes) == (epochs[1], "bogus", "beside the core")
    assert event.ms_spent > 0
    until_painted(browser)
    assert "beside the core" in browser.find_element(By.CLASS_NAME, "said-list").text


def test_the_keys_are_listed_and_focus_is_seen(page, epochs):
    browser = page(epochs[0])
    press(browser, "h")
    listed = browser.find_element(By.ID, "key-list").text
    assert "Earlier epoch" in listed
    assert "Blink science and reference" in listed
    press(browser, Keys.ESCAPE)
    seen = "return getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        press(browser, Keys.TAB)
        assert browser.execute_script(seen) != "none"


def test_a_phone_has_no_sideways_scroll(phone, page, epochs):  # noqa: F811
    browser = page(epochs[0])
    browser.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".chain li"))
    until(browser, lambda b: b.find_elements(By.CSS_SELECTOR, ".finder svg"))
    assert browser.execute_script(WIDTH) == PHONE["width"]
