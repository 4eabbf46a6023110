"""Checks of certificates and private keys in PEM, before a client of Kafka reads them."""

import re

CERTIFICATE = "-----BEGIN CERTIFICATE-----"
PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----")
KINDS = {"": False, "ENCRYPTED ": True}
"""The kinds of private keys that Java reads (PKCS #8): whether a password encrypts them."""


def check_truststore(pem: str) -> None:
    """Raise ValueError if the text has no certificate; no message shows the text."""
    if CERTIFICATE not in pem:
        message = f'it has no line "{CERTIFICATE}": name a PEM file with the certificate of the CA'
        raise ValueError(message)


def check_keystore(pem: str, *, has_password: bool) -> None:
    """Raise ValueError if a client cannot use the private key; no message shows the text."""
    kinds = PRIVATE_KEY.findall(pem)
    if CERTIFICATE not in pem or not kinds:
        missing = "private key" if CERTIFICATE in pem else "certificate"
        message = f"it has no {missing}: name a PEM file with the job's private key and certificate"
    elif kinds[0] not in KINDS:
        message = (
            f'Java does not read a private key of the form "{kinds[0]}PRIVATE KEY": convert it '
            "with `openssl pkcs8 -topk8`"
        )
    elif KINDS[kinds[0]] != has_password:
        message = (
            "its private key is not encrypted: remove key_password"
            if has_password
            else "its private key is encrypted: set key_password"
        )
    else:
        return
    raise ValueError(message)
