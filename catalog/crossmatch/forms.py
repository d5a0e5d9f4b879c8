"""The form by which somebody sends a table."""

from typing import Any

from django import forms

from catalog.crossmatch.sent import MOST_BYTES, MOST_ROWS
from catalog.crossmatch.service import MOST_RADIUS_ARCSEC, Question
from catalog.models import CrossmatchTarget, ExportFormat


class CrossmatchForm(forms.Form):
    """A table, what to match it with, and how."""

    file = forms.FileField(
        label="Table",
        help_text=f"CSV, ECSV, VOTable, FITS or Parquet, up to {MOST_ROWS:,} rows and "
        f"{MOST_BYTES >> 20} MiB.",
    )
    target = forms.ChoiceField(label="Match with", choices=CrossmatchTarget.choices)
    radius = forms.FloatField(
        label="Radius, arcseconds",
        initial=2.0,
        min_value=0.0,
        max_value=MOST_RADIUS_ARCSEC,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    best = forms.BooleanField(label="Only the nearest of each", required=False, initial=True)
    ra_column = forms.CharField(
        label="Column of right ascension",
        required=False,
        max_length=100,
        help_text="Degrees. Left empty, it is found by its UCD or its name.",
    )
    dec_column = forms.CharField(
        label="Column of declination", required=False, max_length=100, help_text="Likewise."
    )
    file_format = forms.ChoiceField(
        label="Answer as", choices=ExportFormat.choices, initial=ExportFormat.VOTABLE
    )

    def question(self) -> Question:
        """Give what is asked."""
        return question_of(self.cleaned_data)


def question_of(given: dict[str, Any]) -> Question:
    """Give what is asked, from checked answers."""
    return Question(
        target=given["target"],
        radius_arcsec=given["radius"],
        is_best=given["best"],
        ra_column=given["ra_column"],
        dec_column=given["dec_column"],
        file_format=given["file_format"],
    )
