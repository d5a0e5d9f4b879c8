"""Shares with their intervals in templates."""

from django import template

from curation.model_page import in_percent

register = template.Library()
register.filter("in_percent", in_percent)
