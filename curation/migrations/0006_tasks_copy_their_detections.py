"""Older tasks get what queues filter by, and who has seen them."""

from django.db import migrations

COPY = """
UPDATE curation_reviewtask AS task SET
    survey_id = taken.survey_id,
    band = taken.filter_band,
    kind = found.detection_type,
    snr = candidate.snr,
    flags = CASE WHEN candidate.id IS NULL THEN 0 ELSE
        candidate.is_saturated::int + 2 * candidate.is_edge::int + 4 * candidate.is_dipole::int
        + 8 * candidate.near_bright_star::int + 16 * (candidate.mask_bits <> 0)::int
        + 32 * candidate.is_blended::int + 64 * candidate.is_negative::int END,
    is_new_object = coalesce(thing.first_seen >= taken.observation_time, true),
    near_galaxy = coalesce(
        NOT (beside->>'is_point')::boolean AND (beside->>'half_light_radii')::float8 <= 3, false
    ),
    votes = cardinality(voters),
    seen_by = voters
FROM detection_detection AS found
JOIN observations_observation AS taken ON taken.id = found.observation_id
LEFT JOIN differencing_candidate AS candidate ON candidate.id = found.candidate_id
LEFT JOIN detection_skyobject AS thing ON thing.id = found.sky_object_id
CROSS JOIN LATERAL (
    SELECT nullif(found.prediction_metadata->'context'->'neighbour', 'null') AS beside,
           ARRAY(
               SELECT event.validator_id FROM curation_validationevent AS event
               WHERE event.detection_id = found.id AND NOT EXISTS (
                   SELECT FROM curation_validationevent AS later WHERE later.supersedes_id = event.id
               ) ORDER BY 1
           ) AS voters
) AS derived
WHERE task.detection_id = found.id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0005_queues_and_leases"),
        ("detection", "0006_what_serving_stores"),
        ("observations", "0007_raw_frames_of_the_camera"),
    ]

    # The columns go with the migration before: nothing is to be undone here.
    operations = [migrations.RunSQL(COPY, migrations.RunSQL.noop)]
