"""The judge of texts that the gateway's review asks, from the package's own knowledge."""

from pathlib import Path
from typing import Final

from tideng.settings import Settings, SettingsInvalid
from tideng.text.judging import Judge, Suspicion
from tideng.text.knowledge import bundled_knowledge
from tideng.text.policies import bundled_verdict_policy
from tideng.text.ready import make_judge, only_judging
from tideng.text.suspicion import WeightsInvalid, read_scorer
from tideng.text.tables import bundled_tables
from tideng.text.tables_read import Tables, read_tables
from tideng.text.weights import bundled_weights

SHIPPED: Final = "shipped"


def make_text_judge(settings: Settings) -> Judge:
    """Ready in a third of a second. Raises `SettingsInvalid` for weights that cannot be used."""
    tables = bundled_tables()
    suspicion = _suspicion(settings.suspicion, read_tables(tables)) if settings.suspicion else None
    # The automaton: hyperscan is a little faster in large batches and needs much more to be ready.
    return only_judging(
        make_judge(
            tables,
            bundled_knowledge(),
            bundled_verdict_policy(),
            engine="ahocorasick",
            suspicion=suspicion,
            for_files=False,
        )
    )


def _suspicion(name: str, tables: Tables) -> Suspicion:
    if name == SHIPPED:
        return read_scorer(bundled_weights(), tables)
    try:
        return read_scorer(Path(name).read_bytes(), tables)
    except OSError as error:
        raise SettingsInvalid(f"suspicion is {name!r}, which cannot be read: {error.strerror}") from error
    except WeightsInvalid as error:
        raise SettingsInvalid(f"suspicion is {name!r}: {error}") from error
