"""Forms of settings, made from the dataclasses that check them."""

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

from django import forms

from astrid.core.parameters import limits_of
from catalog import keys
from catalog.fieldhelp import FieldHelp, lines_of


class Lines(forms.CharField):
    """A list of words, one to a line."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 40, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Write one word to a line."""
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        """Read the lines that are not empty."""
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists of words, however they are kept."""
        return bool(list(initial or ()) != self.to_python(data))


@dataclass(frozen=True)
class Row:
    """One line of a form: the input and what there is to know of it."""

    bound: forms.BoundField
    help: FieldHelp
    is_default: bool


class SettingForm(forms.Form):
    """The fields of one object of a setting."""

    kind: type

    def rows(self) -> Iterator[Row]:
        """Give each input with its help."""
        for line in lines_of(self.kind):
            value = self[line.name].value()
            yield Row(self[line.name], line, self.fields[line.name].initial == value)

    def value(self) -> dict[str, Any]:
        """Give what was typed, as JSON."""
        return {each.name: _json(self.cleaned_data[each.name]) for each in fields(self.kind)}


def _json(value: Any) -> Any:
    return None if value == "" else value


@cache
def form_of(kind: type) -> type[SettingForm]:
    """Make the form of a dataclass of settings."""
    inputs: dict[str, Any] = {each.name: _input_of(each) for each in fields(kind)}
    return type(f"{kind.__name__}Form", (SettingForm,), {"kind": kind, **inputs})


@cache
def list_of(kind: type) -> Any:
    """Make the forms of a list of such objects, with an empty one to add another."""
    return forms.formset_factory(form_of(kind), extra=1, can_delete=True)


def _input_of(column: Field[Any]) -> forms.Field:
    made = _bare_input(column)
    made.initial = keys.plain_default(column)
    return made


def _bare_input(column: Field[Any]) -> forms.Field:
    annotation: Any = column.type
    if get_origin(annotation) is tuple:
        return _list_input(get_args(annotation)[0])
    parts = get_args(annotation) or (annotation,)
    kind = next(part for part in parts if part is not type(None))
    if kind is bool:
        return forms.BooleanField(required=False)
    if issubclass(kind, Enum):
        return forms.ChoiceField(choices=_choices(kind))
    if kind in (int, float):
        return _number_input(kind, column, is_required=type(None) not in parts)
    if kind is str:
        return forms.CharField(required=column.default is MISSING, strip=True)
    raise TypeError(f"{column.name}: there is no input for {annotation}")


def _list_input(kind: type) -> forms.Field:
    if issubclass(kind, Enum):
        ticks = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=_choices(kind), required=False, widget=ticks)
    return Lines(required=False)


def _choices(kind: type[Enum]) -> list[tuple[str, str]]:
    return [(str(member.value), str(member.value).replace("_", " ")) for member in kind]


def _number_input(kind: type, column: Field[Any], *, is_required: bool) -> forms.Field:
    limits = limits_of(column)
    made = forms.IntegerField if kind is int else forms.FloatField
    step = {} if kind is int else {"step": "any"}
    return made(
        required=is_required,
        min_value=limits.get("ge"),  # type: ignore[arg-type]
        max_value=limits.get("le"),  # type: ignore[arg-type]
        widget=forms.NumberInput(attrs=step),
    )
