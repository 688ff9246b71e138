"""Lines that were annotated before anything was measured on them (`lines/*.txt`).

First measurements, which are the honest ones: a 0.852 precision and 0.778 recall, b 0.909 and 0.886, c 0.949
and 0.853, d 0.915 and 0.735, e 0.820 and 0.909, f 0.813 and 0.723 (220 lines by a hand that knew nothing of
the rules). Half of d and e is in kinds that a to c hardly have: Latin letters, account and secret in one
field, names of Uyghurs and Tibetans. Between the sets the classes of mistakes were worked on, so today's
figures on these lines flatter; they are held so that nothing gets lost.
Put right after their measurement: four annotations of a, two of d and two of e (service number, extensions).
Since short forms (老李, 黄先生) are names, too, nine of them are annotated so that were not, or in part.
"""

import pytest

from identifiers.annotated import rates, score


@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("a.txt", 0.98, 0.97),
        ("b.txt", 0.98, 0.98),
        ("c.txt", 0.96, 0.96),
        ("d.txt", 0.97, 0.96),
        ("e.txt", 0.97, 0.96),
        ("f.txt", 0.91, 0.84),
    ],
)
def test_what_was_reached_is_kept(name: str, precision: float, recall: float) -> None:
    counted, told = score(name)
    found = rates(counted)
    assert found[0] >= precision, "\n".join(told)
    assert found[1] >= recall, "\n".join(told)
