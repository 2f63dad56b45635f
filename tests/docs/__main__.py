"""`make docs`: put what the commands print now into the documents, where it is not alike what they show."""

import tempfile
from pathlib import Path

from tests.docs.blocks import DOCUMENTS, ROOT, Block, blocks_of, commands_of, printing
from tests.docs.figures import alike
from tests.docs.running import examples, outputs


def main() -> None:
    for document in DOCUMENTS:
        old = document.read_text(encoding="utf-8")
        new = rewritten(document, old)
        if new != old:
            document.write_text(new, encoding="utf-8")
            print(f"rewritten: {document.relative_to(ROOT)}")


def rewritten(document: Path, text: str) -> str:
    """The text with new outputs, from the last block to the first, so that lines keep their numbers."""
    lines = text.splitlines(keepends=True)
    for block in reversed(blocks_of(document)):
        if block.language == "console" and printing(block):
            lines[block.line : block.line + block.text.count("\n")] = fresh(block)
    return "".join(lines)


def fresh(block: Block) -> list[str]:
    """The lines of a block. An output that is alike stays as it is: its times would change with every run."""
    with tempfile.TemporaryDirectory() as folder, examples(Path(folder)):
        printed = outputs(block)
    pairs = zip(commands_of(block), printed, strict=True)
    text = "".join(f"$ {c.line}\n{c.output if alike(c.output, new) else new}" for c, new in pairs)
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    main()
