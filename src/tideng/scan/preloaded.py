"""What every worker needs, loaded once: workers are forked from the process that imports this module."""

from tideng.identifiers.spans.find import find
from tideng.scan import batch
from tideng.scan.kernels.compiled import compile_all, is_ready
from tideng.scan.kernels.lookup import lookup

__all__ = ["batch"]

lookup()
# Reads the tables of names, words and places.
find("联系人张伟，住上海市浦东新区人民路1号，电话13800138000")
if is_ready():
    compile_all()
