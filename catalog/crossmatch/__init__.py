"""Tables that people send, matched by position with rows of ours."""
