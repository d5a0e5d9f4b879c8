"""The form in which staff change a setting."""

import json
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput

from catalog.models import SystemConfig


class ReadableJSONField(forms.JSONField):
    """JSON with one field to a line."""

    widget = forms.Textarea(attrs={"rows": 16, "cols": 80, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Write the value over several lines; text that is no JSON stays as it was typed."""
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class SettingForm(forms.ModelForm):
    """One setting; its model refuses a bad value with the reason."""

    value = ReadableJSONField(
        required=False,  # an empty list is a value; what is not one, the model refuses
        help_text="Fields that you leave out take their defaults. The table below says what "
        "each of them means.",
        error_messages={"invalid": "This is no JSON: check commas, quotes and brackets."},
    )

    class Meta:
        model = SystemConfig
        fields = ("value", "is_active")
