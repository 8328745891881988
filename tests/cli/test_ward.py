"""The binary, end to end. Run by ctest with the binary's path; more arguments go to unittest."""
import unittest

from support import Case  # takes the binary's path out of the arguments first
from test_bar import *  # noqa: F401,F403
from test_check import *  # noqa: F401,F403
from test_control import *  # noqa: F401,F403
from test_documents import *  # noqa: F401,F403
from test_explain import *  # noqa: F401,F403
from test_frame import *  # noqa: F401,F403
from test_lists import *  # noqa: F401,F403
from test_output import *  # noqa: F401,F403
from test_reload import *  # noqa: F401,F403
from test_remote import *  # noqa: F401,F403
from test_run import *  # noqa: F401,F403
from test_surface import *  # noqa: F401,F403
from test_system import *  # noqa: F401,F403
from test_top import TopWithout  # noqa: F401
from test_usage import *  # noqa: F401,F403
from test_validate import *  # noqa: F401,F403

if __name__ == "__main__":
    try:
        unittest.main(verbosity=2)
    finally:
        Case.cache.cleanup()
