"""Who may do what over the API; apart from the rest, since the settings name it."""

from rest_framework.permissions import DjangoModelPermissions


class ModelPermissions(DjangoModelPermissions):
    """Reading takes the view permission, as in the admin."""

    perms_map = DjangoModelPermissions.perms_map | {
        method: ["%(app_label)s.view_%(model_name)s"] for method in ("GET", "HEAD")
    }


class MayOperate(ModelPermissions):
    """Starting and stopping work takes the permission to change its row, as in the admin."""

    perms_map = ModelPermissions.perms_map | {"POST": ["%(app_label)s.change_%(model_name)s"]}
