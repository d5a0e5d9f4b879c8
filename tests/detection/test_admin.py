import io

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from PIL import Image

from astrid.core import store
from curation.models import ValidationEvent
from curation.parameters import ReviewPolicy
from curation.services import judge
from detection.models import Detection
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/detection/detection/"


@pytest.fixture
def curator(client):
    person = factories.make_user("ada", group="curator", is_staff=True)
    client.force_login(person)
    return person


@pytest.fixture
def viewer(client):
    person = factories.make_user("vic", group="viewer", is_staff=True)
    client.force_login(person)
    return person


def page_of(detection):
    return reverse("admin:detection_detection_change", args=[detection.pk])


def many(number):
    run = factories.make_model_run()
    return [
        factories.make_detection(model_run=run, confidence_score=0.5 + i / 1000)
        for i in range(number)
    ]


def with_picture(**fields):
    drawn = io.BytesIO()
    Image.new("L", (9, 3), 128).save(drawn, "PNG")
    path = store.put(drawn.getvalue())
    return factories.make_detection(thumbnail_path=path, **fields), drawn.getvalue()


def said(response):
    return " ".join(str(message) for message in response.context["messages"])


def test_a_hundred_rows_cost_at_most_twelve_queries(client, curator, django_assert_max_num_queries):
    for detection in many(100)[:5]:
        judge(detection, by=curator, is_valid=None, label=None, policy=ReviewPolicy())
    with django_assert_max_num_queries(12):
        response = client.get(LIST)
    assert len(response.context["cl"].result_list) == 50


def test_the_most_certain_comes_first(client, curator):
    many(3)
    shown = [row.confidence_score for row in client.get(LIST).context["cl"].result_list]
    assert shown == sorted(shown, reverse=True)


def test_the_picture_has_the_numbers_as_its_text(client, curator):
    with_picture(confidence_score=0.875)
    page = client.get(LIST).content.decode()
    assert 'alt="Science, reference and difference of a supernova candidate at 10:00:00.00' in page
    assert "score 0.875, flux 1000.0 ± 100.0 ADU, S/N 10.0" in page


def test_a_cone_in_the_search_box_finds_what_lies_in_it(client, curator):
    run = factories.make_model_run()
    # 3 arcseconds north of the centre, and 6
    near = factories.make_detection(model_run=run, ra=359.9999, dec=3 / 3600)
    factories.make_detection(model_run=run, ra=359.9999, dec=6 / 3600)
    response = client.get(LIST, {"q": "359.9999 0 5"})
    assert list(response.context["cl"].result_list) == [near]


def test_a_place_the_sky_does_not_have_is_explained(client, curator):
    many(1)
    response = client.get(LIST, {"q": "10 95 5"})
    assert not response.context["cl"].result_list
    assert "dec is 95" in said(response)


def test_an_exposure_is_found_by_the_beginning_of_its_name(client, curator):
    many(2)
    wanted = factories.make_detection()
    Detection.objects.update(human_label=None)
    wanted.observation.observation_id = "night7-frame3"
    wanted.observation.save()
    response = client.get(LIST, {"q": "night7"})
    assert list(response.context["cl"].result_list) == [wanted]


def test_rows_are_filtered_by_status_type_and_band(client, curator):
    many(2)
    run = factories.make_difference_run(
        observation=factories.make_observation(filter_band="g"), reference_observation=None
    )
    wanted = factories.make_detection(
        model_run=factories.make_model_run(difference_run=run),
        status="validating",
        detection_type="variable",
    )
    chosen = {
        "status__exact": "validating", "detection_type__exact": "variable", "band": "g"
    }  # fmt: skip
    assert list(client.get(LIST, chosen).context["cl"].result_list) == [wanted]


@pytest.mark.parametrize(
    ("action", "status", "label"),
    [
        ("judge_supernova", "confirmed", "supernova"),
        ("judge_variable", "confirmed", "variable"),
        ("judge_transient", "confirmed", "transient"),
        ("judge_unsure", "validating", None),
        ("judge_artifact", "rejected", "artifact"),
    ],
)
def test_each_action_judges_what_is_selected(client, curator, action, status, label):
    selected, left = many(2), many(1)[0]
    posted = {"action": action, "_selected_action": [row.pk for row in selected]}
    response = client.post(LIST, posted, follow=True)
    assert "2 judged" in said(response)
    for row in selected:
        row.refresh_from_db()
        assert (row.status, row.human_label) == (status, label)
    left.refresh_from_db()
    assert left.status == "pending"


def test_a_refusal_is_reported_and_the_others_are_judged(client, curator):
    good, archived = many(2)
    Detection.objects.filter(pk=archived.pk).update(status="archived")
    posted = {"action": "judge_supernova", "_selected_action": [good.pk, archived.pk]}
    response = client.post(LIST, posted, follow=True)
    done, refused = map(str, response.context["messages"])
    assert done == "1 judged"
    assert f"detection {archived.pk} is archived" in refused
    good.refresh_from_db()
    assert good.status == "confirmed"


