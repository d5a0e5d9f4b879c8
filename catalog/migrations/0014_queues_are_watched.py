"""The audit log sees saved queues and skips; what judging moves on a task tells nothing new."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("catalog.migrations.0007_audit_by_trigger")
TASKS = ("curation_reviewtask", "curation.ReviewTask")
LEASED = BEFORE.ROW_TIMES + ",lease_holder_id,lease_end,done_at"
JUDGED = BEFORE.ROW_TIMES + ",votes,votes_required,seen_by,learning,sampling_weight,busy_until,done_at"
WATCHED = (
    ("curation_reviewqueue", "curation.ReviewQueue", BEFORE.ROW_TIMES),
    ("curation_reviewqueue_curators", "curation.ReviewQueue_curators", ""),
    ("curation_skippedtask", "curation.SkippedTask", BEFORE.ROW_TIMES),
)


def _attach(table: str, label: str, ignored: str) -> str:
    return BEFORE.ATTACH.format(table=table, label=label, masked="", ignored=ignored)


def _again(table: str, label: str, ignored: str) -> str:
    return BEFORE.DETACH.format(table=table) + _attach(table, label, ignored)


class Migration(migrations.Migration):

    dependencies = [
        ("curation", "0006_tasks_copy_their_detections"),
        ("catalog", "0013_networks_are_promoted_by_people"),
    ]

    operations = [
        migrations.RunSQL(_again(*TASKS, JUDGED), _again(*TASKS, LEASED)),
        *(
            migrations.RunSQL(_attach(*each), BEFORE.DETACH.format(table=each[0]))
            for each in WATCHED
        ),
    ]
