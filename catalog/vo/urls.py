"""Addresses of the Virtual Observatory services."""

from django.urls import path, re_path

from catalog.vo import scs, tap, vosi

app_name = "vo"
_CONES = "|".join(scs.SERVED)
_SERVICES = "|".join(vosi.SERVICES)

urlpatterns = [
    re_path(r"^scs/?$", scs.ConeView.as_view(), name="scs"),
    re_path(rf"^scs/(?P<name>{_CONES})/?$", scs.ConeView.as_view(), name="scs-of"),
    re_path(r"^tap/sync/?$", tap.SyncView.as_view(), name="tap-sync"),
    re_path(rf"^(?P<service>{_SERVICES})/capabilities$", vosi.CapabilitiesView.as_view()),
    re_path(rf"^(?P<service>{_SERVICES})/availability$", vosi.AvailabilityView.as_view()),
    re_path(r"^(?:tap|scs)/tables/?$", vosi.TablesView.as_view(), name="tables"),
    path("tap/tables/<str:name>", vosi.TablesView.as_view(), name="table"),
]
