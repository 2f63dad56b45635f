"""Text from users, made fit for a report: without what a format cannot hold, and without endless lines."""

import re

INVISIBLE = "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
"""Of zero width, or changing the direction or the line (Unicode Technical Report 36, "Bidirectional Text Spoofing")."""
UNFIT = re.compile(f"[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[{INVISIBLE}]|\r(?!\n)")
"""What XML 1.0 forbids (section 2.2), lone surrogates included, the control codes that it only discourages, what a
reader cannot see, and a return to the start of the line."""


def legible(text: str) -> str:
    """A character that no reader sees, or half a surrogate pair, becomes its escape, such as \\x00 or \\udcff."""
    return UNFIT.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: str) -> str:
    """Line breaks and runs of spaces become one space."""
    return " ".join(legible(text).split())


def short(text: str, most: int) -> str:
    """At most `most` characters; an ellipsis shows that there were more."""
    return text if len(text) <= most else text[: most - 1] + "…"
