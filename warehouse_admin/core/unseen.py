"""Signs for the characters that a reader would not see, so that no text can pose as another."""

from __future__ import annotations

import re
import unicodedata

# In code: whatever looks like nothing, like a plain space or like the end of a line.
_IN_CODE = (
    *range(0x80, 0xA1),
    0xAD,
    0x34F,
    0x61C,
    0x115F,
    0x1160,
    0x180E,
    0x200B,
    *range(0x200E, 0x2010),
    *range(0x2028, 0x2030),
    *range(0x205F, 0x2070),
    0x3000,
    0x3164,
    0xFEFF,
    0xFFA0,
    *range(0xE0000, 0xE0080),
)
# Prose of right-to-left languages needs its marks, and prose of any language its spaces.
_GOOD_IN_PROSE = {0xA0, 0x61C, 0x200E, 0x200F, 0x202F, 0x205F, 0x3000}

_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20) if code not in (9, 10, 13)} | {0x7F: "␡"}


def _sign(character: str) -> str:
    return _CONTROLS.get(ord(character)) or f"⟨U+{ord(character):04X}⟩"


# Joiners shape Arabic, Indic scripts and emoji, which lie above Armenian; next to anything before it they only hide.
_JOINERS = "(?<![\u0590-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\U0010ffff])"
_STRAY_JOINER = re.compile(_JOINERS)
_CODE = {code: _sign(chr(code)) for code in (*_CONTROLS, *_IN_CODE)} | {13: "␍"}
_CLASS = "".join(re.escape(chr(code)) for code in (*_CONTROLS, *_IN_CODE) if code not in _GOOD_IN_PROSE)
# A flag such as Scotland's is a black one with its letters as tags behind it.
_PROSE = re.compile(f"(\U0001f3f4[\U000e0061-\U000e007a]{{3,6}}\U000e007f)|[{_CLASS}]|{_JOINERS}")
_SUSPECT = [chr(code) for code in (*_CONTROLS, *_IN_CODE, 0x200C, 0x200D) if code not in _GOOD_IN_PROSE]
_NOTHING_SEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}
_BLANK = {*_IN_CODE, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x2800}  # variation selectors, empty Braille
_PARTS = re.compile(r"(<(?:script|style|textarea)\b.*?</(?:script|style|textarea)>|<!--.*?-->|<[^>]*>)", re.DOTALL)
_READ_OUT = re.compile(r'((?<= )(?:title|aria-label|alt)=")([^"]*)')


def hidden_characters(text: str) -> set[str]:
    """Those of a code's characters that get a sign, but for the ends of lines."""
    return {character for character in set(text) if ord(character) in _CODE and character != "\r"}


def visible(text: str) -> str:
    """Code with a sign for everything unseen, or a change made of it could be approved unseen."""
    signed = text.translate(_CODE)
    return _STRAY_JOINER.sub(_signed, signed) if "\u200c" in signed or "\u200d" in signed else signed


def visible_prose(text: str) -> str:
    """Prose with a sign for what overrides the direction of writing and for what is unseen to no good end."""
    return _PROSE.sub(_signed, text)


def visible_page(page: str) -> str:
    """HTML with these signs in all that is read, hints included; what a form sends back or a script reads stays."""
    if not any(character in page for character in _SUSPECT):  # 30 times as fast as the expression, for every page
        return page
    parts = _PARTS.split(page)  # text and tags by turns
    parts[::2] = [visible_prose(text) for text in parts[::2]]
    parts[1::2] = [_tag(tag) for tag in parts[1::2]]
    return "".join(parts)


def is_blank(text: str) -> bool:
    """Whether a reader would see nothing of it: spaces, controls, and characters that only shape others or hide."""
    return all(unicodedata.category(one) in _NOTHING_SEEN or ord(one) in _BLANK for one in text)


def _tag(tag: str) -> str:
    if tag.startswith("<!--"):
        return tag
    head, closed, rest = tag.partition(">")
    return _READ_OUT.sub(lambda found: found[1] + visible_prose(found[2]), head) + closed + rest


def _signed(found: re.Match[str]) -> str:
    return found[1] if found.re is _PROSE and found[1] else _sign(found[0])
