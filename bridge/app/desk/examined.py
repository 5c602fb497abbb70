"""The findings of `bridge doctor`, as the pages and the API show them, each with its remedy."""

from dataclasses import field

from pydantic import Field as Described

from bridge.admin.operation import Given, Nothing, Person
from bridge.app.build import Bridge
from bridge.app.desk.looking import begin, outline
from bridge.app.looks import State
from bridge.domain.frozen import dataclass


class Examining(Given):
    """How much the doctor checks."""

    live: bool = Described(default=False, description="Also call the accounts: clock, credentials, rights, hooks.")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding of the doctor. `word`: ok, warn or fail. `remedy`: what to do, "" if nothing is to be done."""

    part: str
    word: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DoctorLook:
    """The doctor's last findings. `about`: whether the accounts were called."""

    state: State
    about: str
    requested_by: str
    began_at: str | None
    ended_at: str | None
    fault: str
    worst: str = ""
    lines: list[Line] = field(default_factory=list)


class Doctor:
    """Runs `bridge doctor`, and returns its last findings."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def said(self, person: Person, given: Nothing) -> DoctorLook:
        look = self._bridge.looks.last("doctor")
        if look is None or look.found is None:
            return DoctorLook(**outline(look))
        lines = [Line(one["part"], one["word"], one["text"], one["remedy"]) for one in look.found]
        order = ("ok", "warn", "fail")
        worst = max((line.word for line in lines), key=order.index, default="ok")
        return DoctorLook(**outline(look), worst=worst, lines=sorted(lines, key=lambda line: -order.index(line.word)))

    async def examine(self, person: Person, examining: Examining) -> DoctorLook:
        live = ["--live"] if examining.live else []
        about = "the accounts were checked as well" if examining.live else ""
        await begin(self._bridge, "doctor", "doctor", about, person, ["doctor", "--json", *live], examining)
        return await self.said(person, Nothing())
