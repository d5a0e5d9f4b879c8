"""The registry of MLflow follows the rows: versions, and the aliases champion and challenger."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings

from astrid.core.errors import AstridError
from detection import registry, tracking
from detection.models import Model

if TYPE_CHECKING:
    from mlflow import MlflowClient

logger = logging.getLogger(__name__)
ALIASES = ("champion", "challenger")


class NotMirrored(AstridError):
    """MLflow did not take what the database says; nothing but MLflow is behind."""


def mirror() -> int:
    """Enter networks that MLflow does not know and set its aliases; say how many were new.

    Done twice, it changes nothing the second time.

    Raises
    ------
    NotMirrored
        If MLflow cannot be reached or refuses.
    BadWeights
        If weights that MLflow does not have cannot be read.
    """
    from mlflow.exceptions import MlflowException

    try:
        mlflow = tracking.client()
        new = list(Model.objects.filter(mlflow_version="").exclude(model_path=None).order_by("id"))
        for row in new:
            _enter(mlflow, row)
        _point(mlflow, Model.objects.exclude(mlflow_version=""))
    except (MlflowException, OSError) as error:
        raise NotMirrored(
            f"MLflow at {settings.MLFLOW_TRACKING_URI} did not take the networks: {error}; the "
            "next run of mirror_models tries again"
        ) from error
    return len(new)


def _enter(mlflow: "MlflowClient", row: Model) -> None:
    """Make a version of a row, with a run behind it, and write both on the row."""
    run_id = row.mlflow_run_id or tracking.log(registry.open_weights(row))
    if not mlflow.search_registered_models(f"name = '{row.name}'"):
        mlflow.create_registered_model(row.name)
    version = mlflow.create_model_version(
        row.name,
        source=mlflow.get_run(run_id).info.artifact_uri,
        run_id=run_id,
        tags={"version": row.version, "sha256": row.sha256, "type": row.model_type},
    )
    row.mlflow_run_id, row.mlflow_version = run_id, str(version.version)
    row.save(update_fields=["mlflow_run_id", "mlflow_version", "updated_at"])
    logger.info("%s is version %s of %s in MLflow", row, row.mlflow_version, row.name)


def _point(mlflow: "MlflowClient", rows: Iterable[Model]) -> None:
    """Let each alias of each name mean the version that has this role, or nothing."""
    wanted: dict[str, dict[str, str]] = {}
    for row in rows:
        roles = wanted.setdefault(row.name, {})
        if row.role:
            roles[row.role] = row.mlflow_version
    for name, roles in wanted.items():
        # A store in a database gives versions as numbers, a server as text.
        found = mlflow.get_registered_model(name).aliases
        there = {alias: str(version) for alias, version in found.items()}
        for alias in ALIASES:
            if alias in roles and there.get(alias) != roles[alias]:
                mlflow.set_registered_model_alias(name, alias, roles[alias])
            if alias in there and alias not in roles:
                mlflow.delete_registered_model_alias(name, alias)
