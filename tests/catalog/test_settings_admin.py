"""Staff change settings by typed forms: shown before, with a reason, with a way back."""

import pytest
from django.urls import reverse
from django.utils.html import escape

from catalog import changes, config, keys
from catalog.models import AuditLog, SettingChange, SystemConfig
from catalog.sheets import keys_of
from tests.factories import make_user
from tests.pages import list_page, row_page

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    user = make_user("vera", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def settings_stored():
    config.ensure_defaults()


def row(key="difference"):
    return SystemConfig.objects.get(key=key)


def address_of(key):
    return reverse("admin:catalog_systemconfig_change", args=[row(key).pk])


def fields_of(page):
    """Give what a browser would send back of a page that nobody touched."""
    sent = {}
    for sheet, _ in page.context["sheets"]:
        key = sheet.row.key
        sent[f"{key}-seen"] = sheet.seen.isoformat()
        sent |= {f"{key}-active": "on"} if sheet.is_active else {}
        if sheet.setting.is_list:
            management = sheet.form.management_form
            sent |= {management.add_prefix(n): management[n].value() for n in management.fields}
        for form in sheet.forms:
            sent |= {bound.html_name: typed(bound) for bound in form if typed(bound) is not None}
    return sent


def typed(bound):
    value = bound.value()
    if value is None or value is False:
        return None
    if value is True:
        return "on"
    shown = bound.field.prepare_value(value)
    return shown if isinstance(shown, (list, str)) else str(shown)


def submit(client, address, changed, reason="the sky was bright"):
    """Change fields, look at the change, give a reason, save; give the last page."""
    sent = fields_of(client.get(address)) | changed
    sent = {name: value for name, value in sent.items() if value is not None}
    looked = client.post(address, sent | {"preview": "1"})
    digest = looked.context["looked_at"]
    if not digest:
        return looked
    return client.post(address, sent | {"save": "1", "looked_at": digest, "reason": reason})


def errors_of(page):
    ((sheet, _),) = page.context["sheets"]
    return " ".join(str(form.errors) for form in sheet.forms) + " ".join(sheet.problems)


@pytest.mark.usefixtures("staff")
class TestForms:
    """Each field has its input, its unit, its default and its limits."""

    @pytest.mark.parametrize("key", keys.SETTINGS)
    def test_the_page_explains_every_field_and_changes_nothing_by_itself(self, client, key):
        page = client.get(address_of(key))
        text = page.content.decode()
        for line in keys.help_of(key):
            assert escape(line.meaning) in text
            assert line.allowed in text.replace("&gt;", ">").replace("&lt;", "<")
        looked = client.post(address_of(key), fields_of(page) | {"preview": "1"})
        assert "Nothing would change." in looked.content.decode()
        assert errors_of(looked) == ""

    def test_a_change_is_shown_before_it_holds_and_kept_with_its_reason(self, client, staff):
        since = row().effective_since
        sent = fields_of(client.get(address_of("difference"))) | {"difference-threshold": "6.5"}
        looked = client.post(address_of("difference"), sent | {"preview": "1"})
        (found,) = looked.context["differences"]
        assert (found.field, found.before, found.after) == ("threshold", "5.0", "6.5")
        assert config.get("difference").threshold == 5.0
        saved = sent | {"save": "1", "looked_at": looked.context["looked_at"], "reason": "moon"}
        assert client.post(address_of("difference"), saved).status_code == 302
        assert config.get("difference").threshold == 6.5
        assert row().effective_since > since
        change = SettingChange.objects.get()
        assert (change.made_by, change.reason, change.value_before["threshold"]) == (
            staff, "moon", 5.0,
        )  # fmt: skip
        entry = AuditLog.objects.get(entity_type="catalog.SystemConfig")
        assert entry.change_summary == "changed value.threshold from 5.0 to 6.5"
        page = client.get(address_of("difference")).content.decode()
        assert "difference.threshold: 5.0 → 6.5" in page
        assert "moon" in page

    def test_without_a_reason_or_a_look_nothing_is_saved(self, client):
        refused = submit(client, address_of("difference"), {"difference-threshold": "7"}, " ")
        assert "Say why" in refused.content.decode()
        sent = fields_of(client.get(address_of("difference"))) | {"difference-threshold": "7"}
        shown = client.post(address_of("difference"), sent | {"save": "1", "reason": "haste"})
        assert shown.context["differences"]
        assert config.get("difference").threshold == 5.0

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("threshold", "-1", "difference.threshold is -1.0: "),
            ("threshold", "high", "Enter a number"),
            ("threshold", "", "This field is required"),
            ("threshold", "nan", "Enter a number"),
            ("tile", "100.5", "Enter a whole number"),
            ("tile", "31", "greater than or equal to 32"),
            ("algorithm", "magic", "not one of the available choices"),
        ],
    )
    def test_a_bad_value_is_refused_beside_its_field(self, client, field, value, words):
        page = submit(client, address_of("difference"), {f"difference-{field}": value})
        assert words in errors_of(page)
        assert row().value == keys.default_value("difference")

    def test_fields_that_do_not_fit_each_other_are_refused(self, client):
        changed = {"pipeline-max_backoff_seconds": "1"}
        assert "it must not be below" in errors_of(submit(client, address_of("pipeline"), changed))

    def test_a_number_may_be_left_out_where_none_is_allowed(self, client):
        changed = {"preprocess-min_limiting_magnitude": "18.5"}
        assert submit(client, address_of("preprocess"), changed).status_code == 302
        assert config.get("preprocess").min_limiting_magnitude == 18.5
        changed = {"preprocess-min_limiting_magnitude": None}
        assert submit(client, address_of("preprocess"), changed).status_code == 302
        assert config.get("preprocess").min_limiting_magnitude is None

    def test_rules_are_added_changed_and_removed_in_a_list(self, client):
        new = {
            "alert_rules-0-name": "bright",
            "alert_rules-0-min_confidence": "0.9",
            "alert_rules-0-detection_types": ["supernova", "transient"],
            "alert_rules-0-channels": "night desk\nmorning desk",
        }
        assert submit(client, address_of("alert_rules"), new).status_code == 302
        (rule,) = config.get("alert_rules")
        assert (rule.name, rule.min_confidence, len(rule.detection_types)) == ("bright", 0.9, 2)
        assert rule.channels == ("night desk", "morning desk")
        twice = {"alert_rules-1-name": "bright"}
        assert "names must differ" in errors_of(submit(client, address_of("alert_rules"), twice))
        gone = {"alert_rules-0-DELETE": "on"}
        assert submit(client, address_of("alert_rules"), gone).status_code == 302
        assert config.get("alert_rules") == ()

    def test_switching_a_setting_off_brings_the_defaults_back(self, client):
        submit(client, address_of("difference"), {"difference-threshold": "6.5"})
        submit(client, address_of("difference"), {"difference-active": None})
        assert config.get("difference").threshold == 5.0
        assert "off: the defaults are in force" in list_page(client, SystemConfig).content.decode()

    def test_several_settings_are_changed_at_once_or_not_at_all(self, client):
        page = reverse("admin:catalog_systemconfig_domain", args=["differencing"])
        assert keys_of("differencing") == ["difference", "reference"]
        changed = {"difference-threshold": "6.5", "reference-max_frames": "0"}
        sent = fields_of(client.get(page))
        assert "reference-max_frames" in sent
        client.post(page, sent | changed | {"preview": "1"})
        assert submit(client, page, changed).status_code == 200
        assert config.get("difference").threshold == 5.0
        assert submit(client, page, {"difference-threshold": "6.5"}).status_code == 302
        assert config.get("difference").threshold == 6.5
        assert client.get(page.replace("differencing", "cooking")).status_code == 404

    def test_a_stored_value_that_cannot_be_used_is_said_and_mended(self, client):
        SystemConfig.objects.filter(key="difference").update(value={"tile": 3})
        words = "cannot be used: difference.tile is 3"
        assert words in list_page(client, SystemConfig).content.decode()
        assert words in client.get(address_of("difference")).content.decode().lower()
        assert submit(client, address_of("difference"), {}).status_code == 302
        assert config.get("difference").tile == 512

    def test_a_setting_that_nothing_reads_is_only_shown(self, client):
        old = SystemConfig.objects.create(key="cooking", value={"salt": 1})
        page = row_page(client, old)
        assert page.status_code == 200
        assert "_save" not in page.content.decode()

    def test_settings_are_neither_added_nor_deleted_by_hand(self, client):
        assert client.get(reverse("admin:catalog_systemconfig_add")).status_code == 403
        address = reverse("admin:catalog_systemconfig_delete", args=[row().pk])
        assert client.post(address, {"post": "yes"}).status_code == 403

    def test_the_page_links_to_what_ran_with_the_value(self, client):
        ((_, runs),) = client.get(address_of("difference")).context["sheets"]
        assert client.get(runs).status_code == 200


