"""`bridge` with days of `SOAK_DAY_SECONDS` for retention, so that a soak of minutes has many of them."""

import os

from bridge.app import daemon
from bridge.cli.main import main

if __name__ == "__main__":
    daemon.DAY_SECONDS = float(os.environ["SOAK_DAY_SECONDS"])
    main()
