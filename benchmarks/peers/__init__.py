"""Programs that subtract images, each behind the same three functions.

A module here names its method (``METHOD``), and gives ``version() -> str`` (an `ImportError` or
`FileNotFoundError` says that it is not installed), ``prepare(job)`` (reads and converts the inputs,
not measured) and ``run(inputs)`` (measured), which returns maps: ``significance`` with ``flux``, or
``difference`` with ``variance``. Every method runs in a process of its own, so the peers need not
be installed beside this project, and none of them is ever part of it.
"""
