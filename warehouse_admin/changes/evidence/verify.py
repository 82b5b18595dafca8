"""Check an evidence pack of a change request. Needs Python 3.9 or newer and nothing else: no network, no package.

    python -I verify.py                          the folder that this file lies in
    python -I verify.py change-12-evidence.zip   or another folder
    python -I verify.py --key 3f0c99aa12345678   also that the key of this fingerprint signed it

Ends with 0 where everything holds, else with 1 and the reason.
"""

import base64
import hashlib
import io
import json
import pathlib
import sys
import zipfile

MANIFEST, EVIDENCE = "manifest.json", "evidence.json"
ENTRY = (
    "sequence at actor_id actor_name actor_kind token_name action connection object_type object_id object_name result "
    "reason before after remote request_id ip user_agent prev_hash"
).split()
"""What the hash of an entry covers, in this order."""
VOTED = {"approve": "change.approved", "request_changes": "change.changes_requested"}


class Wrong(Exception):
    """What does not hold, in a sentence."""


# --- Ed25519, RFC 8032 ---------------------------------------------------------------------------------------------
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def added(one, other):
    """The sum of two points, each as (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point = added(point, point)
        number >>= 1
    return total


def point_of(encoded):
    """The point that 32 bytes stand for; None for bytes that stand for none."""
    number = int.from_bytes(encoded, "little")
    y, is_odd = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or (x * x - square) % P or (x == 0 and is_odd):
        return None
    x = P - x if x & 1 != is_odd else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Whether the owner of the public key signed exactly these bytes."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s, BASE), added(r, times(k, key))
    return not any((left[at] * right[2] - right[at] * left[2]) % P for at in (0, 1))


# --- What a pack holds ---------------------------------------------------------------------------------------------
def canonical(value):
    """The one JSON text that is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def need(holds, text):
    if not holds:
        raise Wrong(text)


def bytes_of(text):
    """What a base64 text stands for; a text that another one could stand for too is refused."""
    found = base64.b64decode(text, validate=True)
    need(base64.b64encode(found).decode() == text, f"{text[:12]}… is no proper base64.")
    return found


def key_named(key_id, keys):
    public = bytes_of(keys.get(key_id, ""))
    need(sha256(public)[:16] == key_id, f"The key {key_id} is not in the pack, or not the one of that fingerprint.")
    return public


def read(path):
    """Every file of the pack by its name; an archive has to be, byte for byte, what the portal makes of them."""
    if path.is_dir():
        return {found.name: found.read_bytes() for found in path.iterdir() if found.is_file()}
    with zipfile.ZipFile(path) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    need(archive(files) == path.read_bytes(), "The archive was changed: it is not written as the portal writes it.")
    return files


