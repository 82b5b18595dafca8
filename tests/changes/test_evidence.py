"""The evidence pack of a change: who gets it, what is in it, and that its verifier finds every touched byte."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.changes.conftest import NEW_SQL
from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import User
from warehouse_admin.audit import pruning, sealing, verification
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.evidence.pack import VERIFIER
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.digests import canonical_json
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db

FILES = {"evidence.html", "evidence.json", "manifest.json", "verify.py"}
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture(scope="module")
def verifier() -> dict[str, Any]:
    return runpy.run_path(str(VERIFIER), run_name="verifier")


@pytest.fixture
def portal(auditor: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(auditor)


@pytest.fixture
def content(portal: Client, applied: ChangeRequest) -> bytes:
    sealing.seal(verification.verify())
    return download(portal, applied)


def download(portal: Client, change: ChangeRequest) -> bytes:
    answer = portal.get(reverse("changes:evidence", args=[change.pk]))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert answer["Content-Disposition"] == f'attachment; filename="change-{change.pk}-evidence.zip"'
    return answer.content


def files_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def unpacked(content: bytes, folder: Path) -> Path:
    for name, part in files_of(content).items():
        (folder / name).write_bytes(part)
    return folder


def told_by(content: bytes) -> dict[str, Any]:
    return json.loads(files_of(content)["evidence.json"])


def run(*arguments: object, cwd: Path) -> tuple[int, str]:
    """The verifier as somebody runs it who has nothing but Python."""
    called = [sys.executable, "-I", *map(str, arguments)]
    done = subprocess.run(called, cwd=cwd, env={}, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def signed_anew(content: bytes, alter: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    """The pack of a forger: the evidence altered, and all of it signed with a key of theirs."""
    files = files_of(content)
    evidence, manifest = json.loads(files["evidence.json"]), json.loads(files["manifest.json"])
    alter(evidence)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    manifest["key_id"] = hashlib.sha256(public).hexdigest()[:16]
    manifest["public_keys"][manifest["key_id"]] = base64.b64encode(public).decode()
    files["evidence.json"] = json.dumps(evidence, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"
    manifest["files"]["evidence.json"] = hashlib.sha256(files["evidence.json"]).hexdigest()
    del manifest["signature"]
    manifest["signature"] = base64.b64encode(key.sign(canonical_json(manifest).encode())).decode()
    files["manifest.json"] = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"
    return files


def test_it_passes_with_nothing_but_python_and_says_what_it_does_not_prove(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    unpacked(content, folder)
    archive = tmp_path / "pack.zip"
    archive.write_bytes(content)
    key_id = json.loads((folder / "manifest.json").read_bytes())["key_id"]

    for arguments in ([folder / "verify.py"], [folder / "verify.py", archive, "--key", key_id]):
        status, said = run(*arguments, cwd=tmp_path)
        assert status == 0, said
        assert "GOOD. This proves:" in said and "It does not prove:" in said and key_id in said
    status, said = run(folder / "verify.py", archive, "--key", "0" * 16, cwd=tmp_path)
    assert status == 1 and "not by 0000" in said
    (folder / "evidence.html").unlink()
    assert "evidence.html is missing" in run(folder / "verify.py", cwd=tmp_path)[1]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_byte_touched_anywhere_is_found(
    content: bytes, verifier: dict[str, Any], tmp_path: Path, capsys: Any, name: str
) -> None:
    folder = unpacked(content, tmp_path)
    assert verifier["main"]([str(folder)]) == 0
    good = files_of(content)[name]
    places = sorted({0, 1, len(good) - 2, len(good) - 1, *range(0, len(good), max(len(good) // 60, 1))})

    for at in places:
        for flip in (0x01, 0xFF):
            (folder / name).write_bytes(good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :])
            assert verifier["main"]([str(folder)]) == 1, (name, at, flip)

    trusted = tmp_path / "trusted.py"
    trusted.write_bytes(VERIFIER.read_bytes())
    status, said = run(trusted, folder, cwd=tmp_path)
    assert status == 1 and "NOT GOOD" in said


def test_a_byte_touched_anywhere_in_the_archive_is_found(
    content: bytes, verifier: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    archive = tmp_path / "pack.zip"
    archive.write_bytes(content)
    assert verifier["main"]([str(archive)]) == 0

    for at in [*range(0, len(content), max(len(content) // 60, 1)), *range(len(content) - 300, len(content), 3)]:
        archive.write_bytes(content[:at] + bytes([content[at] ^ 0x01]) + content[at + 1 :])
        assert verifier["main"]([str(archive)]) == 1, at
    archive.write_bytes(content[:-1])
    assert verifier["main"]([str(archive)]) == 1


def test_it_holds_who_proposed_what_who_approved_it_and_what_posthog_said(
    content: bytes, applied: ChangeRequest
) -> None:
    told = told_by(content)

    assert set(files_of(content)) == FILES
    (revision,), (vote,), (write,) = told["revisions"], told["votes"], told["writes"]
    assert (told["change"]["author"], told["change"]["state"]) == ("author", "applied")
    assert revision["proposal"] == {"query": NEW_SQL} and revision["base"]["query"] and "+SELECT" in revision["diff"]
    assert revision["shown"]["items"][0]["dependents"] == revision["dependents"]
    assert (vote["voter"], vote["verdict"], vote["digest"]) == ("reviewer", "approve", revision["digest"])
    assert (write["state"], write["status"]) == ("happened", 200) and write["method"] and write["body_digest"]
    actions = [(entry["action"], entry["result"]) for entry in told["entries"]]
    for expected in [("change.submitted", "ok"), ("change.approved", "ok"), ("change.applied", "ok")]:
        assert expected in actions
    assert {result for action, result in actions if action.startswith("saved_query.")} == {"asked", "ok"}
    assert [event["kind"] for event in told["timeline"]][-1] == "applied"
    assert json.loads(files_of(content)["manifest.json"])["checkpoints"]
    text = files_of(content)["evidence.html"].decode()
    for said in ("author", "reviewer", "SELECT order_id", write["path"], vote["digest"], "because"):
        assert html.escape(said) in text
    assert "http://" not in re.sub(r"<td>http://127[^<]*</td>", "", text) and "<script" not in text


@pytest.mark.parametrize(
    ("action", "fields", "outcome"),
    [
        ("create_view", {"name": "fresh_view", "query": "SELECT 1 AS one"}, ("applied", "ok")),
        ("rename", {"name": "int_margins"}, ("applied", "ok")),
        ("set_cadence", {"sync_frequency": "24hour"}, ("applied", "ok")),
        ("delete", {}, ("failed", "failed")),  # others select from it, so PostHog refuses
    ],
)
def test_every_action_has_a_pack_that_passes(
    action: str,
    fields: dict[str, Any],
    outcome: tuple[str, str],
    portal: Client,
    carried_out: Callable[..., ChangeRequest],
    view: SavedQuery,
    verifier: dict[str, Any],
    tmp_path: Path,
    capsys: Any,
) -> None:
    about = {"connection": view.connection} if action == "create_view" else {"saved_query": view}
    change = carried_out(action, **about, **fields)
    content = download(portal, change)

    assert verifier["main"]([str(unpacked(content, tmp_path))]) == 0, capsys.readouterr().out
    told = told_by(content)
    asked = [entry["result"] for entry in told["entries"] if entry["action"].startswith("saved_query.")]
    assert told["revisions"][0]["shown"] is not None
    assert (told["change"]["state"], *asked) == (outcome[0], "asked", outcome[1])
    assert told["writes"][0]["status"] and (told["writes"][0]["error"] == "") is (outcome[1] == "ok")


def test_a_change_that_was_never_sent_has_one_too_with_every_revision_and_vote(
    portal: Client,
    proposed: Callable[..., ChangeRequest],
    author: User,
    reviewer: User,
    verifier: dict[str, Any],
    tmp_path: Path,
    capsys: Any,
) -> None:
    change = proposed()
    services.request_changes(change, reviewer, "Not like this.")
    services.revise(change, author, query=f"{NEW_SQL}\nLIMIT 1", revision=1)
    services.reject(change, reviewer, "Not at all.")
    content = download(portal, change)

    assert verifier["main"]([str(unpacked(content, tmp_path))]) == 0, capsys.readouterr().out
    told = told_by(content)
    assert [revision["number"] for revision in told["revisions"]] == [1, 2]
    assert told["votes"][0]["revision"] == 1 and told["writes"] == []
    assert "Nothing was sent." in files_of(content)["evidence.html"].decode()
    assert "signed checkpoints" not in capsys.readouterr().out


def test_entries_that_were_archived_are_said_to_be_so(
    portal: Client, applied: ChangeRequest, verifier: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    archive = pruning.archive_and_prune(before=timezone.now(), path=tmp_path / "archive.jsonl")
    content = download(portal, applied)
    pack = tmp_path / "pack"
    pack.mkdir()

    assert verifier["main"]([str(unpacked(content, pack))]) == 0, capsys.readouterr().out
    assert "The entries of 1 votes may be in an archive" in capsys.readouterr().out
    (told,) = json.loads(files_of(content)["manifest.json"])["archives"]
    assert (told["to_sequence"], told["file_sha256"]) == (archive.to_sequence, archive.file_sha256)


def test_it_tells_by_which_rules_it_was_decided(portal: Client, applied: ChangeRequest) -> None:
    connection = applied.connection
    connection.apply_policy, connection.threads_block = "manual", True
    connection.save()
    content = portal.get(f"/changes/{applied.pk}/evidence/").content
    policy = json.loads(files_of(content)["evidence.json"])["policy"]
    assert (policy["applying"], policy["threads"]) == (
        "An operator applies",
        "Threads are resolved before a change is applied",
    )
    page = files_of(content)["evidence.html"].decode()
    assert "An operator applies" in page and all(rule in page for rule in policy["rules"])


def test_the_same_evidence_gives_the_same_bytes(portal: Client, applied: ChangeRequest) -> None:
    assert download(portal, applied) == download(portal, applied)


def test_taking_it_is_on_record_and_others_may_not(
    portal: Client, auditor: User, reviewer: User, applied: ChangeRequest, client_of: Callable[[User], Client]
) -> None:
    content = download(portal, applied)

    entry = AuditEntry.objects.get(action="change.evidence_downloaded")
    assert (entry.actor, entry.object_id, entry.result) == (auditor, str(applied.pk), "ok")
    assert entry.after == {"sha256": hashlib.sha256(content).hexdigest()}
    page, pack = reverse("changes:detail", args=[applied.pk]), reverse("changes:evidence", args=[applied.pk])
    assert pack in portal.get(page).content.decode()
    other = client_of(reviewer)
    assert pack not in other.get(page).content.decode()
    assert other.get(pack).status_code == 403
    denied = AuditEntry.objects.get(action="change.evidence_downloaded", result="denied")
    assert (denied.actor, denied.object_id) == (reviewer, str(applied.pk))


def test_scripts_take_it_over_rest(auditor: User, portal: Client, viewer: User, applied: ChangeRequest) -> None:
    url = reverse("api:change-evidence", args=[applied.pk])
    texts = [tokens.create_token(user=user, name="ci", read_only=True)[1] for user in (auditor, viewer)]
    allowed, refused = (Client().get(url, headers={"Authorization": f"Bearer {token}"}) for token in texts)

    assert (allowed.status_code, allowed["Content-Type"]) == (200, "application/zip")
    assert allowed.content == download(portal, applied)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    assert portal.get(reverse("api:change-evidence", args=[10**6])).status_code == 404


def test_nobodys_address_and_no_secret_is_in_it(
    portal: Client, applied: ChangeRequest, reviewer: User, author: User
) -> None:
    ChangeRequest.objects.filter(pk=applied.pk).update(problem="ana@harborgoods.example changed it")
    services.comment(applied, reviewer, "Seen by bo.b+x@harborgoods.example too")
    files = files_of(download(portal, applied))

    everything = b"".join(files.values()).decode()
    assert reviewer.email not in everything and author.email not in everything
    assert applied.connection.api_key not in everything
    told = json.loads(files["evidence.json"])
    assert told["change"]["problem"] == "…@harborgoods.example changed it"
    assert "bo.b" not in json.dumps(told["timeline"])
    assert "127.0.0.1" not in files["evidence.html"].decode().replace(applied.connection.host, "")


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda told: told["entries"][1].update(actor_name="mallory"), "its hash is another one"),
        (lambda told: told["entries"].reverse(), "not in its place"),
        (lambda told: told["votes"][0].update(digest="0" * 64), "not bound to r1"),
        (lambda told: told["votes"][0].update(voter="mallory"), "No entry of the trail tells of the vote of mallory"),
        (lambda told: told["revisions"][0]["shown"]["items"][0].update(proposal={}), "digest of what it shows"),
        (lambda told: told["change"].update(number=7_000), "about another change"),
    ],
    ids=["entry", "order", "vote", "voter", "proposal", "change"],
)
def test_what_does_not_fit_together_is_found_whoever_signed_it(
    content: bytes, verifier: dict[str, Any], tmp_path: Path, capsys: Any, alter: Any, said: str
) -> None:
    for name, part in signed_anew(content, alter).items():
        (tmp_path / name).write_bytes(part)

    assert verifier["main"]([str(tmp_path)]) == 1
    assert said in capsys.readouterr().out


def test_another_key_is_told_from_the_portals(
    content: bytes, verifier: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    key_id = json.loads(files_of(content)["manifest.json"])["key_id"]
    for name, part in signed_anew(content, lambda told: told["timeline"].clear()).items():
        (tmp_path / name).write_bytes(part)

    assert verifier["main"]([str(tmp_path)]) == 0  # which is why it prints whose key it found
    assert verifier["main"]([str(tmp_path), "--key", key_id]) == 1
    assert "Whose key it is" in "".join(verifier["UNPROVEN"])


def test_its_ed25519_is_that_of_the_library_and_refuses_the_second_form(verifier: dict[str, Any]) -> None:
    is_signed = verifier["is_signed"]
    # RFC 8032, 7.1, test 2
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert is_signed(public, b"\x72", signature)
    for message in (b"", b"x" * 1_000):
        key = Ed25519PrivateKey.generate()
        made, owner = key.sign(message), key.public_key().public_bytes_raw()
        assert is_signed(owner, message, made)
        assert not is_signed(owner, message + b".", made) and not is_signed(public, message, made)
        second = made[:32] + (int.from_bytes(made[32:], "little") + ORDER).to_bytes(32, "little")
        assert not is_signed(owner, message, second)
    assert not is_signed(b"\xff" * 32, b"", signature) and not is_signed(public, b"\x72", signature[:-1])


def test_an_auditor_is_three_clicks_from_a_line_to_its_evidence(portal: Client, applied: ChangeRequest) -> None:
    """Who changed this line, who approved it, what did PostHog say: blame, the request, the pack."""
    assert applied.saved_query is not None
    page = portal.get(reverse("mirror:view-detail", args=[applied.saved_query.posthog_id])).content.decode()

    blame = re.search(r'href="([^"]*blame=1[^"]*)"[^>]*data-key="b"', page)
    assert blame
    view_url = reverse("mirror:view-detail", args=[applied.saved_query.posthog_id])
    blamed = portal.get(view_url + html.unescape(blame[1])).content.decode()
    line = next(part for part in blamed.split('class="code-line') if 'id="L1"' in part)
    request = re.search(rf'href="([^"]+)">#{applied.pk}</a>', line)
    assert request and "author" in line
    change = portal.get(request[1]).content.decode()
    assert "What was sent" in change and "200 after" in change and "reviewer" in change
    evidence = re.search(r'href="([^"]+)"[^>]*>[^<]*<svg[^>]*>.*?</svg> Evidence pack', change)
    assert evidence
    answer = portal.get(evidence[1])
    (vote,), (write,) = told_by(answer.content)["votes"], told_by(answer.content)["writes"]
    assert (vote["voter"], write["status"]) == ("reviewer", 200)
