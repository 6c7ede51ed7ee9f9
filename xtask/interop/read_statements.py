"""Has the Python package sd-jwt verify every statement that a demonstration left, under the keys the log names.

Usage: read_statements.py FOLDER    (the folder of `cargo xtask demo --once --out FOLDER`)
Knows nothing of the gateway but its published formats: C2SP entry bundles and RFC 9901.
"""

import base64
import json
import pathlib
import sys

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier


def entries(registry):
    """The log's entries, from the bundles of C2SP tlog-tiles."""
    size = int((registry / "checkpoint").read_text().splitlines()[1])
    for number in range(-(-size // 256)):
        width = min(256, size - number * 256)
        name = f"{number:03}" if width == 256 else f"{number:03}.p/{width}"
        bundle = (registry / "tile" / "entries" / name).read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            yield bundle[2 : 2 + length].decode()
            bundle = bundle[2 + length :]


def payload(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def statement_keys(registry):
    """Every statement key that the hub's public statements introduce, by thumbprint."""
    keys = {}
    for entry in entries(registry):
        _, _, jwt = entry.partition("\n\n")
        claims = payload(jwt) if jwt else {}
        if claims.get("use") == "statements" and claims.get("event") == "begins":
            key = JWK(**claims["jwk"])
            keys[key.thumbprint()] = (claims.get("institution"), key)
    return keys


def verify(path, keys):
    def key_of(issuer, header):
        institution, key = keys[header["kid"]]
        if issuer != f"urn:uscc:{institution}":
            raise ValueError(f"the key {header['kid']} is not one of {issuer}")
        return key

    claims = SDJWTVerifier(path.read_text().strip(), key_of).get_verified_payload()
    if claims["iss"].removeprefix("urn:uscc:") not in path.name:
        raise ValueError(f"{path.name} holds a statement of {claims['iss']}")
    if "_sd" in claims or "secrecy" not in claims and ":ACH:" in claims["vct"]:
        raise ValueError(f"{path.name} does not reveal what its policy reveals")


def main():
    folder = pathlib.Path(sys.argv[1])
    keys = statement_keys(folder / "registry")
    statements = sorted((folder / "receipts").glob("*.statement"))
    for path in statements:
        verify(path, keys)
    print(f"{len(statements)} statements verified under {len(keys)} keys")
    return 0 if statements else 1


sys.exit(main())
