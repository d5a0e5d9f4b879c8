"""Pages of the API; apart from the rest, since the framework's settings name them."""

from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """Pages of 100 rows, 1,000 at the most."""

    default_limit = 100
    max_limit = 1000
