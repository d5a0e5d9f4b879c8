"""What the scripts of the review pages need to know before they ask for items."""

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from curation import taxonomy
from curation.models import Curator, ReviewQueue, ValidationLabel

# Stored with each verdict: what it rests on.
_WORDS = ("figures", "badges", "series")
_PIXELS = ("science", "reference", "difference", "significance")
_OPINIONS = ("score", "votes")


def config_of(queue: ReviewQueue, person: User) -> dict[str, Any]:
    """Give addresses, words, settings and the queue's policy, as JSON."""
    words = _WORDS if queue.blind else (*_WORDS, *_OPINIONS)
    return {
        "person": person.pk,
        "queue": {"slug": queue.slug, "name": queue.name, "blind": queue.blind},
        "labels": labels(),
        "urls": _addresses(queue),
        "preferences": preferences_of(person),
        "shown": [*words, *_PIXELS],
        "shown_without_pixels": list(words),
    }


def adjudication_config(person: User) -> dict[str, Any]:
    """Give what the adjudication page needs: that of a queue which everything is shown of."""
    queue = ReviewQueue(slug="adjudication", name="Adjudication", blind=False)
    config = config_of(queue, person)
    return config | {"urls": config["urls"] | {"lease": reverse("curation:cases")}}


def labels() -> list[dict[str, Any]]:
    """Give the words in force, those with a key of their own first."""
    rows = dict(ValidationLabel.objects.filter(is_active=True).values_list("name", "is_real"))
    first = [name for name in taxonomy.MAIN if name in rows]
    order = [*first, *sorted(rows.keys() - set(first))]
    return [{"name": name, "words": _in_words(name), "real": rows[name]} for name in order]


def _in_words(name: str) -> str:
    is_short = len(name) <= len("agn")  # an abbreviation
    return name.upper() if is_short else name.replace("_", " ")


def preferences_of(person: User) -> dict[str, Any]:
    """Give what a person set on the console."""
    found = Curator.objects.filter(user=person).values_list("preferences", flat=True).first()
    return dict(found or {})


def _addresses(queue: ReviewQueue) -> dict[str, str]:
    plain = {name: reverse(f"curation:{name}") for name in _ENDPOINTS}
    return plain | {"lease": reverse("curation:lease", args=[queue.slug])}


_ENDPOINTS = ("verdicts", "heartbeat", "release", "preferences")
