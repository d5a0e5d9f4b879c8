"""News for the apps above; sent inside the transaction of the verdict.

Both carry ``detection`` (a row whose status was just written). A receiver that raises undoes
the verdict: a confirmation without its catalog entry does not exist.
"""

from django.dispatch import Signal

# Sent whenever a verdict leaves a detection confirmed, also when only its label changed.
detection_confirmed = Signal()
# Sent when a verdict takes a confirmation back.
detection_unconfirmed = Signal()
