"""The Virtual Observatory: cone search, images, tables and links by the protocols of the IVOA."""
