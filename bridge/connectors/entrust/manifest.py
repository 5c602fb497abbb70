"""What Entrust offers and what it cannot do.

Sources: the vendor's OpenAPI description of the Administration API; pages "Webhooks", "Manage Webhooks", "Events".
"""

from collections.abc import Mapping

from bridge.connectors.entrust.columns import GROUP, ORGANIZATION, USER, USER_SETS
from bridge.domain.catalog import EntityManifest, Lookup, Manifest

DAY = 86400.0

SWITCHES: Mapping[tuple[str, str], str] = {
    ("user", "creates"): "create_users",
    ("user", "deletes"): "delete_users",
}

MANIFEST = Manifest(
    product="entrust",
    entities={
        "user": EntityManifest(
            columns={**{column: each.spec for column, each in USER.items()}, **USER_SETS},
            events=frozenset({"created", "changed", "deleted"}),
            archives=True,
            version_resolution=1.0,
            unversioned=frozenset({"custom", *USER_SETS}),
            since_lag=240.0,
            history=7 * DAY,
            delete_evidence=False,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"user_id", "external_id"}),
        ),
        "group": EntityManifest(
            columns={column: each.spec for column, each in GROUP.items()},
            since=False,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"name", "external_id"}),
            delete_evidence=False,
            custom=False,
        ),
        "organization": EntityManifest(
            columns={column: each.spec for column, each in ORGANIZATION.items()},
            since=False,
            version_resolution=None,
            shows_new=False,
            lookup=Lookup.LAGGING,
            lookup_columns=frozenset({"name", "display_name"}),
            delete_evidence=False,
            custom=False,
        ),
    },
    limits=(
        "A user is a person's login. Users are created only with the option create_users and deleted only with"
        " delete_users; `archive` makes a user inactive. No registration or verification is requested, and no e-mail"
        " is sent, unless the options say so.",
        "Users that a directory or another source owns are read-only, unless the options say otherwise.",
        "Changes of users between callbacks are found in the audit events, which need the right REPORTS:VIEW;"
        " without it every user is read and compared.",
        "Whether an edit of attributes, aliases, groups or organizations moves a user's modification time is not"
        " documented, so the bridge does not rely on it.",
        "Users can be searched by user id and external id only; others are matched by the bridge's own index.",
        "Groups and organizations raise no events, and organizations show no times: sweeps read all of both.",
        "An organization whose create was not answered is not looked up automatically.",
        "A webhook's signing token is shown once; if it is lost, the webhook is replaced.",
        "A webhook is disabled after 100 failed deliveries; the bridge enables it again and runs a sweep. A tenant"
        " has at most 20 active ones.",
        "Two generations of signatures are documented; the bridge accepts both and never goes back to the older one.",
        "A user's only organization is the column `organization`; with several, use the set `organizations`.",
        "A user's list of groups or organizations is written whole.",
    ),
    not_yet=("roles, authenticators and directories", "OAuth roles and extra attributes", "writing aliases"),
)
