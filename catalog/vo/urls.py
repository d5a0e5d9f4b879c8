"""Addresses of the Virtual Observatory services."""

from django.urls import path, re_path

from catalog.vo import datalink, examples, files, jobs, scs, sia, tap, vosi
from catalog.vo.soda import views as soda

app_name = "vo"
_CONES = "|".join(scs.SERVED)
_PARTS = "phase|owner|quote|executionduration|destruction|error|parameters|results"
_KEY = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SERVICES = "|".join(vosi.SERVICES)

urlpatterns = [
    re_path(r"^scs/?$", scs.ConeView.as_view(), name="scs"),
    re_path(rf"^scs/(?P<name>{_CONES})/?$", scs.ConeView.as_view(), name="scs-of"),
    re_path(r"^sia2(?:/query)?/?$", sia.ImagesView.as_view(), name="sia2"),
    re_path(r"^datalink/links/?$", datalink.LinksView.as_view(), name="datalink"),
    re_path(r"^soda/sync/?$", soda.CutView.as_view(), name="soda"),
    re_path(
        rf"^files/(?P<kind>{'|'.join(files.KINDS)})/(?P<key>{_KEY})$",
        files.FileView.as_view(),
        name="file",
    ),
    re_path(r"^tap/sync/?$", tap.SyncView.as_view(), name="tap-sync"),
    re_path(r"^tap/async/?$", jobs.JobsView.as_view(), name="tap-async"),
    re_path(rf"^tap/async/(?P<key>{_KEY})/?$", jobs.JobView.as_view(), name="tap-job"),
    re_path(
        rf"^tap/async/(?P<key>{_KEY})/results/result$", jobs.ResultView.as_view(), name="tap-result"
    ),
    re_path(rf"^tap/async/(?P<key>{_KEY})/(?P<part>{_PARTS})/?$", jobs.PartView.as_view()),
    re_path(rf"^(?P<service>{_SERVICES})/capabilities$", vosi.CapabilitiesView.as_view()),
    re_path(rf"^(?P<service>{_SERVICES})/availability$", vosi.AvailabilityView.as_view()),
    re_path(r"^(?:tap|scs)/tables/?$", vosi.TablesView.as_view(), name="tables"),
    path("tap/examples", examples.ExamplesView.as_view(), name="tap-examples"),
    path("tap/tables/<str:name>", vosi.TablesView.as_view(), name="table"),
]
