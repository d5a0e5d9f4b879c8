"""What stands out of a difference, and fluxes at given places."""
