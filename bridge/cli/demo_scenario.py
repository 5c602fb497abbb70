"""The demo's story. Each step does something that a person could do, and waits for what the bridge does about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.cli.demo_world import DemoWorld
from bridge.simulators.faults import ResponseFault
from bridge.simulators.records import Record

Step = Callable[["Scenario"], Awaitable["Checked"]]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the result table."""

    what: str
    passed: bool
    detail: str


@dataclass(slots=True)
class Scenario:
    """The actions of people in the story. `ids`: the ids of the records that they created, by a word of the story."""

    world: DemoWorld
    ids: dict[str, Any] = field(default_factory=dict)

    def in_deskera(self, entity: str, **wanted: Any) -> Record | None:
        """Return the first live record in Deskera that shows all wanted values."""
        for row in self.world.deskera.dump()["records"][entity]:
            if all(_same(row.get(name), value) for name, value in wanted.items()):
                found: Record = row
                return found
        return None

    def in_pipedrive(self, entity: str, record: Any) -> Record:
        rows = self.world.pipedrive.dump()["records"][entity]
        found: Record = next(row for row in rows if row["id"] == record)
        return found

    def count(self, entity: str, name: str) -> int:
        """Return how many live records in Deskera have this name."""
        return sum(1 for row in self.world.deskera.dump()["records"][entity] if row.get("name") == name)

    def writes(self) -> int:
        """Return how many writing requests both simulators have answered."""
        return self.world.pipedrive.requests.writes() + self.world.deskera.requests.writes()


def _same(shown: Any, wanted: Any) -> bool:
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        return shown is not None and float(shown) == float(wanted)
    return bool(shown == wanted)


async def hooks_registered(story: Scenario) -> Checked:
    """The bridge registers its hooks at both products."""
    world = story.world
    there = await world.until(lambda: len(world.pipedrive.state.hooks) >= 3 and len(world.deskera.state.hooks) >= 6)
    counts = f"{len(world.pipedrive.state.hooks)} in Pipedrive, {len(world.deskera.state.hooks)} in Deskera"
    await world.until(lambda: world.bridge.keeper.last is not None)
    return Checked("hooks are registered at both products", there, counts)


async def created(story: Scenario) -> Checked:
    """An organization, its person and their deal are made in Pipedrive."""
    pages = story.world.pipedrive
    company = pages.person_creates("organizations", {"name": "Fjord Shipping"})["id"]
    emails = [{"value": "ana@fjord.example", "label": "work", "primary": True}]
    person = pages.person_creates("persons", {"name": "Ana Lund", "emails": emails, "org_id": company})["id"]
    deal = pages.person_creates(
        "deals",
        {"title": "Spring order", "value": 1250.5, "currency": "EUR", "person_id": person, "org_id": company},
    )["id"]
    story.ids.update(company=company, person=person, deal=deal)
    there = await story.world.until(lambda: story.in_deskera("deals", name="Spring order", amount=1250.5) is not None)
    contact = story.in_deskera("contacts", name="Ana Lund", type="person") or {}
    linked = (contact.get("organization") or {}).get("name") or contact.get("organization_name")
    detail = f"contact Ana Lund of {linked}, deal Spring order over 1250.50 EUR"
    return Checked("organization, person and deal arrive in Deskera", there and linked == "Fjord Shipping", detail)


async def changed(story: Scenario) -> Checked:
    """The deal moves on, its amount changes, and the organization gets another name."""
    world = story.world
    stages = world.pipedrive.dump()["records"]["stages"]
    stage = next(row["id"] for row in stages if row["name"] == "Proposal Made")
    world.pipedrive.person_edits("deals", story.ids["deal"], {"value": 1800, "stage_id": stage})
    world.pipedrive.person_edits("organizations", story.ids["company"], {"name": "Fjord Lines"})
    proposal = world.deskera.stage_id("Proposal")
    there = await world.until(
        lambda: (
            story.in_deskera("deals", name="Spring order", amount=1800, stage_id=proposal) is not None
            and story.in_deskera("contacts", name="Fjord Lines", type="organization") is not None
        )
    )
    return Checked("a changed deal and organization arrive", there, "1800 EUR, stage Proposal; Fjord Lines")


async def back(story: Scenario) -> Checked:
    """A person edits the contact in Deskera."""
    contact = story.in_deskera("contacts", name="Ana Lund")
    if contact is None:
        return Checked("an edit in Deskera crosses back", False, "the contact is not there")
    story.world.deskera.person_edits("contacts", contact["id"], {"name": "Ana Berg"})
    there = await story.world.until(lambda: story.in_pipedrive("persons", story.ids["person"])["name"] == "Ana Berg")
    return Checked("an edit in Deskera crosses back", there, "Ana Lund is Ana Berg in Pipedrive")


