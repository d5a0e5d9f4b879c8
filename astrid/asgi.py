"""The ASGI application that a web server loads."""

import os

from django.core.asgi import get_asgi_application

from astrid import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astrid.settings")
application = get_asgi_application()
# Keep the embedded servers up for as long as this process lives.
embedded.hold(embedded.unset_services(os.environ))
