"""Template tags of detections."""
