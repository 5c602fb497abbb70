"""Both systems, for a person who tries the bridge: their addresses and credentials."""

import os
import time
from pathlib import Path

from tests.real.bottle import Bottle
from tests.real.progress import say
from tests.real.tryton import Tryton

SCRIPT = """\
# What the two systems let the bridge in with, and two words for what a person does there. Read it: . {file}
export BOTTLECRM_ACCESS_TOKEN={token}
export BOTTLECRM_ADMIN_REFRESH_TOKEN={refresh}
export TRYTON_PASSWORD={password}
export INSTANCE_SECRET={instance}
export CRM={crm}
export ERP={erp}

# crm GET /api/accounts/    crm POST /api/accounts/ '{{"name": "Acme"}}'
crm() {{
  curl -sS -X "$1" "$CRM$2" -H "Authorization: Bearer $BOTTLECRM_ACCESS_TOKEN" \\
    -H 'Content-Type: application/json' ${{3:+-d "$3"}}
}}

# erp model.party.party.search_read '[[], 0, null, null, ["name", "website"], {{}}]'
erp() {{
  curl -sS --compressed -X POST "$ERP/{database}/rpc/" -H "Authorization: Session {session}" \\
    -H 'Content-Type: application/json' -d "{{\\"id\\": 1, \\"method\\": \\"$1\\", \\"params\\": $2}}"
}}
"""


def served(bottle: Bottle, tryton: Tryton, run: Path) -> int:
    """Serve until interrupted."""
    file = run / "systems.sh"
    file.touch(mode=0o600)
    secrets = bottle.secrets()
    file.write_text(
        SCRIPT.format(
            file=os.path.relpath(file),
            token=secrets["REAL_BOTTLE_TOKEN"],
            refresh=secrets["REAL_BOTTLE_REFRESH"],
            password=tryton.password,
            instance="made-up-for-this-machine",
            crm=bottle.url,
            erp=tryton.url,
            database=tryton.database,
            session=tryton.session,
        )
    )
    say(f"BottleCRM  {bottle.url}\nTryton     {tryton.url}  (database {tryton.database}, user {tryton.user})")
    say(f"In another terminal:  . {os.path.relpath(file)}   then docs/tutorial.md. Ctrl-C ends both.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return 0
