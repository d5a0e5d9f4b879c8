"""The pages that people read, and the files that deploy, agree with the program."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from django.urls import resolve
from packaging.requirements import Requirement

PROJECT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())
PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted(PROJECT.glob("docs/*.md"))]
CONFIGURATION = (PROJECT / "docs" / "configuration.md").read_text()
DEPENDENCIES = (PROJECT / "docs" / "dependencies.md").read_text()
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
# Read by the packages of the servers, before Django and its settings are there.
READ_OUTSIDE_SETTINGS = {"ASTRID_STATE"}


def text_of(page):
    return page.read_text()


def section(page, heading):
    """Give the text below a heading of the second level."""
    return page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(text):
    """Give the rows of the first table: lists of cells."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


# --- dependencies

PERMISSIVE = re.compile(
    r"(MIT(-0|-CMU)?|(0|New )?BSD( License|[- ][23]-Clause( License)?)?|[23]-Clause BSD License"
    r"|MIT [Ll]icense|Apache([- ]2\.0| License 2\.0)|Apache Software License|PSF-2\.0|ISC"
    r"|Python Software Foundation License|Zlib|CC0-1\.0)"
)
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "BSD 2-Clause License": "BSD-2-Clause",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "LGPLv3": "LGPL-3.0-only",
    "LGPLv3+": "LGPL-3.0-or-later",
    "MIT License": "MIT",
}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def stated_licence(name):
    """Give what a package's metadata name as its licence: expression, short field, classifiers."""
    metadata = importlib.metadata.metadata(name)
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [line for line in metadata.get_all("Classifier", []) if line[:9] == "License :"]
    words = [line.rpartition(" :: ")[2] for line in classifiers]
    field = metadata.get("License", "")
    # Some packages put a whole text, or a sentence, where the name belongs.
    if field in SPDX or PERMISSIVE.fullmatch(field):
        return field
    return " AND ".join(word for word in words if word != "OSI Approved") or field


def is_permissive(licence):
    alternatives = licence.split(" OR ")
    return any(
        all(PERMISSIVE.fullmatch(part) for part in alternative.split(" AND "))
        for alternative in alternatives
    )


def direct(group):
    requirements = (
        PYPROJECT["project"]["dependencies"]
        if group == "Used by the program"
        else PYPROJECT["dependency-groups"]["dev"]
    )
    return sorted(canonical(Requirement(line).name) for line in requirements)


def applies(requirement, extras):
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def default_installation():
    """Give the names of all packages that the program's dependencies bring on this machine."""
    to_do = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
    seen = set()
    while to_do:
        requirement = to_do.pop()
        key = (canonical(requirement.name), frozenset(requirement.extras))
        if key not in seen:
            seen.add(key)
            needed = map(Requirement, importlib.metadata.requires(requirement.name) or [])
            to_do += [each for each in needed if applies(each, requirement.extras)]
    return {name for name, _ in seen}


GROUPS = ["Used by the program", "Used to develop"]


@pytest.mark.parametrize("group", GROUPS)
def test_every_dependency_is_explained(group):
    assert [row[0] for row in table(section(DEPENDENCIES, group))] == direct(group)


@pytest.mark.parametrize(
    ("name", "licence"),
    [row[:2] for group in GROUPS for row in table(section(DEPENDENCIES, group))],
)
def test_the_licence_on_the_page_is_the_one_that_the_package_states(name, licence):
    stated = stated_licence(name)
    # numpy adds the licences of single files, pytest-django a sentence around the name.
    assert licence in (SPDX.get(stated, stated), stated.split(" AND ")[0], stated.split()[0])


def test_a_default_installation_is_permissive_but_for_the_exceptions_that_are_listed():
    rows = table(section(DEPENDENCIES, "Exceptions"))
    listed = {row[0]: row[1] for row in rows}
    stated = {name: stated_licence(name) for name in default_installation()}
    others = {name: text for name, text in stated.items() if not is_permissive(text)}
    assert {name: SPDX.get(text, text) or "nothing" for name, text in others.items()} == listed


VENDORED = PROJECT / "astrid" / "static" / "vendor"


def test_the_scripts_of_others_are_the_ones_that_the_page_lists():
    rows = table(section(DEPENDENCIES, "Scripts of others"))
    listed = {row[0]: row[-1] for row in rows}
    there = {
        str(each.relative_to(VENDORED)): hashlib.sha256(each.read_bytes()).hexdigest()
        for each in VENDORED.rglob("*")
        if each.suffix in {".js", ".css"}
    }
    assert listed == there
    for name in listed:
        assert "MIT License" in (VENDORED / name).with_name("LICENSE").read_text()


# --- configuration


