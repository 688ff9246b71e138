"""`tools` lies beside `src` and is no part of the package; these tests call it."""

import sys

from house.source import ROOT

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))
