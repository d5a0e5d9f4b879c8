"""What one fills in to get a key, or an account for a program."""

from typing import Any

from django import forms
from django.contrib.auth.validators import UnicodeUsernameValidator

from catalog import config
from catalog.access.keys import MANAGES_SERVICES
from catalog.access.models import ServiceAccount
from catalog.access.scopes import READ, SCOPES, VO
from curation.roles import ROLES


class KeyForm(forms.Form):
    """A new key; people who may keep service accounts choose whose."""

    name = forms.CharField(
        max_length=100, label="Name", help_text="What it is for, or on which machine it lies."
    )
    days = forms.IntegerField(min_value=1, label="Days that it holds")
    scopes = forms.MultipleChoiceField(
        choices=[(name, f"{name}: {words}") for name, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
        help_text="Never more than the account that it belongs to.",
    )

    def __init__(self, person: Any, data: Any = None) -> None:
        rules = config.get("access")
        super().__init__(data, initial={"days": rules.key_days, "scopes": [READ, VO]})
        if person.has_perm(MANAGES_SERVICES):
            self.fields["service"] = forms.ModelChoiceField(
                ServiceAccount.objects.select_related("user").order_by("user__username"),
                required=False,
                label="For",
                empty_label="myself",
            )


class ServiceForm(forms.Form):
    """A new account of a program."""

    name = forms.CharField(
        max_length=150, label="Account name", validators=[UnicodeUsernameValidator()]
    )
    purpose = forms.CharField(max_length=200, label="What the program does")
    role = forms.ChoiceField(
        choices=[(role, role) for role in ROLES if role != "operator"],
        label="Role",
        initial="viewer",
    )
