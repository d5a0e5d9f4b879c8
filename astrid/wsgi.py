"""The WSGI application that a web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from astrid import embedded
from astrid.chunks import whole_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrid.settings")
application = whole_bodies(get_wsgi_application())
# Keep the embedded servers up for as long as this process lives.
embedded.hold(embedded.unset_services(os.environ))
