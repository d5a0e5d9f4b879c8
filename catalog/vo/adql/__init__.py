"""ADQL, the query language of the Virtual Observatory, made into safe PostgreSQL.

Text becomes a tree (:mod:`parser`, :mod:`syntax`), and the tree becomes a statement
(:mod:`translate`) over the tables and columns that were published (:mod:`schema`). Nothing that a
caller wrote gets into the statement: names are looked up, functions are on a list, and every value
travels as a parameter. No module here knows Django.

Reference: Mantelet et al. 2023, Astronomical Data Query Language 2.1, IVOA Recommendation.
"""
