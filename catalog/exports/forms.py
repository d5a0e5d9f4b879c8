"""The forms in which people ask for a file, and keep queries."""

from typing import Any

from django import forms

from catalog.exports import service
from catalog.exports.models import SavedQuery
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


class SavedQueryForm(forms.ModelForm):
    """A query that its owner may ask."""

    person: Any = None

    class Meta:
        model = SavedQuery
        fields = ("name", "adql", "file_format", "is_shared", "hour", "keep")
        labels = {
            "adql": "Query",
            "file_format": "Format of its files",
            "is_shared": "Share it",
            "hour": "Every night at (hour, UTC)",
            "keep": "Files to keep",
        }
        widgets = {"adql": forms.Textarea(attrs={"rows": 6, "cols": 80, "spellcheck": "false"})}

    def clean(self) -> dict[str, Any]:
        """Refuse a second query of the same name, and what cannot be answered."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        owner = self.instance.owner_id or self.person.pk
        own = SavedQuery.objects.filter(owner=owner, name=given.get("name", ""))
        if own.exclude(pk=self.instance.pk).exists():
            self.add_error("name", "You have a query of this name already.")
        if {"adql", "file_format"} <= set(given):
            try:
                service.check(given["adql"], given["file_format"], service.seen_by(self.person))
            except service.BadExport as error:
                self.add_error("adql", str(error))
        return given
