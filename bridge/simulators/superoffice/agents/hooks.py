"""The Webhook agent: the hooks that REST shows (agents reference)."""

from bridge.simulators.records import Record
from bridge.simulators.superoffice.agents.calls import NOTHING, Call, Method, as_object
from bridge.simulators.superoffice.hooks import Hooks


def hook_methods(hooks: Hooks) -> dict[str, Method]:
    async def save(call: Call) -> Record:
        """Create a hook if there is no id; otherwise replace the hook."""
        body = as_object(call.body, "a webhook")
        if not body.get("WebhookId"):
            return hooks.shown(await hooks.create(body, call.caller))
        return hooks.shown(await hooks.replace(hooks.mine(body["WebhookId"], call.caller), body, call.caller))

    def delete(call: Call) -> object:
        hooks.drop(str(hooks.mine(call.number("WebhookId"), call.caller)["WebhookId"]))
        return NOTHING

    def signal(call: Call) -> object:
        hooks.signal(call.text("EventName"), call.number("PrimaryKey"), call.caller)
        return NOTHING

    own: dict[str, Method] = {
        "CreateDefaultWebhook": lambda _call: hooks.default(),
        "SaveWebhook": save,
        "DeleteWebhook": delete,
        "GetWebhook": lambda call: hooks.shown(hooks.mine(call.number("WebhookId"), call.caller)),
        "GetAllWebhooks": lambda call: hooks.listed(
            call.caller, call.text("NameFilter"), call.text("EventFilter"), call.text("StatusFilter")
        ),
        "TestWebhook": lambda call: hooks.try_out(call.object("Webhook")),
        "SignalEvent": signal,
        "GetLastError": lambda call: hooks.mine(call.number("WebhookId"), call.caller)["LastError"],
    }
    return {f"Webhook/{name}": method for name, method in own.items()}
