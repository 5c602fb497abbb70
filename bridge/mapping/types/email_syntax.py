"""Checks addresses with email-validator. Imported for the first unusual address: the import takes 50 ms."""

import email_validator

# Names such as `server.local` are not public, but people have addresses there.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def ascii_form(text: str) -> str | None:
    """Return the address with its domain in ASCII (`xn--...`); None if it is not an address. Checks only the syntax."""
    try:
        found = email_validator.validate_email(
            text,
            check_deliverability=False,
            globally_deliverable=False,
            allow_quoted_local=True,
            allow_domain_literal=True,
        )
    except email_validator.EmailNotValidError:
        return None
    return f"{found.local_part}@{found.ascii_domain or found.domain}"
