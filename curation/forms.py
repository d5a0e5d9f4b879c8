"""The form that a verdict comes in on the page of a detection."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from astrid.core.ids import new_id
from curation import policy, taxonomy
from curation.models import ConfidenceLevel, ValidationEvent, ValidationLabel
from curation.parameters import ReviewPolicy
from curation.services import judge
from detection.models import Detection

REAL, BOGUS, UNSURE = "real", "bogus", "unsure"
_VERDICTS = {REAL: True, BOGUS: False, UNSURE: None}
_BUTTONS = ((REAL, "Real", "r"), (BOGUS, "Bogus", "b"), (UNSURE, "Unsure", "?"))


class VerdictForm(forms.Form):
    """A verdict: a button (real, bogus, unsure, or a class) with what the curator adds."""

    choice = forms.CharField(max_length=50)
    label = forms.ChoiceField(required=False, label="Finer label")
    confidence_level = forms.ChoiceField(required=False, label="How sure")
    notes = forms.CharField(
        required=False, label="Note", widget=forms.Textarea(attrs={"rows": 2}), max_length=5000
    )
    client_uuid = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    ms_spent = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        labels = ValidationLabel.objects.filter(is_active=True).order_by("name")
        self.real_labels = {label.name: label.is_real for label in labels}
        as_choices = [(name, name.replace("_", " ")) for name in self.real_labels]
        self.fields["label"].choices = [("", "none"), *as_choices]  # type: ignore[attr-defined]
        levels = [("", "not said"), *ConfidenceLevel.choices]
        self.fields["confidence_level"].choices = levels  # type: ignore[attr-defined]

    @property
    def buttons(self) -> list[dict[str, str]]:
        """Give the buttons with their keys: verdicts first, then the main classes."""
        classes = [name for name in taxonomy.MAIN if name in self.real_labels]
        numbered = [(name, name.capitalize(), str(n)) for n, name in enumerate(classes, 1)]
        return [
            {"value": value, "words": words, "key": key, "kind": self._kind(value)}
            for value, words, key in (*_BUTTONS, *numbered)
        ]

    def _kind(self, value: str) -> str:
        if value in _VERDICTS:
            return value
        return REAL if self.real_labels[value] else BOGUS

    def clean_choice(self) -> str:
        """Refuse a button that is not on the form."""
        choice: str = self.cleaned_data["choice"]
        if choice not in _VERDICTS and choice not in self.real_labels:
            raise forms.ValidationError(f"{choice!r} is neither a verdict nor a label.")
        return choice

    def record(self, detection: Detection, by: User, shown: tuple[str, ...]) -> ValidationEvent:
        """Judge ``detection`` as the form says.

        Raises
        ------
        AstridError
            As :func:`curation.services.judge` does.
        """
        given = self.cleaned_data
        choice, finer = given["choice"], given["label"]
        return judge(
            detection,
            by=by,
            is_valid=_VERDICTS.get(choice, self.real_labels.get(choice)),
            label=finer or (None if choice in _VERDICTS else choice),
            policy=policy.in_force(ReviewPolicy),
            confidence_level=given["confidence_level"],
            notes=given["notes"],
            client_uuid=given["client_uuid"],
            ms_spent=given["ms_spent"],
            shown_fields=shown,
        )


def errors_in_words(form: forms.Form) -> str:
    """Give what is wrong with a form as one line."""
    return " ".join(f"{name}: {' '.join(map(str, found))}" for name, found in form.errors.items())
