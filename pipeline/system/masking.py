"""Passwords in the addresses of stores: the configuration may hold none, and none is shown."""

import re

#: A password before the host, up to the last @, or as a parameter after the path.
_PASSWORDS = re.compile(r"(?<=://)([^/\s:@]*:)[^/\s]*(?=@)|([?&](?:password|passwd|token|secret)=)[^&\s]*", re.IGNORECASE)


def masked(text: object) -> str:
    """An address, or a message with addresses, with ``***`` in the place of each password."""
    return _PASSWORDS.sub(lambda found: f"{found[1] or found[2]}***", str(text))


def holds_password(address: str) -> bool:
    """Whether an address holds a password, as ``http://user:secret@host`` does."""
    return masked(address) != address
