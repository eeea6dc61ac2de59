"""`python -m tributary`, the same as the command `tributary`."""

import sys

try:
    from tributary.cli import INTERRUPTED, main
except KeyboardInterrupt:  # while its modules load, which takes a second on a busy machine
    sys.exit(130)

try:
    main()
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)
