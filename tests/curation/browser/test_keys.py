"""The keyboard, in a real browser."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from curation.models import Curator, ReviewQueue, SkippedTask, ValidationEvent
from tests.browsers import complaints_of, hosts_asked
from tests.curation.browser.conftest import press, shown, tasks_with_pixels, until

pytestmark = pytest.mark.django_db(transaction=True)

# For each key: how many frames pass until another item is on the screen, its pixels painted.
COUNT_FRAMES = """
const stage = document.getElementById("stage");
const canvas = stage.querySelector('[data-plane="difference"] canvas');
const picture = () => stage.dataset.item + stage.dataset.state + canvas.toDataURL();
window.framesUntilPainted = [];
let frame = 0;
const tick = () => { frame += 1; requestAnimationFrame(tick); };
requestAnimationFrame(tick);
let before = null;
window.addEventListener("keydown", () => { before = picture(); }, true);
window.addEventListener("keydown", () => {
  const [pressed, was] = [frame, before];
  const look = () => {
    const now = picture();
    const [item, pixels] = [now.slice(0, 36) !== was.slice(0, 36), now.slice(36) !== was.slice(36)];
    if (item && pixels && stage.dataset.state === "pixels") {
      window.framesUntilPainted.push(frame - pressed);
    } else {
      requestAnimationFrame(look);
    }
  };
  look();
});
"""
PIXELS_FETCHED = """
return performance.getEntriesByType("resource").filter((e) => e.name.endsWith(".bin")).length
"""


def said():
    events = ValidationEvent.objects.order_by("id")
    return [(str(event.detection_id), event.verdict, event.label) for event in events]


def test_the_next_item_is_painted_in_the_frame_of_the_key(review):
    tasks = tasks_with_pixels(25)
    browser = review()
    until(browser, lambda page: page.execute_script(PIXELS_FETCHED) == len(tasks))
    browser.execute_script(COUNT_FRAMES)
    press(browser, "rb" * 10)
    frames = until(browser, lambda page: page.execute_script("return framesUntilPainted"))
    assert frames == [0] * 20
    until(browser, lambda _: ValidationEvent.objects.count() == 20)
    expected = [
        (str(task.detection_id), "bogus" if number % 2 else "real", None)
        for number, task in enumerate(tasks[:20])
    ]
    assert said() == expected
    assert all(0 <= event.ms_spent < 600_000 for event in ValidationEvent.objects.all())
    assert hosts_asked(browser) == {"localhost"}
    assert not complaints_of(browser)


def test_verdicts_are_undone_and_said_again_without_limit(review):
    first, second, third = (str(task.detection_id) for task in tasks_with_pixels(3))
    browser = review()
    press(browser, "rb")
    assert shown(browser) == third
    press(browser, "uu")
    assert shown(browser) == first
    press(browser, "U")
    assert shown(browser) == second
    press(browser, "U")
    assert shown(browser) == third
    press(browser, "u1")
    until(browser, lambda _: ValidationEvent.objects.count() == 8)
    assert said() == [
        (first, "real", None), (second, "bogus", None),
        (second, "withdrawn", None), (first, "withdrawn", None),
        (first, "real", None), (second, "bogus", None),
        (second, "withdrawn", None), (second, "real", "supernova"),
    ]  # fmt: skip
    standing = ValidationEvent.objects.current()
    assert sorted((str(each.detection_id), each.verdict) for each in standing) == sorted(
        [(first, "real"), (second, "real")]
    )


def test_a_verdict_is_undone_from_a_page_that_was_opened_anew(review):
    first, _ = (str(task.detection_id) for task in tasks_with_pixels(2))
    press(review(), "r")
    until(None, lambda _: ValidationEvent.objects.count() == 1)
    browser = review()
    press(browser, "u")
    assert shown(browser) == first
    press(browser, "b")
    until(browser, lambda _: ValidationEvent.objects.count() == 3)
    assert [verdict for _, verdict, _ in said()] == ["real", "withdrawn", "bogus"]


def test_a_blind_page_shows_no_score_and_verdicts_note_it(review):
    ReviewQueue.objects.update(blind=True)
    tasks_with_pixels(2)
    browser = review()
    assert "score" not in browser.find_element(By.ID, "figures").text
    assert "score" not in browser.find_element(By.ID, "alt").get_attribute("textContent")
    press(browser, "r")
    until(browser, lambda _: ValidationEvent.objects.exists())
    event = ValidationEvent.objects.get()
    assert event.blind
    assert {"science", "figures"} <= set(event.shown_fields)
    assert not {"score", "votes"} & set(event.shown_fields)


def test_a_key_that_was_changed_works_at_once_and_next_time(review):
    tasks_with_pixels(2)
    browser = review()
    press(browser, "h")
    field = browser.find_element(By.ID, "key-real")
    field.send_keys("b")
    assert "Bogus" in browser.find_element(By.ID, "key-trouble").text
    field.send_keys("x")
    browser.find_element(By.CSS_SELECTOR, "#help-form [type=submit]").click()
    press(browser, "rx")
    until(browser, lambda _: ValidationEvent.objects.count() == 1)
    until(browser, lambda _: Curator.objects.filter(preferences__keys={"real": "x"}).exists())
    press(review(), "x")
    until(browser, lambda _: ValidationEvent.objects.count() == 2)
    assert [verdict for _, verdict, _ in said()] == ["real", "real"]


def test_comment_tag_and_skip_go_along_as_text(review):
    script = "<script>document.title = 'caught'</script>"
    tasks = tasks_with_pixels(3)
    browser = review()
    press(browser, "m")
    browser.switch_to.active_element.send_keys(script + Keys.ESCAPE)
    press(browser, "t")
    browser.switch_to.active_element.send_keys("halo\n" + Keys.ESCAPE)
    press(browser, "r")
    press(browser, "k")
    browser.find_element(By.ID, "skip-reason").send_keys("<b>too faint</b>\n")
    press(browser, "u")
    assert shown(browser) == str(tasks[1].detection_id)
    press(browser, "b")
    until(browser, lambda _: ValidationEvent.objects.count() == 2)
    event = ValidationEvent.objects.order_by("id").first()
    assert (event.notes, event.tags) == (script, ["halo"])
    skipped = SkippedTask.objects.get()
    assert (skipped.reason, skipped.is_withdrawn) == ("<b>too faint</b>", True)
    assert browser.title != "caught"


def test_blinking_shows_the_reference_in_place_of_science_while_the_key_is_held(review):
    tasks_with_pixels(1)
    browser = review()
    read = """
    return document.querySelector('[data-plane="science"] canvas').toDataURL() +
      document.querySelector('[data-plane="science"] figcaption').textContent"""
    key = {"key": " ", "code": "Space", "windowsVirtualKeyCode": 32}
    still = browser.execute_script(read)
    wish = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
    browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyDown", **key})
    held = browser.execute_script(read)
    assert held.endswith("Reference")
    assert held[:-9] != still[:-7]
    browser.execute_cdp_cmd("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    assert browser.execute_script(read) == still
