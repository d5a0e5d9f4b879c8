"""The store of light curves beside other ways to keep them in a database."""
