"""`python -m cryoloom`: the command, where its script is not on the path."""

import sys

from cryoloom.cli.main import main

sys.exit(main())
