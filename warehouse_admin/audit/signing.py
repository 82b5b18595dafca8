"""The Ed25519 keys of the trail: made on first need, kept encrypted, or given by the environment."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils import timezone

from warehouse_admin.audit.models import SigningKey


@dataclass(frozen=True)
class Signer:
    """The key that signs now."""

    key_id: str
    public_key: str
    private: Ed25519PrivateKey

    def sign(self, payload: Mapping[str, Any]) -> str:
        """The signature of `canonical(payload)`, in base64."""
        return base64.b64encode(self.private.sign(canonical(payload))).decode()


def canonical(payload: Mapping[str, Any]) -> bytes:
    """What is signed: JSON with sorted names and without spaces, in UTF-8."""
    return json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(payload)).hexdigest()


def is_signed(payload: Mapping[str, Any], signature: str, public_key: str) -> bool:
    """Whether the owner of `public_key` signed exactly this; False for what is no key or no signature too."""
    try:
        key = Ed25519PublicKey.from_public_bytes(_decoded(public_key))
        key.verify(_decoded(signature), canonical(payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id_of(public_key: str) -> str:
    """A key's name follows from the key, so that no other can take it; "" for what is no key."""
    try:
        return hashlib.sha256(_decoded(public_key)).hexdigest()[:16]
    except ValueError:
        return ""


def _decoded(text: str) -> bytes:
    """From base64, of which there is one spelling only: no bit of a signature may be changed unnoticed."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not how it is written")
    return raw


def current() -> tuple[Signer, bool]:
    """The key that signs now, and whether it is new. Call it under the chain's lock, so that only one is made."""
    if settings.AUDIT_SIGNING_KEY:
        return _known(_signer(settings.AUDIT_SIGNING_KEY), kept="")
    for kept in SigningKey.objects.filter(retired_at=None).order_by("-pk"):
        if kept.private_key:
            return _signer(kept.private_key), False
    seed = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    return _known(_signer(seed), kept=seed)


def retire() -> None:
    """Forget the private halves that are kept here; what they signed stays valid, and the next need makes a new key."""
    SigningKey.objects.filter(retired_at=None).update(retired_at=timezone.now(), private_key="")


def public_keys() -> dict[str, str]:
    """The public key of every id that ever signed here."""
    return dict(SigningKey.objects.order_by("pk").values_list("key_id", "public_key"))


def _signer(seed: str) -> Signer:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed))
    public = base64.b64encode(private.public_key().public_bytes_raw()).decode()
    return Signer(key_id_of(public), public, private)


def _known(signer: Signer, *, kept: str) -> tuple[Signer, bool]:
    values = {"public_key": signer.public_key, "private_key": kept}
    _, is_new = SigningKey.objects.get_or_create(key_id=signer.key_id, defaults=values)
    return signer, is_new
