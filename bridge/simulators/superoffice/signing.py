"""RSA of the sandbox: the key pairs of the app (signs system tokens) and of the sign-in service (signs JWTs).

Both are made up for this simulator and protect nothing. They are fixed so that seeded runs repeat.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

EXPONENT = 65537
KEY_ID = "sandbox-1"

_APP_PRIMES = (
    0xE4591C4A8E2C80A30091BB36DDCE5350B543B827FB357FC4A2D6679E46E7E1CB745AD71A4FF6D8D647CBCDFE28F7244A1BF84593BF8AFF871C6BADEC94E2BE081596D08E41921E89B37BF35127D6C5DE9CF72C0EEB216225F2773B89A88BD1E1C3EBBDDF1EA4DD38EFF59564DE8D4D891DF1ADC2986635857DEFD29A67363BC7,
    0xC8860DC3555EC65E00B41445497EBCBB2AAC0810560DAB9F5E0986EE362013507F2F2923D32F395D9C015B347B30FC4EB36DD477EAEECFDBFFEFE8592E6E81BCEC1A1B08F45927184694C96197D49C6D9E0DC66C588CD0BE40C0AE62DB511B3FFE80C6A43B0C0A059FE0F4E7A39FC56CA0395ABC777728B3C7300ED0047EFA2B,
)
_SIGN_IN_PRIMES = (
    0xEB4968AB91D5CCBA1B46212DD9B2FFF97575DDE597310EBBC14E4E54AC85C7C5CE14E4B624FCF38FDB89E4C125635B82821487839B269A5EB814B8343418C728EBFEAC5D82E7611E0C67C96235DE8154D591B0E5A01B3E20284ACDAFB97927E13D12593511EBC0087EF0CB90C7951FD422F74E98FA0A87DF6FC73CB72E5FA723,
    0xE35B799B27893DAF8793CE3969AD814B379D2CCC04F1DEB1DEF78ED22A3FEB0677B8CF020C963E0E0CB93905F69D8F20EBE1E7B49A8941BCF734B2059D4BBA0A1F125BC80C68CB4B3AE465BE0C2ED72B1561A41B69A216B88B3616BDB6677C2C38763A50D5A111340021A97E5904905FF63F606A3BE549698CB6EE6221CD68B3,
)


@cache
def _key(primes: tuple[int, int]) -> rsa.RSAPrivateKey:
    p, q = primes
    d = rsa.rsa_recover_private_exponent(EXPONENT, p, q)
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(EXPONENT, p * q),
    )
    return numbers.private_key()


def sandbox_private_key() -> str:
    """The app's private key as PEM."""
    encoded = _key(_APP_PRIMES).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return encoded.decode()


def app_signed(data: str, signature: str) -> bool:
    """Whether `signature` (base64) is the app's RSA-SHA256 signature of `data`."""
    try:
        raw = base64.b64decode(signature, validate=True)
        _key(_APP_PRIMES).public_key().verify(raw, data.encode(), padding.PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def jwt(claims: Mapping[str, Any]) -> str:
    """An RS256 token of the sign-in service."""
    header = {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
    signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(_key(_SIGN_IN_PRIMES).sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def jwks() -> dict[str, Any]:
    """The public key that checks `jwt`."""
    modulus = _SIGN_IN_PRIMES[0] * _SIGN_IN_PRIMES[1]
    numbers = {"n": _part(modulus.to_bytes(256, "big")), "e": _part(EXPONENT.to_bytes(3, "big"))}
    return {"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, **numbers}]}


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
