"""The form that a verdict comes in on the page of an object."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from astrid.core.ids import new_id
from curation import policy, taxonomy
from curation.errors import NotFound
from curation.models import ConfidenceLevel, ValidationEvent, ValidationLabel
from curation.parameters import ReviewPolicy
from curation.services import judge, withdraw
from detection.models import Detection

REAL, BOGUS, UNSURE = "real", "bogus", "unsure"
_VERDICTS = {REAL: True, BOGUS: False, UNSURE: None}
# As the review page has them: word, shape.
_BUTTONS = ((REAL, "Real", "●"), (BOGUS, "Bogus", "✕"), (UNSURE, "Unsure", "?"))
# What changes one's verdict in force: a comment says it once more, with these words.
COMMENT, WITHDRAW = "comment", "withdraw"
MOST_TAGS, LONGEST_TAG = 50, 50


class VerdictForm(forms.Form):
    """A verdict: a button (real, bogus, unsure, or a class) with what the curator adds."""

    choice = forms.CharField(max_length=50)
    label = forms.ChoiceField(required=False, label="Finer label")
    confidence_level = forms.ChoiceField(required=False, label="How sure")
    notes = forms.CharField(
        required=False, label="Comment", widget=forms.Textarea(attrs={"rows": 2}), max_length=5000
    )
    tags = forms.CharField(
        required=False,
        label="Tags, with commas between",
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
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
        """Give the buttons: verdicts first, then the main classes."""
        classes = [name for name in taxonomy.MAIN if name in self.real_labels]
        named = [(name, name.capitalize(), "") for name in classes]
        return [
            {"value": value, "words": words, "shape": shape, "kind": self._kind(value)}
            for value, words, shape in (*_BUTTONS, *named)
        ]

    def _kind(self, value: str) -> str:
        if value in _VERDICTS:
            return value
        return REAL if self.real_labels[value] else BOGUS

    def clean_choice(self) -> str:
        """Refuse a button that is not on the form."""
        choice: str = self.cleaned_data["choice"]
        if choice not in {*_VERDICTS, *self.real_labels, COMMENT, WITHDRAW}:
            raise forms.ValidationError(f"{choice!r} is neither a verdict nor a label.")
        return choice

    def clean_tags(self) -> list[str]:
        """Take words with commas between apart."""
        tags = [tag.strip() for tag in self.cleaned_data["tags"].split(",")]
        tags = list(dict.fromkeys(tag for tag in tags if tag))
        long = [tag for tag in tags if len(tag) > LONGEST_TAG]
        if long or len(tags) > MOST_TAGS:
            raise forms.ValidationError(
                f"{long[0] if long else len(tags)!r}: at most {MOST_TAGS} tags of {LONGEST_TAG} "
                "characters each"
            )
        return tags

    def record(self, detection: Detection, by: User, shown: tuple[str, ...]) -> ValidationEvent:
        """Judge ``detection`` as the form says, or take one's verdict back.

        Raises
        ------
        AstridError
            As :func:`curation.services.judge` does; NotFound if there is no verdict to comment.
        """
        given, in_force = self.cleaned_data, policy.in_force(ReviewPolicy)
        key, took = given["client_uuid"], given["ms_spent"]
        if given["choice"] == WITHDRAW:
            return withdraw(detection, by=by, policy=in_force, client_uuid=key, ms_spent=took)
        is_valid, label = self._said(detection, by)
        return judge(
            detection,
            by=by,
            is_valid=is_valid,
            label=label,
            policy=in_force,
            confidence_level=given["confidence_level"],
            notes=given["notes"],
            tags=given["tags"],
            client_uuid=key,
            ms_spent=took,
            shown_fields=shown,
        )

    def _said(self, detection: Detection, by: User) -> tuple[bool | None, str | None]:
        choice, finer = self.cleaned_data["choice"], self.cleaned_data["label"]
        if choice != COMMENT:
            is_valid = _VERDICTS.get(choice, self.real_labels.get(choice))
            return is_valid, finer or (None if choice in _VERDICTS else choice)
        mine = ValidationEvent.objects.current().filter(detection=detection, validator=by).first()
        if mine is None:
            raise NotFound("a comment goes with a verdict, and you have given none here: judge it")
        return None if mine.is_unsure else mine.is_valid, mine.label


def errors_in_words(form: forms.Form) -> str:
    """Give what is wrong with a form as one line."""
    return " ".join(f"{name}: {' '.join(map(str, found))}" for name, found in form.errors.items())
