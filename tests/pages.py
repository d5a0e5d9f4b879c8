"""Looking at pages of the admin in tests."""

from django.urls import reverse


def list_page(client, model, query=""):
    """Open the list of a model; give the response."""
    return client.get(reverse(f"admin:{_name(model)}_changelist") + query)


def row_page(client, row):
    """Open the page of a row; give the response."""
    return client.get(reverse(f"admin:{_name(type(row))}_change", args=[row.pk]))


def act(client, rows, action):
    """Start an action of the list on rows; give the messages that it left."""
    address = reverse(f"admin:{_name(type(rows[0]))}_changelist")
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    response = client.post(address, data, follow=True)
    return [str(message) for message in response.context["messages"]]


def _name(model):
    return f"{model._meta.app_label}_{model._meta.model_name}"
