"""What differencing tells the apps above it, inside the transaction that made it true."""

from django.dispatch import Signal

# Sent with run: DifferenceRun, pending, that somebody asked for beside the one that counts.
comparison_opened = Signal()

# Sent with grid: Observation, on whose grid somebody wants the reference built anew.
reference_wanted = Signal()
