"""The form in which somebody types a query."""

from django import forms

from catalog.vo.examples import EXAMPLES

LONGEST = 100_000


class QueryForm(forms.Form):
    """A query, and how many rows of its answer are wanted."""

    query = forms.CharField(
        label="ADQL",
        max_length=LONGEST,
        initial=EXAMPLES[0].query,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "false", "autocapitalize": "off"}),
    )
    maxrec = forms.IntegerField(
        label="Rows at most",
        required=False,
        min_value=0,
        help_text="Left empty, as many as this site gives.",
    )
