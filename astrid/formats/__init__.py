"""How dates and times are written and read: ISO 8601, as observers write them, in UTC."""
