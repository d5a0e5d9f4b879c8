"""What detection tells the apps above it, inside the transaction that made it true."""

from django.dispatch import Signal

# Sent with detections: list[Detection], those of one difference, stored and joined to objects.
detections_made = Signal()
