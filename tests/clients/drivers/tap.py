"""The Singer extractor tap-pipedrive: finds its streams and reads all of them, as its command line does.

python -m drivers.tap ADDRESS ARGUMENTS OF THE TAP
"""

import sys

from drivers.telling import Teller
from tap_pipedrive import cli

if __name__ == "__main__":
    Teller(sys.argv.pop(1))
    cli.main()
