"""Settings, read from the environment once, here and nowhere else."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from astrid import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

STATE = embedded.state_folder()
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or embedded.secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- database, broker, cache: the embedded ones unless the environment names others
DATABASES = {
    "default": env.db_url_config(env.str("DATABASE_URL", default="") or embedded.database_url())
}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        f"DATABASE_URL names {DATABASES['default']['ENGINE']}; AstrID runs on PostgreSQL only"
    )
# Sky searches look dear to the planner and are not: to compile one takes 50 times its own time.
# An address with ?options=... of its own keeps them.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
# Django's cursors prepare nothing either way; those of astrid.core.prepared do.
DATABASES["default"]["OPTIONS"].setdefault("prepare_threshold", 5)
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.str("CACHE_URL", default="") or embedded.cache_url(),
    }
}

# --- files: a folder, or a bucket of an S3-compatible store
_BUCKET = env.str("S3_BUCKET", default="")
_STORAGE = urlsplit(
    env.str("STORAGE_URL", default="")
    or (
        f"s3://{_BUCKET}/{env.str('S3_PREFIX', default='')}" if _BUCKET else f"file://{STATE}/files"
    )
)
if _STORAGE.scheme not in ("file", "s3"):
    raise ImproperlyConfigured(
        f"STORAGE_URL is {_STORAGE.geturl()!r}; it must be file:///folder or s3://bucket/prefix"
    )
_PRODUCTS = (
    {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": _STORAGE.netloc,
            "location": _STORAGE.path.strip("/"),
            "endpoint_url": env.str("S3_ENDPOINT_URL", default="") or None,
            "access_key": env.str("S3_ACCESS_KEY", default="") or None,
            "secret_key": env.str("S3_SECRET_KEY", default="") or None,
            "region_name": env.str("S3_REGION", default="us-east-1"),
            "addressing_style": "path",
            "signature_version": "s3v4",
            "file_overwrite": False,
        },
    }
    if _STORAGE.scheme == "s3"
    else {"BACKEND": "astrid.core.files.WholeFiles", "OPTIONS": {"location": _STORAGE.path}}
)
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(STATE / "uploads")},
    },
    "products": _PRODUCTS,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default="") or None  # empty: served from where they lie
STATICFILES_DIRS = [BASE_DIR / "astrid" / "static"]
WHITENOISE_USE_FINDERS = True
MLFLOW_TRACKING_URI = env.str("MLFLOW_TRACKING_URI", default=f"sqlite:///{STATE}/mlflow.db")

# --- memory: what a process remembers of references, for the next frame of the same field
REFERENCE_CACHE_MB = env.int("REFERENCE_CACHE_MB", default=256)
# From so many light curves on, the arrays of imported ones go to files beside the database.
LIGHTCURVES_IN_DATABASE = env.int("LIGHTCURVES_IN_DATABASE", default=100_000)

# --- applications
INSTALLED_APPS = [
    "astrid",  # first: some of its commands stand before Django's
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "axes",
    "django_celery_beat",
    "lightcurves",
    "observations",
    "preprocessing",
    "differencing",
    "detection",
    "curation",
    "catalog",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "astrid.core.rest.problems.ProblemMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "astrid.csp.content_security_policy",
    "axes.middleware.AxesMiddleware",
    "catalog.audit.AuditMiddleware",
    "catalog.access.limits.headers",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "astrid.urls"
WSGI_APPLICATION = "astrid.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
FORMAT_MODULE_PATH = ["astrid.formats"]  # ISO 8601

# --- people
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "catalog.access.backends.AccountBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
JWT_ISSUERS = env.str("JWT_ISSUERS", default="[]")  # JSON; catalog.access.issuers reads it
LOGIN_URL = "/admin/login/"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_CLIENT_IP_CALLABLE = "catalog.audit.address_of"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # it ends when we said that it would
AXES_LOCKOUT_CALLABLE = "catalog.access.lockout.answer"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]

# --- transport: HTTPS is expected unless only this machine is served
_LOCAL_ONLY = set(ALLOWED_HOSTS) <= {"localhost", "127.0.0.1", "[::1]"}
_SECURE = env.bool("SECURE", default=not (DEBUG or _LOCAL_ONLY))
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=_SECURE)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if _SECURE else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
)
X_FRAME_OPTIONS = "DENY"
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- listeners to live events: each keeps a thread of the web server busy
LIVE_STREAMS = env.int("LIVE_STREAMS", default=8)

# --- addresses in letters to people outside
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")

# --- webhooks: hosts and networks that they may lead to though these are no part of the internet
WEBHOOK_PRIVATE_HOSTS = env.list("WEBHOOK_PRIVATE_HOSTS", default=[])

# --- mail
_MAIL = env.email_url_config(env.str("EMAIL_URL", default="") or f"filemail://{STATE}/mail")
vars().update(_MAIL)
EMAIL_FILE_PATH = Path("/") / _MAIL["EMAIL_FILE_PATH"]  # the reader of the address drops the root
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="astrid@localhost")
EMAIL_TIMEOUT = 20

# --- Celery: the database is the truth, messages are hints
CELERY_BROKER_URL = env.str("BROKER_URL", default="") or embedded.broker_url()
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None  # else beat schedules a clean-up of results that nobody keeps
CELERY_TASK_TIME_LIMIT = 3600
CELERY_TASK_SOFT_TIME_LIMIT = CELERY_TASK_TIME_LIMIT - 300  # time to write down the reason
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT,
    # A hint must not wait for a broker that is away: the next sweep finds the work.
    "max_retries": 1,
    "interval_start": 0,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,  # above the second that a worker's poll for messages takes
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # workers wait for a broker as long as it takes
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Beat copies this into its table at every start. A sweep that nobody took in time is dropped:
# the next one does the same.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "astrid.pipeline.sweep",
        "schedule": 60.0,
        "options": {"expire_seconds": 60},
    },
    "tend_tap_jobs": {
        "task": "catalog.tasks.tend_tap_jobs",
        "schedule": 60.0,
        "options": {"expire_seconds": 60},
    },
    "add_up": {
        "task": "catalog.tasks.add_up",
        "schedule": 300.0,
        "options": {"expire_seconds": 300},
    },
    "forget_events": {
        "task": "catalog.tasks.forget_events",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
    "watch_models": {"task": "catalog.tasks.watch_models", "schedule": 86_400.0},
    "store_light_curves": {"task": "detection.tasks.store_light_curves", "schedule": 86_400.0},
    "measure_curators": {
        "task": "curation.tasks.measure_curators",
        "schedule": 3600.0,
        "options": {"expire_seconds": 3600},
    },
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "catalog.access.authentication.KeyAuthentication",
        "catalog.access.tokens.JwtAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["astrid.core.permissions.ModelPermissions"],
    "DEFAULT_PAGINATION_CLASS": "astrid.core.rest.pages.Pages",
    "DEFAULT_SCHEMA_CLASS": "astrid.core.rest.schema.Schema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "astrid.core.rest.bodies.JsonParser",
        "astrid.core.rest.bodies.FormParser",
        "astrid.core.rest.bodies.MultiPartParser",
    ],
    "EXCEPTION_HANDLER": "astrid.core.rest.problems.told",
    "URL_FORMAT_OVERRIDE": None,
    # Lists are written by the database, which gives microseconds whether or not they are 0.
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
    "DEFAULT_THROTTLE_CLASSES": ["catalog.access.limits.RoleThrottle"],
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AstrID",
    "DESCRIPTION": "Finds what changes in the sky and lets astronomers decide what it is.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    # Many tables have a status; each set of values gets a name of its own.
    "ENUM_NAME_OVERRIDES": {
        "ConfidenceLevel": "curation.models.ConfidenceLevel",
        "RunStatus": "astrid.core.models.RunStatus",
        "ObservationStatus": "observations.models.ObservationStatus",
        "CalibrationExposureKind": "observations.models.CalibrationExposureKind",
        "CalibrationKind": "preprocessing.models.CalibrationKind",
        "CandidateStatus": "differencing.models.CandidateStatus",
        "DetectionStatus": "detection.models.DetectionStatus",
        "DetectionType": "detection.models.DetectionType",
        "AlertStatus": "curation.models.AlertStatus",
        "DeliveryStatus": "curation.models.DeliveryStatus",
        "Quality": "curation.models.Quality",
        "JobStatus": "catalog.models.JobStatus",
        "KeyKind": "catalog.access.models.KeyKind",
    },
}

# --- logs go to standard error, so that --json has standard output for itself
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("celery.beat", "kombu", "axes", "botocore", "mlflow", "alembic", "h5py")
    },
}
