"""The steps of a trial between two systems. Each step checks both systems through their own interfaces."""

import json
import time
from collections.abc import Callable

from tests.acceptance.site import fetch, until
from tests.real.bottle import Bottle
from tests.real.progress import say
from tests.real.site import PATIENCE_SECONDS, Site
from tests.real.tryton import Row

Step = Callable[[Site], None]


def name(number: int) -> str:
    return f"Company {number:03}"


def backfilled(site: Site) -> None:
    """Two of five companies are on both sides already: they are matched, and the others are created once."""
    total = site.companies
    common, at_crm = 2 * total // 5, 3 * total // 4
    site.crm.create(*map(name, range(at_crm)))
    site.tryton.create(*map(name, [*range(common), *range(at_crm, total)]))
    site.start()
    there(site, site.crm.hooks_work, "the hooks are registered")
    asked = site.run_command("backfill", site.crm.mapping)
    assert asked.code == 0, asked
    wanted = [name(number) for number in range(total)]
    there(site, lambda: names(site) == (wanted, wanted), f"{total} companies on both sides", 300)


def edited_on_both_sides(site: Site) -> None:
    """One side edits the name, the other one the website of the same company at once: both edits survive."""
    crm, tryton = pair(site, name(3))
    site.tryton.edit(tryton, name="Company three")
    site.crm.edit(crm, website="https://three.example")
    both(site, "Company three", "https://three.example")


def in_conflict(site: Site) -> None:
    """Both sides edit one field while the bridge is paused: the mapping's side wins, and the lost value is reported."""
    crm, tryton = pair(site, name(4))
    assert site.run_command("pause").code == 0
    site.crm.edit(crm, name="Four of the CRM")
    site.tryton.edit(tryton, name="Four of Tryton")
    time.sleep(5)
    assert site.run_command("resume").code == 0
    won, lost = ("Four of Tryton", "Four of the CRM")[:: 1 if site.crm.winner == "office" else -1]
    there(site, lambda: shown(site, won) == (won, won), f"{won!r} wins")
    why = site.run_command("why", site.crm.side, site.crm.entity, crm)
    assert lost in why.out, why


def deleted(site: Site) -> None:
    """Deletes cross in both directions, after a second read."""
    here, _ = pair(site, name(5))
    _, gone = pair(site, name(6))
    site.crm.delete(here)
    site.tryton.delete(gone)
    left = (name(5), name(6))
    there(site, lambda: not set(left) & {*names(site)[0], *names(site)[1]}, "both are gone on both sides")


def hook_broken(site: Site) -> None:
    """A person switches the hook off: it is repaired, and edits made meanwhile arrive."""
    crm, _ = pair(site, name(7))
    site.crm.break_hook()
    assert not site.crm.hooks_work()
    site.crm.edit(crm, name="Seven without a hook")
    there(site, lambda: shown(site, "Seven without a hook")[1] is not None, "the edit arrives")
    there(site, site.crm.hooks_work, "the hook works again")


def tryton_down(site: Site) -> None:
    """Work waits while Tryton is down, costs no attempts, and continues when it is back."""
    crm, _ = pair(site, name(8))
    site.tryton.down()
    site.crm.edit(crm, name="Eight in the dark")
    there(site, lambda: "down" in health(site, "system tryton"), "the bridge says that Tryton is down")
    site.tryton.up()
    there(site, lambda: shown(site, "Eight in the dark")[1] is not None, "the edit arrives")


def overtaken(site: Site) -> None:
    """A person edits the party between the bridge's read and its write: nothing of the edit is overwritten."""
    crm, tryton = pair(site, name(9))
    before = site.gate.conflicts

    def ahead(body: bytes) -> bool:
        call = json.loads(body)
        mine = call["method"] == "model.party.party.write" and call["params"][0] == [tryton]
        if mine:
            site.tryton.set_website(tryton, "https://nine.example")
        return mine

    site.gate.ahead.append(ahead)
    site.crm.edit(crm, name="Company nine")
    both(site, "Company nine", "https://nine.example")
    assert site.gate.conflicts == before + 1, "Tryton did not refuse the stale write"