def test_the_second_of_two_editors_is_told_what_changed(client, staff):
    mine = fields_of(client.get(address_of("difference"))) | {"difference-tile": "256"}
    looked = client.post(address_of("difference"), mine | {"preview": "1"}).context["looked_at"]
    wish = changes.Wish("difference", row().value | {"threshold": 6.0}, is_active=True)
    changes.make([wish], by=make_user("ada"), reason="clouds")
    saved = mine | {"save": "1", "looked_at": looked, "reason": "speed"}
    page = client.post(address_of("difference"), saved)
    assert row().value["tile"] == 512
    # What the other one changed is among the differences now, so the form may not just be sent
    assert {each.field for each in page.context["differences"]} == {"threshold", "tile"}
    again = saved | {"looked_at": page.context["looked_at"]}
    page = client.post(address_of("difference"), again)
    assert "ada changed threshold from 5.0 to 6.0" in page.content.decode()
    assert row().value["tile"] == 512
    again |= {"difference-seen": row().updated_at.isoformat(), "difference-threshold": "6.0"}
    looked = client.post(address_of("difference"), again | {"preview": "1"}).context["looked_at"]
    assert client.post(address_of("difference"), again | {"looked_at": looked}).status_code == 302
    assert (row().value["tile"], row().value["threshold"]) == (256, 6.0)


