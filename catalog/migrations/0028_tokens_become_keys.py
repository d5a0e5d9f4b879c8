"""Tokens that are in use go on as keys that may do whatever their owner may."""

from django.db import migrations


def to_keys(apps, schema_editor):
    using = schema_editor.connection.alias
    tokens = apps.get_model("knox", "AuthToken").objects.using(using)
    key = apps.get_model("catalog", "ApiKey")
    key.objects.using(using).bulk_create(
        (
            key(
                owner_id=token.user_id,
                kind="login",
                name="signed in",
                prefix=token.token_key[:15],
                digest=token.digest,
                scopes=["everything"],
                expires_at=token.expiry,
                created_by_id=token.user_id,
            )
            for token in tokens.iterator()
        ),
        batch_size=1000,
    )
    tokens.all().delete()


def to_tokens(apps, schema_editor):
    using = schema_editor.connection.alias
    token = apps.get_model("knox", "AuthToken")
    keys = apps.get_model("catalog", "ApiKey").objects.using(using)
    valid = keys.filter(scopes=["everything"], revoked_at=None)
    token._base_manager.using(using).bulk_create(
        (
            token(
                digest=key.digest,
                token_key=key.prefix,
                user_id=key.owner_id,
                expiry=key.expires_at,
            )
            for key in valid.iterator()
        ),
        batch_size=1000,
    )


class Migration(migrations.Migration):

    dependencies = [
        ("catalog", "0027_keys_are_watched"),
        ("knox", "0009_extend_authtoken_field"),
    ]

    operations = [migrations.RunPython(to_keys, to_tokens)]