def opportunities(site: Site) -> None:
    """An opportunity crosses, both sides edit it, it is won in the CRM, and Tryton makes a sale of it."""
    crm = site.crm
    if not isinstance(crm, Bottle):
        say("    BottleCRM alone has opportunities that cross both ways")
        return
    account, party = pair(site, name(10))
    values = {"name": "Office", "account": account, "amount": "1250.50", "currency": "EUR", "stage": "PROPOSAL"}
    made = crm.create_opportunity(**values, closed_on="2026-12-24")
    there(
        site,
        lambda: (shown_opportunity(site, "Office") or {}).get("state") == "opportunity",
        "the opportunity in Tryton, its button pressed",
    )
    found = shown_opportunity(site, "Office")
    assert found is not None
    assert found["party"] == party
    site.tryton.edit_opportunity(found["id"], description="Office, second floor")
    crm.edit_opportunity(made, amount="900.00")

    def both_edits() -> bool:
        here = [row for row in crm.opportunities() if row["name"] == "Office, second floor"]
        other = shown_opportunity(site, "Office, second floor")
        amounts = [float(row["amount"]) for row in here] + [float(other["amount"]["decimal"])] if other else []
        return amounts == [900.0, 900.0]

    there(site, both_edits, "both edits on both sides")
    crm.edit_opportunity(made, stage="CLOSED_WON", closed_on="2026-12-24")
    there(
        site,
        lambda: (shown_opportunity(site, "Office, second floor") or {}).get("state") == "converted",
        "won in the CRM is converted in Tryton",
    )
    assert [row["state"] for row in site.tryton.sales()] == ["draft"], "Tryton made one sale"


def shown_opportunity(site: Site, called: str) -> Row | None:
    found = [row for row in site.tryton.opportunities() if row["description"] == called]
    assert len(found) < 2, found
    return found[0] if found else None


def killed(site: Site) -> None:
    """kill -9 during many creates and edits; the bridge continues, and nothing is created twice."""
    edited = [pair(site, name(number))[0] for number in range(20, 30)]
    made = [f"Made before the kill {number:02}" for number in range(20)]
    for number, record in enumerate(edited):
        site.crm.edit(record, name=f"Edited before the kill {number:02}")
    site.crm.create(*made)
    there(site, lambda: any(one.startswith("Made before") for one in names(site)[1]), "work has begun")
    site.kill()
    site.start()
    wanted = {*made, *(f"Edited before the kill {number:02}" for number in range(10))}
    there(site, lambda: wanted <= set(names(site)[1]), "all of it arrives", 240)


def agree(site: Site) -> None:
    """`bridge verify` agrees, nothing is duplicated, no record needs a person, and the bridge ends in order."""
    there(site, lambda: site.run_command("verify").code == 0, "bridge verify finds no difference", 240)
    say(site.run_command("verify").out.strip())
    crm, tryton = names(site)
    assert crm == tryton
    assert len(crm) == len(set(crm))
    dead = site.run_command("dead-letters", "list")
    assert dead.code == 0, dead
    assert "no dead letters" in dead.out.lower() or not dead.out.strip(), dead.out
    site.run_command("doctor")
    assert site.stop() == 0


STEPS: tuple[Step, ...] = (
    backfilled,
    edited_on_both_sides,
    in_conflict,
    deleted,
    hook_broken,
    tryton_down,
    overtaken,
    opportunities,
    killed,
    agree,
)


def names(site: Site) -> tuple[list[str], list[str]]:
    """Return the names of all companies, at the CRM and in Tryton."""
    return [row["name"] for row in site.crm.companies()], [row["name"] for row in site.tryton.companies()]


def pair(site: Site, wanted: str) -> tuple[str, int]:
    """Return the ids of a company in both systems."""
    crm = [row["id"] for row in site.crm.companies() if row["name"] == wanted]
    tryton = [row["id"] for row in site.tryton.companies() if row["name"] == wanted]
    assert len(crm) == len(tryton) == 1, (wanted, crm, tryton)
    return str(crm[0]), int(tryton[0])


def shown(site: Site, wanted: str) -> tuple[str | None, str | None]:
    """Return the name on each side that has it."""
    found = [wanted if wanted in each else None for each in names(site)]
    return found[0], found[1]


def both(site: Site, called: str, website: str) -> None:
    """Wait until the company shows both values on both sides."""

    def hold() -> bool:
        crm = [row for row in site.crm.companies() if row["name"] == called]
        tryton = [row for row in site.tryton.companies() if row["name"] == called]
        return [row["website"] for row in (*crm, *tryton)] == [website, website]

    there(site, hold, f"{called!r} with {website} on both sides")


def there(site: Site, holds: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    try:
        until(holds, what, seconds * site.patience)
    except AssertionError as late:
        status = site.run_command("status").out
        waiting = site.run_command("waiting").out
        raise AssertionError(f"{late}\n{status}\n{waiting}\nlog: {site.log}") from None


def health(site: Site, part: str) -> str:
    answer = fetch(f"http://127.0.0.1:{site.admin}/health")
    checks = answer.json().get("checks", {}) if answer.text else {}
    return json.dumps(checks.get(part, []))