async def both_edit(story: Scenario) -> Checked:
    """Two people edit different fields of one deal at the same time."""
    world = story.world
    deal = story.in_deskera("deals", name="Spring order")
    if deal is None:
        return Checked("edits of both sides survive", False, "the deal is not there")
    world.deskera.person_edits("deals", deal["id"], {"amount": 2100})
    world.pipedrive.person_edits("deals", story.ids["deal"], {"title": "Summer order"})
    there = await world.until(
        lambda: (
            story.in_deskera("deals", name="Summer order", amount=2100) is not None
            and _same(story.in_pipedrive("deals", story.ids["deal"])["value"], 2100)
        )
    )
    return Checked("edits of different fields on both sides survive", there, "Summer order over 2100 on both")


async def hook_lost(story: Scenario) -> Checked:
    """The deal hook is deleted at the vendor, and the deal is edited before the hook is registered again."""
    world = story.world
    clock = world.bridge.seams.clock
    before = set(world.pipedrive.state.hooks)
    lost = next(key for key, hook in world.pipedrive.state.hooks.items() if hook["event_object"] == "deal")
    world.pipedrive.drop_hook(lost)
    world.pipedrive.person_edits("deals", story.ids["deal"], {"value": 2500})
    started = clock.monotonic()
    healed = await world.until(lambda: bool(set(world.pipedrive.state.hooks) - before))
    healed_after = clock.monotonic() - started
    there = await world.until(lambda: story.in_deskera("deals", name="Summer order", amount=2500) is not None)
    detail = f"hook {lost} registered again after {healed_after:.1f} s, the edit recovered"
    return Checked("a deleted hook heals and the missed edit is recovered", healed and there, detail)


async def lost_answer(story: Scenario) -> Checked:
    """Deskera creates a contact, but its answer is lost. No second record is created."""
    world = story.world
    fault = ResponseFault(kind="drop", method="POST", path="/v1/crm/contacts$", after=True, times=1)
    world.deskera.faults.responses.append(fault)
    company = world.pipedrive.person_creates("organizations", {"name": "Once Only Ltd"})["id"]
    settled = await world.until(lambda: story.count("contacts", "Once Only Ltd") > 0)
    linked = settled and await world.until_linked("organizations", str(company))
    count = story.count("contacts", "Once Only Ltd")
    detail = f"{count} record in Deskera, found again and linked"
    return Checked("a lost answer makes no second record", linked and count == 1, detail)


async def deleted(story: Scenario) -> Checked:
    """The deal, the person and the organization are deleted in Pipedrive."""
    pages = story.world.pipedrive
    pages.person_deletes("deals", story.ids["deal"])
    pages.person_deletes("persons", story.ids["person"])
    pages.person_deletes("organizations", story.ids["company"])
    gone = await story.world.until(
        lambda: (
            story.in_deskera("deals", name="Summer order") is None
            and story.count("contacts", "Ana Berg") + story.count("contacts", "Fjord Lines") == 0
        )
    )
    return Checked("what is deleted in Pipedrive goes in Deskera", gone, "after a second read and a canary read")


async def quiet(story: Scenario) -> Checked:
    """Nothing is edited any more, and the echoes of the bridge's own writes cause no further write."""
    world = story.world
    idle = await world.until(lambda: not world.bridge.worker.running)
    clock = world.bridge.seams.clock
    await clock.sleep(4)
    before = story.writes()
    await clock.sleep(5)
    after = story.writes()
    return Checked(
        "then there is silence: no write without a change", idle and before == after, f"{after} writes in all"
    )


async def accounted(story: Scenario) -> Checked:
    """Every delivery is accounted for."""
    totals = await story.world.bridge.store.tasks.totals()
    fates = ("applied", "unchanged", "coalesced", "filtered", "waiting", "dead", "discarded")
    even = all(row["accepted"] == sum(row[fate] for fate in fates) for row in totals.values())
    dead = sum(row["dead"] for row in totals.values())
    accepted = sum(row["accepted"] for row in totals.values())
    return Checked("every delivery is accounted for", even and dead == 0, f"{accepted} accepted, {dead} dead letters")


STEPS: tuple[Step, ...] = (
    hooks_registered,
    created,
    changed,
    back,
    both_edit,
    hook_lost,
    lost_answer,
    deleted,
    quiet,
    accounted,
)
