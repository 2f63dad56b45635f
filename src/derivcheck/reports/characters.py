"""Text from users, made fit for a report: without what a format cannot hold, and without endless lines."""

import re

UNFIT = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 forbids (section 2.2), lone surrogates included, and the control codes that it only discourages."""


def legible(text: str) -> str:
    """A control character or half a surrogate pair becomes its escape, such as \\x00 or \\udcff."""
    return UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """Line breaks and runs of spaces become one space."""
    return " ".join(legible(text).split())


def short(text: str, most: int) -> str:
    """At most `most` characters; an ellipsis shows that there were more."""
    return text if len(text) <= most else text[: most - 1] + "…"
