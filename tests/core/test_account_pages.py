"""The sign-in library's pages in the portal's clothes."""

from __future__ import annotations

import pytest
from django.urls import reverse

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore:No directory at")]


def test_the_sandbox_offers_its_demo_people_on_the_sign_in_page(client, settings):
    settings.SANDBOX_MODE = True
    html = client.get(reverse("account_login")).content.decode()

    assert 'data-page="signin"' in html
    assert "User name or e-mail" in html
    assert 'name="login" value="erin"' in html and settings.SANDBOX_PASSWORD in html
    assert "style=" not in html


def test_a_real_portal_offers_nobody(client, settings):
    settings.SANDBOX_MODE = False
    html = client.get(reverse("account_login")).content.decode()

    assert "demo-people" not in html and settings.SANDBOX_PASSWORD not in html


def test_a_password_reset_is_offered_only_where_mail_is_sent(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    without = client.get(reverse("account_login")).content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    with_mail = client.get(reverse("account_login")).content.decode()

    assert reverse("account_reset_password") not in without
    assert with_mail.count(f'href="{reverse("account_reset_password")}"') == 1
    assert "Stay signed in" in without


def test_a_wrong_password_is_told_beside_the_form(client, viewer):
    answer = client.post(reverse("account_login"), {"login": "viewer", "password": "wrong"})

    assert 'class="alert alert-error"' in answer.content.decode()


@pytest.mark.parametrize("name", ["account_change_password", "mfa_index", "account_reauthenticate", "account_logout"])
def test_a_page_about_ones_own_sign_in_wears_the_frame(client_of, viewer, name):
    answer = client_of(viewer).get(reverse(name), follow=True)
    html = answer.content.decode()

    assert answer.status_code == 200
    assert "css/tokens.css" in html and 'class="card' in html
    assert "style=" not in html and "<script>" not in html


def test_nobody_signs_up_by_themselves(client):
    assert "There is no open sign-up" in client.get(reverse("account_signup")).content.decode()
