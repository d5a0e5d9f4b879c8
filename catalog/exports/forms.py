"""The form in which staff ask for a file."""

from typing import Any

from django import forms

from catalog.exports import service
from catalog.models import ExportJob


class ExportForm(forms.ModelForm):
    """A query and a format; what this person may not see, or cannot be, is refused at once."""

    adql = forms.CharField(
        label="query",
        initial="SELECT * FROM astrid.entries",
        widget=forms.Textarea(attrs={"rows": 6, "cols": 80, "spellcheck": "false"}),
        help_text="A table such as astrid.detections, or SELECT ... in ADQL.",
    )
    person: Any = None

    class Meta:
        model = ExportJob
        fields = ("file_format",)

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be answered."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if {"adql", "file_format"} <= set(given):
            try:
                service.check(given["adql"], given["file_format"], service.seen_by(self.person))
            except service.BadExport as error:
                self.add_error("adql", str(error))
        return given
