"""People, their tokens and keys, and the PostHog connections."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower

from warehouse_admin.core.fields import EncryptedTextField


class User(AbstractUser):
    """A person. Roles are Django groups; people are deactivated, never deleted, since the audit trail names them."""

    email = models.EmailField(blank=True)

    objects = UserManager()  # type: ignore[misc]

    class Meta:
        default_permissions = ()
        permissions = [("manage_people", "Can manage people and their roles")]
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=~models.Q(email=""), name="accounts_unique_email")
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username


class ApiToken(models.Model):
    """A `wa_…` token that acts as its owner; only its SHA-256 is kept. A token never votes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    read_only = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Connection(models.Model):
    """One PostHog project plus the key that reads it."""

    class ApplyPolicy(models.TextChoices):
        AUTOMATIC = "automatic", "Apply after the last needed approval"
        MANUAL = "manual", "An operator applies"

    class KeyPolicy(models.TextChoices):
        SERVICE = "service", "The connection's key"
        AUTHOR_IF_PRESENT = "author_if_present", "The author's key if present"
        AUTHOR_REQUIRED = "author_required", "The author's key, required"

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    host = models.CharField(max_length=300)
    project_id = models.CharField(max_length=50)
    path_prefix = models.CharField(max_length=20, default="projects")
    api_key = EncryptedTextField(blank=True)
    is_active = models.BooleanField(default=True)
    apply_policy = models.CharField(max_length=20, choices=ApplyPolicy, default=ApplyPolicy.AUTOMATIC)
    key_policy = models.CharField(max_length=20, choices=KeyPolicy, default=KeyPolicy.SERVICE)
    budget_per_minute = models.PositiveIntegerField(default=450)
    budget_per_hour = models.PositiveIntegerField(default=4500)
    sync_every_minutes = models.PositiveIntegerField(default=5)
    vanish_limit_percent = models.PositiveSmallIntegerField(default=20)
    guard_count = models.PositiveIntegerField(default=200)  # acts on more schedules than this need a typed count
    guard_percent = models.PositiveSmallIntegerField(default=50)  # or on more than this share of them
    guard_second_person = models.BooleanField(default=False)  # and another operator's yes
    threads_block = models.BooleanField(default=False)  # what has unresolved threads is not applied
    generation = models.CharField(max_length=1, blank=True)
    capabilities = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_error = models.TextField(blank=True)
    key_refused_at = models.DateTimeField(null=True, blank=True)  # PostHog said 401: nothing is sent with the key
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        default_permissions = ()
        permissions = [("manage_connections", "Can manage PostHog connections")]

    def __str__(self) -> str:
        return self.slug


class PersonalKey(models.Model):
    """A person's own PostHog key for one connection, encrypted, tested when it was saved."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="posthog_keys")
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="personal_keys")
    api_key = EncryptedTextField()
    remote_email = models.CharField(max_length=254, blank=True)
    saved_at = models.DateTimeField(auto_now=True)
    key_refused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "connection"], name="accounts_one_key_per_person_and_connection")
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.connection}"


class EndpointUse(models.Model):
    """When an endpoint of PostHog was last asked over a connection, and how that went. One row each, written rarely."""

    class Result(models.TextChoices):
        OK = "ok", "Answered"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="endpoint_uses")
    endpoint = models.CharField(max_length=100)  # the key of one of `posthog.endpoints`
    at = models.DateTimeField()
    result = models.CharField(max_length=10, choices=Result)
    told = models.CharField(max_length=200, blank=True)  # why it was no success, in our own words
    own_key_of = models.CharField(
        max_length=150, blank=True
    )  # the person whose own key it was; empty: the connection's

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["connection", "endpoint"], name="accounts_one_use_of_each_endpoint")
        ]

    def __str__(self) -> str:
        return f"{self.endpoint} {self.result}"


class IdempotentCall(models.Model):
    """The first answer to a mutating API call that carried an `Idempotency-Key`."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="accounts_one_answer_per_key")]

    def __str__(self) -> str:
        return self.key