def variables_of_the_settings():
    """Give the names of all variables that settings.py reads, from its syntax tree."""
    tree = ast.parse((PROJECT / "astrid" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and isinstance(call.args[0], ast.Constant)
    }


KNOWN = variables_of_the_settings() | READ_OUTSIDE_SETTINGS


def test_every_environment_variable_is_explained_and_no_other():
    rows = table(section(CONFIGURATION, "Environment variables"))
    explained = [name for row in rows for name in re.findall(r"`([A-Z0-9_]+)`", row[0])]
    assert sorted(explained) == sorted(KNOWN)


def test_the_template_of_env_names_every_variable_and_no_other():
    template = (PROJECT / ".env.example").read_text()
    assert set(re.findall(r"^#? ?([A-Z][A-Z0-9_]*)=", template, re.M)) == KNOWN


def test_the_tables_of_settings_are_those_of_the_program():
    path = PROJECT / "docs" / "settings_tables.py"
    spec = importlib.util.spec_from_file_location("settings_tables", path)
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert writer.renewed(CONFIGURATION) == CONFIGURATION, "run python docs/settings_tables.py"


# --- what people are told to type


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(page))
    assert [each for each in targets if not (page.parent / each).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    named = set(re.findall(r"manage\.py ([a-z_]+)", text_of(page)))
    assert named <= set(get_commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text_of(page), re.M)) <= targets


def test_addresses_in_the_readme_exist():
    readme = text_of(PROJECT / "README.md")
    for path in set(re.findall(r"(/(?:console|admin|api|health)/[a-z0-9/-]*)", readme)):
        assert resolve(path), path


# --- deployment

SERVICES = {"postgres", "valkey", "migrate", "web", "worker", "beat"}
OURS = ("migrate", "web", "worker", "beat")


def test_compose_has_every_program_of_an_installation():
    assert set(COMPOSE["services"]) == SERVICES
    used = {
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service["volumes"]
    }
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", OURS)
def test_compose_sets_only_variables_that_are_read(name):
    assert set(COMPOSE["services"][name]["environment"]) <= KNOWN


@pytest.mark.parametrize("name", OURS)
def test_compose_names_all_three_servers_so_that_none_is_embedded(name):
    environment = COMPOSE["services"][name]["environment"]
    hosts = {
        variable: re.search(r"[@/]([a-z]+):\d+/", environment[variable])[1]
        for variable in ("DATABASE_URL", "BROKER_URL", "CACHE_URL")
    }
    assert hosts == {"DATABASE_URL": "postgres", "BROKER_URL": "valkey", "CACHE_URL": "valkey"}


@pytest.mark.parametrize("name", OURS)
def test_compose_does_not_start_without_secrets_of_its_own(name):
    environment = COMPOSE["services"][name]["environment"]
    assert environment["SECRET_KEY"].startswith("${SECRET_KEY:?")
    assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"]


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_programs_wait_for_the_migration_and_for_both_servers(name):
    assert COMPOSE["services"][name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "valkey": {"condition": "service_healthy"},
    }


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_programs_of_compose_know_their_options(name):
    program, *options = COMPOSE["services"][name]["command"]
    wanted = {word for word in options if word.startswith("--")}
    words = [program] if program == "gunicorn" else [program, "-A", "astrid", name]
    # Its help is written for the terminal's width; pytest's is not the program's.
    answer = subprocess.run(  # noqa: S603 - words of our own file
        [Path(sys.executable).with_name(words[0]), *words[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "200"},
    ).stdout
    assert {word for word in wanted if word not in answer} == set()


def test_the_databases_of_compose_are_new_enough():
    name, _, version = COMPOSE["services"]["postgres"]["image"].partition(":")
    assert name == "postgres"
    assert int(version) >= 15


def test_health_is_asked_at_an_address_that_exists():
    check = PROJECT / COMPOSE["services"]["web"]["healthcheck"]["test"][2]
    spec = importlib.util.spec_from_file_location("healthcheck", check)
    healthcheck = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(healthcheck)
    assert resolve(healthcheck.PATH)
    ports = COMPOSE["services"]["web"]["ports"]
    assert ports == [f"127.0.0.1:${{PORT:-8000}}:{healthcheck.PORT}"]
    assert healthcheck.served_host("astrid.example.org,x") == "astrid.example.org"
    assert healthcheck.served_host(".example.org") == "example.org"
    assert healthcheck.served_host("*") == healthcheck.served_host("") == "localhost"


def test_the_image_is_built_on_a_python_that_is_supported_from_files_that_exist():
    lines = (PROJECT / "deploy" / "Dockerfile").read_text()
    versions = set(re.findall(r"^FROM python:(3\.\d+)-slim", lines, re.M))
    assert versions == {"3.12"}
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.M):
        assert all((PROJECT / name).exists() for name in line.split())


def test_scripts_of_deployment_are_shell_that_parses():
    subprocess.run(["bash", "-n", PROJECT / ".ci" / "run"], check=True)  # noqa: S603, S607 - our file, any bash
