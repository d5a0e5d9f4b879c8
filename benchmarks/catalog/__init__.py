"""The catalog at size: searches, matches, writes, lists and exports, beside their peers."""
