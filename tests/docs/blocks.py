"""The documents, and the blocks of code in them."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
LANGUAGES = {"console", "python", "toml", "yaml", "text"}
"""`console` is run or parsed, `python` run, `toml` and `yaml` parsed; `text` is a picture or a formula."""


@dataclass(frozen=True)
class Block:
    """A block of code."""

    document: Path
    line: int
    """Of its first line of code, from 0."""
    language: str
    """Empty for a block that is only indented."""
    text: str

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line + 1}"


@dataclass(frozen=True)
class Command:
    """A command of a console block and what the document says it prints."""

    line: str
    output: str


def blocks_of(document: Path) -> list[Block]:
    tokens = MarkdownIt().parse(document.read_text(encoding="utf-8"))
    found = [token for token in tokens if token.type in ("fence", "code_block")]
    return [Block(document, t.map[0] + (t.type == "fence"), t.info.strip(), t.content) for t in found]


def blocks(language: str) -> list[Block]:
    """All blocks of a language, in all documents."""
    return [block for document in DOCUMENTS for block in blocks_of(document) if block.language == language]


def commands_of(block: Block) -> list[Command]:
    """A line that begins with `$ ` is a command; what follows is what it prints."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    return [Command(line, output) for line, output in zip(parts[1::2], parts[2::2], strict=True)]


def printing(block: Block) -> bool:
    """Whether the block shows what its commands print."""
    return any(command.output for command in commands_of(block))
