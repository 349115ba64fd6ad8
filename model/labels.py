"""The only order of stances and codes; every array of scores follows it."""

from enum import StrEnum


class Stance(StrEnum):
    """What a participant takes toward another; `data/CODEBOOK.md` defines each."""

    SUPPORTS = "supports"
    PRESSURES = "pressures"
    CONDEMNS = "condemns"


STANCES: tuple[Stance, ...] = tuple(Stance)

NONE = "none"

# PLOVER root codes (Halterman et al. 2023, arXiv:2304.01331) by the stance that each implies.
CODES_BY_STANCE: dict[str, tuple[str, ...]] = {
    NONE: ("CONSULT", "ASSAULT"),
    Stance.SUPPORTS: ("AGREE", "SUPPORT", "COOPERATE", "AID", "YIELD"),
    Stance.PRESSURES: ("REQUEST", "THREATEN", "SANCTION", "COERCE", "MOBILIZE"),
    Stance.CONDEMNS: ("ACCUSE", "REJECT", "PROTEST"),
}

# What the pair head scores with one softmax: "none", then every code.
CLASSES: tuple[str, ...] = (NONE, *(code for codes in CODES_BY_STANCE.values() for code in codes))

# How probabilities add up to stances: "none" and the three stances.
GROUPS: tuple[str, ...] = (NONE, *STANCES)

GROUP_OF_CLASS: dict[str, str] = {NONE: NONE} | {
    code: group for group, codes in CODES_BY_STANCE.items() for code in codes
}

CLASSES_OF_GROUP: dict[str, tuple[int, ...]] = {
    group: tuple(i for i, name in enumerate(CLASSES) if GROUP_OF_CLASS[name] == group) for group in GROUPS
}

KINDS: tuple[str, ...] = ("participant", "matter")
