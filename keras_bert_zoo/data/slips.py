"""What is probably a slip in labels and texts, said and not mended."""

import re
from collections.abc import Mapping

from keras_bert_zoo.data.examples import ExampleReport
from keras_bert_zoo.data.examples import listed_origins

# A tag's letter that stands behind, or before another sign than a hyphen, or
# is no capital.
_ODD_TAG = re.compile(r"[BIESLU][_:./].+|.+[-_][BIESLU]|[biel]-.+")
_SHOWN = 5


def slips_of(report: ExampleReport) -> list[str]:
    """Returns a line for each kind of slip in the examples of a data set.

    Args:
        report: what `check_examples` found.
    """
    counts, origins = report.label_counts, report.label_origins
    lines = []
    groups: dict[str, list[str]] = {}
    for label in counts:
        groups.setdefault(_key(label), []).append(label)
    for names in groups.values():
        if len(names) > 1:
            shown = ", ".join(_shown(name, counts, origins) for name in names)
            lines.append(
                f"labels that are nearly the same are different ones: {shown}"
            )
    once = [name for name, count in counts.items() if count == 1]
    if once and len(counts) > len(once):
        lines.append(
            f"{len(once)} of {len(counts)} labels occur once: "
            + ", ".join(f"{n!r} ({origins[n]})" for n in once[:_SHOWN])
            + (", ..." if len(once) > _SHOWN else "")
        )
    odd = [name for name in counts if _ODD_TAG.fullmatch(name)]
    if odd and "O" in counts:
        shown = ", ".join(_shown(one, counts, origins) for one in odd[:_SHOWN])
        lines.append(
            "tags are read as they stand, and spell spans as B-TYPE and "
            f"I-TYPE alone: {shown}"
        )
    if report.num_texts == 1 and report.num_examples > 1:
        lines.append(f"all {report.num_examples} texts are the same")
    return lines


def overlap_of(reports: Mapping[str, ExampleReport]) -> list[str]:
    """Returns a line if texts to train on are validated on, too.

    Args:
        reports: on `train` and, if there are any, on `validation`.
    """
    if "validation" not in reports:
        return []
    train, validation = (reports[name] for name in ("train", "validation"))
    shared = train.text_hashes.keys() & validation.text_hashes.keys()
    if not shared:
        return []
    places = [validation.text_hashes[one] for one in shared]
    return [
        f"{len(shared)} different texts of {validation.num_texts} to validate "
        f"on are among those to train on ({listed_origins(sorted(places))})"
    ]


def _key(label: str) -> str:
    """Returns what labels have in common that differ by a slip."""
    key = " ".join(label.split()).casefold()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", key)


def _shown(
    label: str, counts: Mapping[str, int], origins: Mapping[str, str]
) -> str:
    return f"{label!r} ({counts[label]}, {origins[label]})"