def test_any_earlier_value_comes_back_with_one_click(client, staff):
    for threshold in ("6", "7", "8"):
        submit(client, address_of("difference"), {"difference-threshold": threshold})
    second = SettingChange.objects.order_by("id")[1]
    back = reverse("admin:catalog_systemconfig_revert", args=[second.pk])
    assert client.get(back).status_code == 405
    page = client.post(back, follow=True).content.decode()
    assert config.get("difference").threshold == 6.0
    newest = SettingChange.objects.first()
    assert newest.reason.startswith("back to before")
    assert newest.made_by == staff
    assert escape(newest.reason) in page
    assert "in force already" in client.post(back, follow=True).content.decode()
    SettingChange.objects.filter(pk=second.pk).update(value_before={"tile": 3})
    page = client.post(back, follow=True)
    assert any("difference.tile is 3" in str(each) for each in page.context["messages"])


def test_who_may_only_look_is_refused_a_change(client, staff):
    from django.contrib.auth.models import Permission

    looker = make_user(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_systemconfig"))
    submit(client, address_of("difference"), {"difference-threshold": "6"})
    client.force_login(looker)
    page = client.get(address_of("difference"))
    assert "Look at the change" not in page.content.decode()
    assert client.post(address_of("difference"), fields_of(page)).status_code == 403
    back = reverse("admin:catalog_systemconfig_revert", args=[SettingChange.objects.get().pk])
    assert client.post(back).status_code == 403
