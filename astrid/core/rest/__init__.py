"""How every endpoint reads, refuses and answers; the settings name what is here."""
