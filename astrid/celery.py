"""The Celery application."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_process_init
from threadpoolctl import threadpool_limits

from astrid import embedded
from astrid.core.threads import hold_threads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrid.settings")
app = Celery("astrid")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["astrid"], related_name="pipeline")


@celeryd_init.connect
@beat_init.connect
def _hold_servers(**_: Any) -> None:
    """Keep the embedded servers up for as long as this worker or beat lives."""
    embedded.hold(embedded.unset_services(os.environ))


@worker_process_init.connect
def _one_thread_each(**_: Any) -> None:
    """Leave one core to each worker process: threads that wait for each other cost more."""
    threadpool_limits(1)
    hold_threads(1)
