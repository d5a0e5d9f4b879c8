"""Accounts of this site and what they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class AccountBackend(ModelBackend):
    """Django's accounts, whose own permissions and those of their groups are one query."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Give the permissions of an account, kept on it for as long as the request lasts."""
        if user_obj.is_superuser or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)
        if not hasattr(user_obj, "_perm_cache"):
            rows = Permission.objects.order_by().values_list("content_type__app_label", "codename")
            found = rows.filter(user=user_obj).union(rows.filter(group__user=user_obj))
            user_obj._perm_cache = {f"{label}.{name}" for label, name in found}
        return set(user_obj._perm_cache)
