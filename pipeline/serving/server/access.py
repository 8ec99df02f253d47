"""Who may ask a server: a bearer token, and the files of TLS."""

import dataclasses
import hmac
import os
import pathlib
import ssl

from transforms.schema import DataError

TOKEN_VARIABLE = "CMML_SERVER_TOKEN"

_SCHEME = "bearer "
_MIN_LENGTH = 16  # Characters; less can be guessed.


class AccessError(DataError):
    """A token or a file of TLS that cannot be used."""


@dataclasses.dataclass(frozen=True)
class Token:
    """What a client must send as `Authorization: Bearer ...`.

    Attributes:
        secret: The token; "" where nobody is asked for one. It is never printed.
    """

    secret: str = dataclasses.field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.secret:
            return
        is_plain = self.secret.isascii() and self.secret.isprintable()
        if len(self.secret) < _MIN_LENGTH or not is_plain or " " in self.secret:
            raise AccessError(
                f"a token must be {_MIN_LENGTH} or more printable ASCII characters "
                f"without blanks, got {len(self.secret)} characters."
            )

    def __bool__(self) -> bool:
        return bool(self.secret)

    def admits(self, authorization: str) -> bool:
        """Tells whether the value of a header has the token, in constant time.

        Args:
            authorization: Value of `Authorization`; "" if there is none.
        """
        if not self.secret:
            return True
        scheme, given = authorization[: len(_SCHEME)], authorization[len(_SCHEME) :]
        is_same = hmac.compare_digest(given.encode(), self.secret.encode())
        return scheme.lower() == _SCHEME and is_same


def tls_files(
    certificate: pathlib.Path | None, key: pathlib.Path | None
) -> "TlsFiles | None":
    """Returns both files, or None if neither is named.

    Raises:
        AccessError: If one is named without the other, or they cannot be used.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise AccessError(
            "--tls_certificate and --tls_key go together, got one of them."
        )
    files = TlsFiles(certificate, key)
    files.context()
    return files


def read_token(path: pathlib.Path | None) -> Token:
    """Reads the token from a file, or from the environment where none is named.

    Args:
        path: A file of one line; None for the variable `TOKEN_VARIABLE`.

    Raises:
        AccessError: If the file cannot be read or is empty, or the token too short.
    """
    if path is None:
        return Token(os.environ.get(TOKEN_VARIABLE, "").strip())
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise AccessError(f"--token_file {path} cannot be read: {error}.") from None
    if not secret:
        raise AccessError(f"--token_file {path} must hold a token, it is empty.")
    return Token(secret)


@dataclasses.dataclass(frozen=True)
class TlsFiles:
    """A certificate and its key, for both ports.

    Attributes:
        certificate: PEM file of the certificate, the chain after it.
        key: PEM file of the private key, without a passphrase.
    """

    certificate: pathlib.Path
    key: pathlib.Path

    def context(self) -> ssl.SSLContext:
        """Returns what REST listens with: TLS 1.2 or newer.

        Raises:
            AccessError: If the files cannot be read or do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An empty passphrase, so that nobody is asked for one at the terminal.
            context.load_cert_chain(self.certificate, self.key, password="")
        except OSError as error:
            raise AccessError(
                f"--tls_certificate {self.certificate} and --tls_key {self.key} must "
                f"be a certificate and its key in PEM: {error}."
            ) from None
        return context
