"""Sends one message to one target with Apprise. The address names the service (webhook, e-mail, chat, pager).

Imported when a message is sent, because Apprise costs 0.2 s and 40 MB.
"""

import apprise

from bridge.alerts.message import Message
from bridge.domain.concurrent import Apart
from bridge.domain.errors import BridgeError
from bridge.monitoring.health import Status

DELIVERY_SECONDS = 30.0
KINDS = {
    Status.PASS: apprise.NotifyType.SUCCESS,
    Status.WARN: apprise.NotifyType.WARNING,
    Status.FAIL: apprise.NotifyType.FAILURE,
}
NO_ADDRESS = "its url is none that Apprise knows; see docs/monitoring.md"
BUSY = "the service still keeps the message before this one; nothing more is sent to it until that ends"
REFUSED = "the service could not be reached or refused it"


class DeliveryFailed(BridgeError):
    """The message did not arrive. The text never contains the address, which is a secret."""


async def send(url: str, message: Message, apart: Apart) -> None:
    """Send a message. `apart`: the thread of this target, because Apprise waits for as long as a service keeps sending.

    Raises DeliveryFailed.
    """
    if apart.busy:
        raise DeliveryFailed(BUSY)
    try:
        await apart.run(lambda: _send(url, message), DELIVERY_SECONDS)
    except TimeoutError:
        raise DeliveryFailed(f"no answer within {DELIVERY_SECONDS:g} s") from None


def _send(url: str, message: Message) -> None:
    service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if service is None:
        raise DeliveryFailed(NO_ADDRESS)
    try:
        sent = service.notify(body=message.body, title=message.title, notify_type=KINDS[message.severity])
    except Exception as error:  # an error of a plug-in; its text may contain the address
        raise DeliveryFailed(f"{REFUSED} ({type(error).__name__})") from None
    if not sent:
        raise DeliveryFailed(REFUSED)
