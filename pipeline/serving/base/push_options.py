"""Which labels there are, and how a server is named."""

STABLE, CANARY = "stable", "canary"
LABELS = (STABLE, CANARY)


def check_label_and_server(label: str, server: str | None) -> None:
    """Checks the flags that `push` and `rollback` share.

    Raises:
        ValueError: If the label is unknown or the address has no port.
    """
    if label not in LABELS:
        raise ValueError(f"--label must be one of {list(LABELS)}, got {label!r}.")
    if server is not None:
        host, _, port = server.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"--server must be host:port, got {server!r}.")