def test_a_viewer_sees_no_actions_and_cannot_post_them(client, viewer):
    [row] = many(1)
    assert "judge_supernova" not in client.get(LIST).content.decode()
    client.post(LIST, {"action": "judge_supernova", "_selected_action": [row.pk]})
    address = reverse("curation:verdict", args=[row.pk])
    assert client.post(address, {"choice": "real"}).status_code == 403
    assert not ValidationEvent.objects.exists()


def test_what_people_and_headers_write_is_never_markup(client, curator):
    detection = factories.make_detection()
    evil = "<script>alert(1)</script>"
    detection.observation.observation_id = evil
    detection.observation.save()
    judge(
        detection, by=curator, is_valid=True, label="supernova", notes=evil, policy=ReviewPolicy()
    )
    pages = [LIST, page_of(detection), "/console/", "/admin/curation/validationevent/"]
    own = detection.get_absolute_url()
    for address in (*pages, own, f"{own}lineage/", f"{own}surroundings/"):
        page = client.get(address).content.decode()
        assert evil not in page
        assert "<script>" not in page  # nothing inline: a strict content policy can hold


@pytest.mark.parametrize("name", ["detection", "skyobject"])
def test_the_page_of_a_row_leads_to_the_page_about_its_object(client, curator, name):
    detection = factories.make_detection()
    row = detection if name == "detection" else detection.sky_object
    page = client.get(reverse(f"admin:detection_{name}_change", args=[row.pk]))
    link = page.context["absolute_url"]
    assert link in page.content.decode()
    assert client.get(link, follow=True).redirect_chain[-1][0].endswith(row.get_absolute_url())


@pytest.mark.parametrize("verb", ["add/", "{pk}/delete/"])
def test_detections_are_neither_added_nor_deleted_by_hand(client, verb):
    client.force_login(factories.make_user(is_staff=True, is_superuser=True))
    detection = factories.make_detection()
    assert client.get(LIST + verb.format(pk=detection.pk)).status_code == 403


def test_an_address_that_is_no_detection_leads_back(client, curator):
    response = client.get(f"{LIST}not-a-key/change/", follow=True)
    assert "not-a-key" in said(response)


@pytest.mark.parametrize("name", ["skyobject", "model", "modelrun", "trainingdataset"])
def test_the_other_lists_and_pages_open(client, curator, name):
    detection = factories.make_detection()
    rows = {
        "skyobject": detection.sky_object,
        "model": detection.model_run.model,
        "modelrun": detection.model_run,
    }
    assert client.get(f"/admin/detection/{name}/").status_code == 200
    if name in rows:
        assert client.get(f"/admin/detection/{name}/{rows[name].pk}/change/").status_code == 200


def test_an_object_lists_its_detections_in_few_queries(
    client, curator, django_assert_max_num_queries
):
    detection = factories.make_detection()
    for _ in range(10):
        factories.make_detection(sky_object=detection.sky_object)
    address = reverse("admin:detection_skyobject_change", args=[detection.sky_object.pk])
    with django_assert_max_num_queries(12):
        page = client.get(address).content.decode()
    assert page.count("/console/detections/") >= 11


def test_a_picture_is_streamed_once_and_kept_for_good(client, curator):
    detection, content = with_picture()
    version = detection.thumbnail_path.rpartition("/")[2]
    address = reverse("detection:picture", args=[detection.pk, version])
    response = client.get(address)
    assert (response.content, response["Content-Type"]) == (content, "image/png")
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    again = client.get(address, headers={"if-none-match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_picture_needs_sign_in_and_permission(client):
    detection, _ = with_picture()
    version = detection.thumbnail_path.rpartition("/")[2]
    address = reverse("detection:picture", args=[detection.pk, version])
    assert client.get(address).status_code == 302
    client.force_login(factories.make_user())
    assert client.get(address).status_code == 403


def test_a_picture_that_is_gone_is_not_found(client, curator, product_files):
    detection, _ = with_picture()
    version = detection.thumbnail_path.rpartition("/")[2]
    other = reverse("detection:picture", args=[detection.pk, "0" * 64])
    assert client.get(other).status_code == 404
    (product_files / detection.thumbnail_path).unlink()
    address = reverse("detection:picture", args=[detection.pk, version])
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "name", ["tokens.css", "console.css", "admin.css", "stage.css", "object.css", "icon.svg"]
)
def test_what_the_pages_ask_for_is_there_and_asks_for_nothing_else(name):
    path = finders.find(f"astrid/{name}")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        text = file.read().replace("http://www.w3.org/2000/svg", "")
    assert "http" not in text
    assert "@import" not in text
