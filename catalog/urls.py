"""Addresses of the catalog."""

from django.urls import path, re_path

from catalog import entrypages, views
from catalog.crossmatch.views import crossmatch
from catalog.vo.console import views as console

app_name = "catalog"
urlpatterns = [
    path("", views.entries, name="entries"),
    path("objects/<uuid:key>/versions/", entrypages.versions, name="versions"),
    path("entries/<uuid:key>/publish/", entrypages.publish, name="publish"),
    path("entries/<uuid:key>/retract/", entrypages.retract, name="retract"),
    path("crossmatch/", crossmatch, name="crossmatch"),
    path("tap/", console.tables, name="tap"),
    re_path(r"^tap/(?P<key>[0-9a-f-]{36})/(?P<action>abort|remove)/$", console.job, name="tap-job"),
]
