"""Tokens and files of TLS, without a server."""

import pytest

from pipeline.serving.server import access
from pipeline.serving.server.access import AccessError, Token, read_token, tls_files

SECRET = "0123456789abcdef"


def test_a_token_admits_itself_alone():
    token = Token(SECRET)
    for given in (f"Bearer {SECRET}", f"bearer {SECRET}"):
        assert token.admits(given)
    for given in ("", SECRET, "Bearer ", f"Bearer {SECRET}0", f"Bearer {SECRET[:-1]}"):
        assert not token.admits(given)
    assert not token.admits(f"Basic  {SECRET}")
    assert not token.admits("Bearer é")


def test_no_token_admits_all():
    assert Token().admits("")
    assert not Token()


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(
        access.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or True
    )
    assert Token(SECRET).admits("Bearer other")
    assert compared == [(b"other", SECRET.encode())]


def test_a_token_is_not_printed():
    assert SECRET not in repr(Token(SECRET))


@pytest.mark.parametrize("secret", ["short", "é" * 20, "with blanks in it", "\0" * 20])
def test_a_token_that_is_weak_or_no_header_is_refused(secret):
    with pytest.raises(AccessError, match=f"got {len(secret)} characters"):
        Token(secret)


def test_the_token_is_read_from_a_file_or_else_from_the_environment(
    tmp_path, monkeypatch
):
    monkeypatch.delenv(access.TOKEN_VARIABLE, raising=False)
    assert not read_token(None)
    monkeypatch.setenv(access.TOKEN_VARIABLE, "from the environment".replace(" ", "-"))
    assert read_token(None).secret == "from-the-environment"
    path = tmp_path / "token"
    path.write_text(f"{SECRET}\n")
    assert read_token(path).secret == SECRET
    path.write_text("\n")
    with pytest.raises(AccessError, match=r"token must hold a token, it is empty"):
        read_token(path)
    with pytest.raises(AccessError, match=r"--token_file .*/no cannot be read"):
        read_token(tmp_path / "no")


def test_the_files_of_tls_go_together(tmp_path):
    assert tls_files(None, None) is None
    path = tmp_path / "some.pem"
    with pytest.raises(AccessError, match="go together"):
        tls_files(path, None)
    path.write_text("no certificate")
    with pytest.raises(AccessError, match=r"--tls_certificate .*some.pem"):
        tls_files(path, path)
