"""What email-validator says of an address. Imported by the first odd one: it takes 50 ms that most runs never need."""

import email_validator

# Names such as `server.local` are no public ones, and people have addresses there all the same.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def ascii_form(text: str) -> str | None:
    """The address with its domain in ASCII (`xn--...`); None when it is not an address. Syntax only, no look-up."""
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
