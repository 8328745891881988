"""ward top on a terminal of tmux's. Run by ctest with the binary's path; more arguments go to unittest."""
import shutil
import sys
import unittest

from support import Case  # takes the binary's path out of the arguments first
from test_top import NO_TMUX, Top, TopHostile  # noqa: F401

if __name__ == "__main__":
    try:
        if not shutil.which("tmux"):
            print(f"SKIPPED: {NO_TMUX}")
            sys.exit(77)
        unittest.main(verbosity=2)
    finally:
        Case.cache.cleanup()