def archive(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as pack:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16
            pack.writestr(member, files[name])
    return made.getvalue()


def check_files(files):
    """The manifest, once it and every file it names are whole and signed."""
    need(MANIFEST in files, "There is no manifest.json: this is no evidence pack.")
    manifest = json.loads(files[MANIFEST])
    whole = json.dumps(manifest, sort_keys=True, indent=1, ensure_ascii=False).encode() + b"\n"
    need(whole == files[MANIFEST], "manifest.json is not written as the portal writes it.")
    for name, digest in manifest["files"].items():
        need(name in files, f"{name} is missing.")
        need(sha256(files[name]) == digest, f"{name} was changed: its SHA-256 is not the one in the manifest.")
    told = {name: value for name, value in manifest.items() if name != "signature"}
    public = key_named(manifest["key_id"], manifest["public_keys"])
    need(
        is_signed(public, canonical(told), bytes_of(manifest["signature"])), "The signature does not fit the manifest."
    )
    return manifest


def check_checkpoints(manifest):
    """Those next to the entries, what the portal signed of its whole trail; and where older entries went."""
    for signed in [*manifest["checkpoints"], *manifest["archives"]]:
        told = {name: value for name, value in signed.items() if name != "signature"}
        public = key_named(signed["key_id"], manifest["public_keys"])
        good = is_signed(public, canonical(told), bytes_of(signed["signature"]))
        need(good, f"The checkpoint or archive of {signed['at']} is not signed by the key it names.")
    return {checkpoint["sequence"]: checkpoint["hash"] for checkpoint in manifest["checkpoints"]}


def check_entries(entries, signed):
    """Hashes and links; how many entries follow directly on the one before, and how many a checkpoint names."""
    before, linked = None, 0
    for entry in entries:
        number = entry["sequence"]
        found = sha256(canonical([entry[name] for name in ENTRY]))
        need(found == entry["hash"], f"Entry {number} was changed: its hash is another one.")
        need(before is None or number > before["sequence"], f"Entry {number} is not in its place.")
        if before is not None and number == before["sequence"] + 1:
            need(entry["prev_hash"] == before["hash"], f"Entry {number} does not follow on entry {number - 1}.")
            linked += 1
        if number - 1 in signed:
            need(entry["prev_hash"] == signed[number - 1], f"A checkpoint knows another entry {number - 1}.")
        need(signed.get(number, found) == found, f"A checkpoint knows another entry {number}.")
        before = entry
    return linked, sum(entry["sequence"] in signed or entry["sequence"] - 1 in signed for entry in entries)


def check_votes(evidence, is_archived):
    """Each revision has the digest of what was shown, and each vote that of its revision, in the trail too.

    How many digests cannot be worked out, and how many votes only an archive tells of.
    """
    digests, moved = {}, 0
    begin = evidence["entries"][0]["at"] if evidence["entries"] else "9999"
    for revision in evidence["revisions"]:
        digests[revision["number"]] = revision["digest"]
        if revision["shown"] is not None:
            fits = sha256(canonical(revision["shown"])) == revision["digest"]
            need(fits, f"r{revision['number']} does not have the digest of what it shows.")
    for vote in evidence["votes"]:
        who, number = vote["voter"], vote["revision"]
        need(digests.get(number) == vote["digest"], f"The vote of {who} is not bound to r{number} as it is here.")
        about = [
            entry
            for entry in evidence["entries"]
            if (entry["action"], entry["actor_name"]) == (VOTED.get(vote["verdict"]), who)
            and (entry["after"] or {}).get("digest") == vote["digest"]
        ]
        may_be_archived = is_archived and vote["at"] < begin
        need(about or may_be_archived, f"No entry of the trail tells of the vote of {who} on r{number}.")
        moved += not about
    return sum(revision["shown"] is None for revision in evidence["revisions"]), moved


def check(path, fingerprint):
    """Raises Wrong, or gives the sentences of what holds."""
    files = read(path)
    manifest = check_files(files)
    extra = sorted(set(files) - set(manifest["files"]) - {MANIFEST})
    need(path.is_dir() or not extra, f"The manifest knows nothing of {', '.join(extra)}.")
    key_id = manifest["key_id"]
    need(not fingerprint or fingerprint == key_id, f"It is signed by the key {key_id}, not by {fingerprint}.")
    signed = check_checkpoints(manifest)
    evidence = json.loads(files[EVIDENCE])
    need(evidence["change"]["number"] == manifest["change"], "The evidence is about another change.")
    linked, anchored = check_entries(evidence["entries"], signed)
    unshown, moved = check_votes(evidence, bool(manifest["archives"]))
    entries, votes = len(evidence["entries"]), len(evidence["votes"])
    count = len(manifest["files"])
    yield f"Change #{manifest['change']}: all {count} files and the manifest are as the key {key_id} signed them."
    yield f"{entries} entries of the audit trail have the hash of their content; {linked} follow on the one before."
    if signed:
        yield f"{len(signed)} signed checkpoints are next to them; {anchored} entries are tied to one."
    yield f"{votes} votes are bound to the digest of what was shown, and the trail tells of {votes - moved} of them."
    if moved:
        yield f"The entries of {moved} votes may be in an archive of the trail, which is named here: ask for its file."
    if unshown:
        yield f"Of {unshown} revisions the digest cannot be worked out again, as what they name has changed since."


UNPROVEN = (
    "Whose key it is: compare its fingerprint with the one that the portal shows, or that you wrote down; see --key.",
    "That no entry about this change was left out where numbers are skipped: ask for all of the trail in between.",
    "That PostHog did what its answers said, and that the portal's clock was right.",
    "That this verifier is honest, if you have it from the pack alone: compare it with one that you trust.",
)


def main(arguments):
    fingerprint = ""
    if "--key" in arguments:
        at = arguments.index("--key")
        fingerprint = "".join(arguments[at + 1 : at + 2])
        arguments = arguments[:at] + arguments[at + 2 :]
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter is no reason to fail
    path = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent
    try:
        holds = list(check(path, fingerprint))
    except Wrong as wrong:
        sys.stdout.write(f"NOT GOOD: {wrong}\n")
        return 1
    except Exception as error:  # whatever cannot be read is no evidence
        sys.stdout.write(f"NOT GOOD: it cannot be read ({type(error).__name__}: {error}).\n")
        return 1
    sys.stdout.write("GOOD. This proves:\n" + "".join(f"  + {text}\n" for text in holds))
    sys.stdout.write("It does not prove:\n" + "".join(f"  - {text}\n" for text in UNPROVEN))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
