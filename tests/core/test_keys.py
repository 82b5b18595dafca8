"""Keys are hidden wherever they stand; names that only begin like one are not."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import User
from warehouse_admin.core.keys import without_keys

RANDOM = "Qd3-xP_0bV9kTzR5mWj7Ls1nYc8HgFa2uE6iOo4qXt4"
KEYS = ["phx_sandbox_ana", "phc_sandbox_public_token", f"wa_{RANDOM}", f"phz_{RANDOM}", f"wa_{RANDOM[:12]}"]
KEYS += [f"{prefix}_0123456789abcdefABCDEF" for prefix in ("phx", "phc", "phs", "pha", "phr", "phe")]
KEYS += ["wa_" + "a" * 40, "wa_22453db4d1f8fe5384580a3cd634162b4b8cd605"]
NAMES = [
    "wa_customers_daily",
    "phi_scores_daily",
    "wa_customers_by_region_and_product_category_2026_v2",
    "php_internals",
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Bearer {}",
        "https://example.com/api/{}/views?personal_api_key={}&x=1",
        '{{"Authorization": "Bearer {}"}}',
        "({}), '{}'; <{}>.",
        "é{}é",
        "one\n{}\ttwo",
    ],
)
def test_a_key_is_found_wherever_it_stands(key: str, around: str) -> None:
    text = around.replace("{}", key)

    for told in (text, json.dumps(text), json.dumps([{"said": text}], ensure_ascii=False), f"/x?q={quote(text)}"):
        assert key not in without_keys(told)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_only_begins_like_one_stays(name: str) -> None:
    for text in (name, f"/views/{name}/", json.dumps({"query": f"SELECT 1\nFROM {name}"})):
        assert without_keys(text) == text


def test_no_token_of_ours_is_ever_missed(author: User) -> None:
    for number in range(200):
        _, text = tokens.create_token(user=author, name=f"one {number}")
        assert without_keys(f"it is {text}.") == "it is [hidden]."
