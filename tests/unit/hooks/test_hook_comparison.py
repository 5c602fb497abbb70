"""What the bridge does about the hooks that a vendor lists."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.address import Addresses
from bridge.domain.callback import HookSpec, SeenHook
from bridge.hooks.compare import compare

SECRET = b"an instance secret of some length"
HERE = Addresses("acme", SECRET, "https://bridge.example")
OLD = Addresses("acme", SECRET, "https://old.example")
THEIRS = Addresses("other", SECRET, "https://bridge.example")
DEAL = HookSpec("any.deal", frozenset({"deal"}), frozenset({"changed"}))
PERSON = HookSpec("any.person", frozenset({"person"}), frozenset({"changed"}))


def seen(number: int, url: str = HERE.url("crm1", "any.deal"), key: str | None = "any.deal", **more: bool) -> SeenHook:
    return SeenHook(str(number), url, key, **more)


def test_nothing_seen_means_all_are_missing() -> None:
    found = compare("crm1", [DEAL, PERSON], [], HERE)
    assert (dict(found.keep), list(found.missing), list(found.remove)) == ({}, [DEAL, PERSON], [])


def test_our_correct_hook_is_adopted() -> None:
    found = compare("crm1", [DEAL], [seen(3)], HERE)
    assert (found.keep["any.deal"].id, list(found.missing), list(found.remove)) == ("3", [], [])


def test_of_two_equal_hooks_the_older_stays() -> None:
    found = compare("crm1", [DEAL], [seen(10), seen(9)], HERE)
    assert (found.keep["any.deal"].id, [hook.id for hook in found.remove]) == ("9", ["10"])


def test_a_stopped_hook_is_replaced() -> None:
    found = compare("crm1", [DEAL], [seen(3, active=False)], HERE)
    assert (list(found.missing), [hook.id for hook in found.remove]) == ([DEAL], ["3"])


def test_a_hook_for_other_events_than_its_address_names_is_replaced() -> None:
    found = compare("crm1", [DEAL], [seen(3, key="any.person")], HERE)
    assert (list(found.missing), [hook.id for hook in found.remove]) == ([DEAL], ["3"])


def test_a_hook_at_an_older_public_address_is_replaced() -> None:
    found = compare("crm1", [DEAL], [seen(3, url=OLD.url("crm1", "any.deal"))], HERE)
    assert (list(found.missing), [hook.id for hook in found.remove]) == ([DEAL], ["3"])


def test_a_hook_that_is_no_longer_wanted_is_removed() -> None:
    found = compare("crm1", [PERSON], [seen(3)], HERE)
    assert [hook.id for hook in found.remove] == ["3"]


def test_without_events_in_the_listing_the_address_decides() -> None:
    assert compare("crm1", [DEAL], [seen(3, key=None)], HERE).keep["any.deal"].id == "3"


others = st.one_of(
    st.text(),
    st.sampled_from([THEIRS.url("crm1", "any.deal"), "https://bridge.example/hooks/crm1/any.deal/" + "0" * 40]),
    st.sampled_from([HERE.url("crm2", "any.deal")]),
)


@given(st.lists(st.builds(SeenHook, st.text(), others, st.sampled_from([None, "any.deal"]), st.booleans())))
def test_promise_13_hooks_of_others_are_never_touched(hooks: list[SeenHook]) -> None:
    found = compare("crm1", [DEAL], hooks, HERE)
    assert (dict(found.keep), list(found.missing), list(found.remove)) == ({}, [DEAL], [])


def test_a_hook_that_a_person_deactivated_stays_so_where_that_is_respected() -> None:
    stopped = seen(3, active=False, by_hand=True)
    found = compare("crm1", [DEAL], [stopped], HERE, {"any.deal"})
    assert (dict(found.deactivated), list(found.missing), list(found.remove)) == ({"any.deal": stopped}, [], [])
    mended = compare("crm1", [DEAL], [stopped], HERE)
    assert (dict(mended.deactivated), list(mended.missing), list(mended.remove)) == ({}, [DEAL], [stopped])


def test_a_failed_hook_is_no_decision_of_a_person() -> None:
    found = compare("crm1", [DEAL], [seen(3, active=False)], HERE, {"any.deal"})
    assert (dict(found.deactivated), list(found.missing)) == ({}, [DEAL])


def test_a_deactivated_hook_beside_an_active_one_is_removed() -> None:
    found = compare("crm1", [DEAL], [seen(3, active=False, by_hand=True), seen(4)], HERE, {"any.deal"})
    assert (found.keep["any.deal"].id, dict(found.deactivated), [hook.id for hook in found.remove]) == ("4", {}, ["3"])


def test_a_hook_that_is_no_longer_wanted_is_removed_even_if_a_person_deactivated_it() -> None:
    found = compare("crm1", [PERSON], [seen(3, active=False, by_hand=True)], HERE, {"any.deal"})
    assert [hook.id for hook in found.remove] == ["3"]
