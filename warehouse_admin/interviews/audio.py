"""What a recording is, told by its first bytes: the name and the type that a browser sends prove nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One kind of file that speech can be read from."""

    name: str
    suffix: str
    media_type: str


MP3 = Format("MP3", ".mp3", "audio/mpeg")
AAC = Format("AAC", ".aac", "audio/aac")
WAV = Format("WAV", ".wav", "audio/wav")
OGG = Format("Ogg", ".ogg", "audio/ogg")
FLAC = Format("FLAC", ".flac", "audio/flac")
M4A = Format("M4A", ".m4a", "audio/mp4")
MP4 = Format("MP4", ".mp4", "video/mp4")
WEBM = Format("WebM", ".webm", "audio/webm")
TAKEN = (MP3, M4A, WAV, OGG, FLAC, WEBM, AAC, MP4)
ACCEPT = ",".join(("audio/*", *(one.suffix for one in TAKEN)))
HEAD = 16


def format_of(head: bytes) -> Format | None:
    """The format of a file by its first 16 bytes; None for what is no recording."""
    if head.startswith(b"ID3"):
        return MP3
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return WAV
    if head.startswith(b"OggS"):
        return OGG
    if head.startswith(b"fLaC"):
        return FLAC
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return WEBM
    if head[4:8] == b"ftyp":
        return M4A if head[8:11] in (b"M4A", b"M4B") else MP4
    return _framed(head)


def _framed(head: bytes) -> Format | None:
    """MPEG audio begins with eleven set bits; the layer says whether it is MP3 or AAC."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer = head[1] & 0x06
    if head[1] & 0xF6 == 0xF0:
        return AAC
    return MP3 if layer == 0x02 else None


def names() -> str:
    """For sentences: MP3, M4A, … or MP4."""
    *first, last = [one.name for one in TAKEN]
    return f"{', '.join(first)} or {last}"
