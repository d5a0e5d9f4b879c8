"""How a network comes into force: a proof, a wish, the approval of a second person; and back."""

import logging

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from astrid.core.hints import nudge
from astrid.core.locks import queue_up
from astrid.core.states import transition
from detection import registry
from detection.errors import NotPromotable
from detection.models import ChangeKind, ChangeStatus, Comparison, Model, ModelChange

logger = logging.getLogger(__name__)


def proof_of(row: Model) -> Comparison | None:
    """Give the newest proof that a network is no worse than the one in force."""
    champion = registry.champion(row.model_type)
    latest = Comparison.objects.filter(challenger=row, champion=champion, is_real_set=True)
    return next((each for each in latest.order_by("-id") if each.is_proof), None)


@transaction.atomic
def ask(row: Model, *, by: User, reason: str = "") -> ModelChange:
    """Ask that a network come into force; somebody else decides.

    Raises
    ------
    NotPromotable
        If it is in force, was asked for already, or lacks the proof.
    BadWeights
        If its weights cannot be used.
    """
    queue_up("model registry")
    registry.open_weights(row)
    champion = registry.champion(row.model_type)
    if champion == row:
        raise NotPromotable(f"{row} is in force already")
    if ModelChange.objects.filter(model=row, status=ChangeStatus.REQUESTED).exists():
        raise NotPromotable(f"{row} was asked for already and waits for a decision")
    return ModelChange.objects.create(
        kind=ChangeKind.PROMOTION,
        model=row,
        previous=champion,
        comparison=_checked_proof(row, champion),
        requested_by=by,
        reason=reason,
    )


def _checked_proof(row: Model, champion: Model | None) -> Comparison | None:
    """Give the proof; where nothing is in force there is nothing to be worse than."""
    proof = proof_of(row)
    if proof is None and champion is not None:
        raise NotPromotable(
            f"nothing shows that {row} is no worse than {champion} on real stamps: run "
            "compare_models on a set of real stamps"
        )
    return proof


@transaction.atomic
def approve(change: ModelChange, *, by: User) -> None:
    """Put the network that somebody else asked for into force.

    Raises
    ------
    NotPromotable
        If the same person asked, or another network has come into force since.
    InvalidTransition
        If it was decided already.
    BadWeights
        If its weights cannot be used.
    """
    queue_up("model registry")
    if change.requested_by_id == by.pk:
        raise NotPromotable(
            f"{by.get_username()} asked for {change.model}: somebody else has to approve it"
        )
    registry.open_weights(change.model)
    champion = registry.champion(change.model.model_type)
    if champion != change.previous:
        raise NotPromotable(
            f"{change.model} was compared with {change.previous}, but {champion} is in force now: "
            "refuse this, compare again and ask again"
        )
    transition(change, ChangeStatus.DONE, decided_by=by, decided_at=timezone.now())
    registry.put_in_force(change.model)
    nudge("detection.tasks.mirror_models")
    logger.info("%s put %s in force", by.get_username(), change.model)


def refuse(change: ModelChange, *, by: User, decision: str = "") -> None:
    """Leave things as they are; who asked may take the wish back this way.

    Raises
    ------
    InvalidTransition
        If it was decided already.
    """
    transition(
        change, ChangeStatus.REFUSED, decided_by=by, decided_at=timezone.now(), decision=decision
    )


def before(row: Model) -> Model | None:
    """Give the network that the one in force replaced when it was promoted."""
    done = ModelChange.objects.filter(
        model=row, kind=ChangeKind.PROMOTION, status=ChangeStatus.DONE, previous__isnull=False
    )
    change = done.select_related("previous").order_by("-id").first()
    return change.previous if change else None


@transaction.atomic
def roll_back(row: Model, *, by: User, reason: str = "") -> ModelChange:
    """Put the network before ``row``, which is in force, back into force at once.

    Raises
    ------
    NotPromotable
        If ``row`` is not in force, or replaced none.
    BadWeights
        If the weights of the one before cannot be used any more.
    """
    queue_up("model registry")
    row.refresh_from_db()
    earlier = before(row)
    if not row.is_active or earlier is None:
        state = "replaced no other network" if row.is_active else "is not in force"
        raise NotPromotable(f"{row} {state}: there is nothing to go back to")
    registry.open_weights(earlier)
    registry.put_in_force(earlier)
    nudge("detection.tasks.mirror_models")
    logger.warning("%s went back from %s to %s", by.get_username(), row, earlier)
    return ModelChange.objects.create(
        kind=ChangeKind.ROLLBACK,
        model=earlier,
        previous=row,
        requested_by=by,
        reason=reason,
        decided_at=timezone.now(),
        status=ChangeStatus.DONE,
    )
