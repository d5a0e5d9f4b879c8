"""The WSGI application that a web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from astrid import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrid.settings")
application = get_wsgi_application()
# Keep the embedded servers up for as long as this process lives.
embedded.hold(embedded.unset_services(os.environ))
