"""居民身份证号码: the number of a person (GB 11643-1999; 15 digits: GB 11643-1989; ISO 7064 MOD 11-2).

Residence permits for people from Hong Kong, Macao and Taiwan (81, 82, 83) follow the same rule, and so does
the foreigner's permanent residence card of 2023 (begins with 9).
"""

from typing import Final, Literal

from msgspec import Struct

from tideng.identifiers.tables import region_periods

LENGTH: Final = 18
LENGTH_OLD: Final = 15
YEAR_MIN: Final = 1890
YEAR_MAX: Final = 2027
"""No later birth is believed; raise it with the tables."""
CHILD_YEARS: Final = 14
"""Below this age all personal data is sensitive (个人信息保护法 art. 28)."""

Holder = Literal["citizen", "hong_kong", "macao", "taiwan", "foreigner"]

_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECKS: Final = "10X98765432"
_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_HOLDERS: Final[dict[str, Holder]] = {"81": "hong_kong", "82": "macao", "83": "taiwan"}


class ResidentId(Struct, frozen=True, gc=False):
    """One resident ID number, understood. Whether it was ever issued, only the police can say."""

    number: str
    """18 characters, upper case; a 15-digit number upgraded."""
    region: str
    region_name: str
    """Name in the year of birth if the table has one for it, else any; "" when unknown."""
    is_region_of_its_time: bool
    """False when the region's code had ended before the holder was born: possible, but doubtful."""
    birth: str
    """ISO 8601 date."""
    sex: Literal["male", "female"]
    holder: Holder
    is_old: bool
    """Came as 15 digits, which carry no check character."""


def check_character(first_17: str) -> str:
    """The 18th character for 17 digits: ISO 7064 MOD 11-2."""
    return _CHECKS[sum(map(int.__mul__, map(int, first_17), _WEIGHTS)) % 11]


def is_date(year: int, month: int, day: int) -> bool:
    """True for a day of the Gregorian calendar between `YEAR_MIN` and `YEAR_MAX`."""
    if not (YEAR_MIN <= year <= YEAR_MAX and 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]):
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return is_leap or (month, day) != (2, 29)


def upgrade(old: str) -> str:
    """18 characters for 15 digits: century 19, check character computed. ValueError for other lengths."""
    if len(old) != LENGTH_OLD or not (old.isascii() and old.isdigit()):
        raise ValueError(f"{len(old)} characters; an old number has {LENGTH_OLD} digits")
    first_17 = f"{old[:6]}19{old[6:]}"
    return first_17 + check_character(first_17)


def resident_id_problem(number: str) -> str:
    """Why `number` is no resident ID number, in one sentence that quotes no digit; "" when it is one."""
    is_old = len(number) == LENGTH_OLD and number.isascii() and number.isdigit()
    if is_old:
        number = upgrade(number)
    if len(number) != LENGTH:
        return f"resident ID has {len(number)} characters; it must have {LENGTH} (or {LENGTH_OLD})"
    if not (number.isascii() and number[:17].isdigit() and number[17] in "0123456789Xx"):
        return "resident ID has other characters than digits and a final X"
    if not is_date(int(number[6:10]), int(number[10:12]), int(number[12:14])):
        return "digits 7 to 14 of the resident ID are no date of birth"
    if check_character(number[:17]) != number[17].upper():
        return "the check character of the resident ID is wrong. Look for a typing error."
    # Foreigners have had numbers since 2023 (that begin with 9): never of 15 digits.
    is_foreign = number[0] == "9" and not is_old
    if not is_foreign and number[:6] not in region_periods():
        return "the first six digits of the resident ID are no known region"
    return ""


def has_id_form(number: str) -> bool:
    """True for 18 digits with a known region and a date of birth, whatever the check character says."""
    if len(number) != LENGTH or number[:6] not in region_periods():
        return False
    return is_date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def is_resident_id(number: str) -> bool:
    """True when form, region, date and check character are right."""
    return not resident_id_problem(number)


def read_resident_id(number: str) -> ResidentId | None:
    """What `number` (18 or 15 characters, no separators) says; None when it is no resident ID number."""
    if resident_id_problem(number):
        return None
    is_old = len(number) == LENGTH_OLD
    full = upgrade(number) if is_old else number.upper()
    year = int(full[6:10])
    periods = region_periods().get(full[:6], ())
    # A code that ended before the birth can not have been given; one that began later can (late
    # registration).
    fitting = [name for name, _, last in periods if last >= year]
    return ResidentId(
        number=full,
        region=full[:6],
        region_name=fitting[0] if fitting else periods[0][0] if periods else "",
        is_region_of_its_time=bool(fitting),
        birth=f"{full[6:10]}-{full[10:12]}-{full[12:14]}",
        sex="male" if int(full[16]) % 2 else "female",
        holder="foreigner" if full[0] == "9" else _HOLDERS.get(full[:2], "citizen"),
        is_old=is_old,
    )


def age_on(birth: str, day: str) -> int:
    """Full years from `birth` to `day`, both ISO 8601 dates."""
    return int(day[:4]) - int(birth[:4]) - (day[5:] < birth[5:])


def mask_resident_id(number: str) -> str:
    """For screens: region and last character; date of birth and sequence hidden."""
    return number[:6] + "*" * (len(number) - 7) + number[-1:]


def pack(number: str) -> int:
    """An 18-character number as one 64-bit key: 17 digits as a number (the check character follows)."""
    return int(number[:17])
