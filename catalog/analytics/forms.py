"""Which days, survey and band somebody asks about."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from catalog.analytics.summary import MOST_DAYS, Wanted
from observations.models import Survey

USUAL_DAYS = 30
_DATE = {"type": "date"}


class WantedForm(forms.Form):
    """Days, a survey and a band; whatever is left out takes its default."""

    first = forms.DateField(label="From", required=False, widget=forms.DateInput(_DATE, "%Y-%m-%d"))
    last = forms.DateField(label="To", required=False, widget=forms.DateInput(_DATE, "%Y-%m-%d"))
    survey = forms.ModelChoiceField(
        Survey.objects.order_by("name"), required=False, empty_label="all surveys"
    )
    band = forms.CharField(
        required=False, max_length=50, widget=forms.TextInput({"size": 6, "placeholder": "all"})
    )

    def clean(self) -> dict[str, Any]:
        """Fill in the days, and refuse those that cannot be."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return given
        last = given["last"] = given["last"] or timezone.now().date()
        first = given["first"] = given["first"] or last - timedelta(days=USUAL_DAYS - 1)
        number = (last - first).days + 1
        if number < 1:
            self.add_error("last", f"{last} is before {first}.")
        elif number > MOST_DAYS:
            self.add_error("first", f"{number} days are too many: at most {MOST_DAYS} at once.")
        return given

    @property
    def wanted(self) -> Wanted:
        """What was asked; where that makes no sense, the usual days."""
        if not self.is_valid():
            return usual()
        given = self.cleaned_data
        survey = given["survey"].pk if given["survey"] else None
        return Wanted(given["first"], given["last"], survey, given["band"])


def usual(last: date | None = None) -> Wanted:
    """Give the last thirty days."""
    last = last or timezone.now().date()
    return Wanted(last - timedelta(days=USUAL_DAYS - 1), last)
