"""What the environment says, as the settings understand it."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json
from astrid import settings as s
print(json.dumps({
    "mail": [s.EMAIL_BACKEND.rsplit(".", 2)[-2], str(s.EMAIL_FILE_PATH)],
    "files": [s.STORAGES["products"]["BACKEND"].rsplit(".", 1)[-1],
              s.STORAGES["products"]["OPTIONS"].get("bucket_name"),
              s.STORAGES["products"]["OPTIONS"]["location"]],
}))
"""
CLEAN = ("STORAGE_URL", "S3_BUCKET", "S3_PREFIX", "EMAIL_URL")


def read(tmp_path, **variables):
    kept = {name: value for name, value in os.environ.items() if name not in CLEAN}
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", SCRIPT],
        env={**kept, "ASTRID_STATE": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def test_letters_and_files_lie_in_the_state_folder_unless_told_otherwise(tmp_path):
    found = read(tmp_path)
    assert found["mail"] == ["filebased", f"{tmp_path}/mail"]
    assert found["files"] == ["WholeFiles", None, f"{tmp_path}/files"]


def test_a_mail_folder_is_the_one_that_was_named(tmp_path):
    assert read(tmp_path, EMAIL_URL="filemail:///srv/letters")["mail"][1] == "/srv/letters"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"STORAGE_URL": "file:///srv/files"}, ["WholeFiles", None, "/srv/files"]),
        ({"STORAGE_URL": "s3://bucket/a/b"}, ["S3Storage", "bucket", "a/b"]),
        ({"S3_BUCKET": "bucket", "S3_PREFIX": "a"}, ["S3Storage", "bucket", "a"]),
    ],
)
def test_files_lie_where_the_address_says(tmp_path, variables, expected):
    assert read(tmp_path, **variables)["files"] == expected


def test_an_address_of_another_kind_is_refused(tmp_path):
    assert "it must be file:///folder or s3://bucket/prefix" in read(
        tmp_path, STORAGE_URL="ftp://host/files"
    )
