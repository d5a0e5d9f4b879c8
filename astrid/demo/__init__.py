"""What ``make demo`` does beyond the pipeline: a night to look at, accounts, a summary."""
