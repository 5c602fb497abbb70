"""A verification as the pages and the API show it: whether both sides agree, and what differs, with examples."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from pydantic import Field as Described

from bridge.admin.operation import Person
from bridge.app.build import Bridge
from bridge.app.desk.looking import begin, outline
from bridge.app.desk.mappings import Named, find_mapping
from bridge.app.desk.words import when
from bridge.app.looks import State
from bridge.app.verified import STATES, agreed_of
from bridge.domain.frozen import dataclass, replace
from bridge.verify.report import ALONE_WORDS, ALONE_WRONG, EXPECTED, PAIR_WORDS, WRONG, example_line, total_line


class Verifying(Named):
    """A mapping that is verified."""

    sample: int | None = Described(default=None, ge=1, le=2**53, description="How many random pairs; default: all.")


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of difference: its text, the number of cases, and the first of them. `wrong`: whether it is an error."""

    text: str
    number: int
    examples: list[str]
    wrong: bool


@dataclass(frozen=True, slots=True)
class VerifyLook:
    """The verifications of a mapping. `verified_at`, `agreed` and `numbers` are those of the last one, however it was
    started. `agrees`, `pairs`, `found` and the rest are those of the last one that was started here, with examples.
    `agreed` and `agrees` are None if it ended early and had found no difference."""

    mapping: str
    state: State
    requested_by: str
    began_at: str | None
    ended_at: str | None
    fault: str
    verified_at: str | None
    agreed: bool | None
    numbers: list[tuple[str, int]]
    agrees: bool | None = None
    pairs: int = 0
    equal: int = 0
    found: list[Found] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    repaired: int = 0


class Verifications:
    """Runs `bridge verify`, and returns its result."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def verified(self, person: Person, named: Named) -> VerifyLook:
        find_mapping(self._bridge, named.mapping)
        last = (await self._bridge.store.verifications.last()).get(named.mapping)
        summary = (last.summary if last is not None else None) or {}
        look = self._bridge.looks.last(f"verify {named.mapping}")
        shown = VerifyLook(
            mapping=named.mapping,
            **{key: value for key, value in outline(look).items() if key != "about"},
            verified_at=when(last.done_at) if last is not None else None,
            agreed=agreed_of(last),
            numbers=[(name, summary.get(name, 0)) for name in STATES] if summary else [],
        )
        return shown if look is None or look.found is None else _with_report(shown, look.found[0])

    async def verify(self, person: Person, verifying: Verifying) -> VerifyLook:
        return await self._verify(person, verifying, [], "verify")

    async def repair(self, person: Person, verifying: Verifying) -> VerifyLook:
        return await self._verify(person, verifying, ["--repair"], "")  # the command itself makes the entry

    async def _verify(self, person: Person, verifying: Verifying, more: list[str], action: str) -> VerifyLook:
        name = find_mapping(self._bridge, verifying.mapping).name
        sample = [] if verifying.sample is None else ["--sample", str(verifying.sample)]
        command = ["verify", "--json", *more, *sample, "--", name]
        await begin(self._bridge, f"verify {name}", action, name, person, command, verifying)
        return await self.verified(person, Named(mapping=name))


def _with_report(shown: VerifyLook, report: Mapping[str, Any]) -> VerifyLook:
    totals = report["sums"].items()
    sums = [f"{name}: {'; '.join(f'{side} {total_line(by)}' for side, by in sides.items())}" for name, sides in totals]
    return replace(
        shown,
        fault=shown.fault or report["fault"],
        agrees=report["agrees"],
        pairs=report["pairs"],
        equal=report["equal"],
        found=[one for one in _findings(report) if one.number],
        sums=sums,
        repaired=report["repaired"],
    )


def _findings(report: Mapping[str, Any]) -> Iterator[Found]:
    """Yield every kind of difference: pairs, fields and unpaired records first, then what the bridge leaves as it is,
    shared match keys and missing references."""
    for state, (one, several) in PAIR_WORDS.items():
        many = report[state]["number"] != 1
        yield _found(f"{'pairs' if many else 'pair'} {several if many else one}", report[state], wrong=state in WRONG)
    for name, tally in report["fields"].items():
        yield _found(f"differ in {name}", tally, wrong=True)
    for side, by in report["alone"].items():
        for why, tally in by.items():
            named = {**tally, "examples": []} if why in EXPECTED else tally
            yield _found(f"only in {side}: {ALONE_WORDS[why]}", named, wrong=why in ALONE_WRONG)
    for name, tally in report["kept"].items():
        yield _found(f"differ in {name}, and the bridge leaves that as is", tally)
    for side, tally in report["duplicates"].items():
        yield _found(f"match keys shared by several records of {side}", tally)
    for name, tally in report["references"].items():
        yield _found(f"references of {name} to records that are not linked", tally)


def _found(text: str, tally: Mapping[str, Any], *, wrong: bool = False) -> Found:
    examples = [one if isinstance(one, str) else example_line(one) for one in tally["examples"]]
    return Found(text, tally["number"], examples, wrong)
