"""Who may come in by what: keys of programs, tokens of other issuers, and how often."""
