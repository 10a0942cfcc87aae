"""Cuts every block of C out of kaleidoscope.h and README.md.

    blocks.py FOLDER HEADER README   writes each program as a file, and everything else as the bodies of functions in bodies.c

A block is what is indented by five spaces in a comment, or fenced as `c` in Markdown, and calls a function of the library.
Statements and calls quoted within a sentence are written to bodies.c too.
"""

import pathlib
import re
import sys
import textwrap
from typing import NamedTuple

HEADING = re.compile(r"[A-Z][A-Z ,:]+")
# The lines of a comment that are neither code nor empty, and the commands that compile a program.
COMMAND = re.compile(r"(?:cc|c\+\+) ")
STATEMENT = re.compile(r"`(kal_\w+ \w+ = [^`]+;)`")
CALL = re.compile(r"`(kal_\w+\((?:[^`(]*,)+[^`(]*\))`")
# A block that defines functions stands outside of one. None of them is unused.
DEFINITION = re.compile(r"^static \w+ (\w+)\(", re.M)

# The variables that a block uses, `client` to `my_data`, and a sentence, `c` to `r`. The label is in the scope of the block: in
# C++ it may not jump over the initialisation of a variable.
BODY = """
int block_NUMBER(void);
int block_NUMBER(void)
{
    kal_client client = KAL_NONE, c = KAL_NONE;
    kal_result result = KAL_NONE, r = KAL_NONE;
    kal_error error = KAL_NONE, e = KAL_NONE;
    kal_stream stream = KAL_NONE;
    kal_queue queue = KAL_NONE;
    size_t count = 0;
    int running = 1;
    const char *saved_cursor = NULL;
    void *my_data = NULL;
    (void)client, (void)c, (void)result, (void)r, (void)error, (void)e, (void)stream, (void)queue;
    (void)count, (void)running, (void)saved_cursor, (void)my_data;
CODE
    return 0;
LABEL
}
"""


class Block(NamedTuple):
    # The heading that it is below, or the line of the header.
    name: str
    code: str

    @property
    def is_program(self) -> bool:
        return "int main(" in self.code


def is_code(text: str) -> bool:
    return re.search(r"\bkal_\w+\(.*", text) is not None and re.search(r"[;{]$", text, re.M) is not None


def of_header(text: str) -> list[Block]:
    found, heading, lines = [], "", []

    def end():
        code = "\n".join(line for line in lines if not COMMAND.match(line)).strip("\n")
        if is_code(code):
            found.append(Block(heading, f"{code}\n"))
        lines.clear()

    for number, line in enumerate(text.splitlines(), 1):
        comment = re.match(r" \*(?: (.*))?$", line)
        inside = comment[1] or "" if comment else None
        if inside is not None and inside.startswith("    "):
            lines.append(inside[4:])
        elif inside == "" and lines:
            lines.append("")
        else:
            end()
            if comment and HEADING.fullmatch(inside):
                heading = inside
            elif comment is None:
                heading = f"line {number}"
    end()
    return found


def of_readme(text: str) -> list[Block]:
    sections = re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", text, re.M)
    return [Block(f"README.md, {heading}", code) for heading, section in sections
            for code in re.findall(r"^```c\n(.*?)^```$", section, re.M | re.S)]


def of_sentences(text: str) -> list[Block]:
    sentences = re.sub(r"\n *\* ?", " ", text)
    statements = [Block(code, f"{{\n    {code}\n    (void){code.split()[1]};\n}}") for code in STATEMENT.findall(sentences)]
    calls = [Block(code, f"if ({code} != KAL_OK)\n    return 1;") for code in CALL.findall(sentences)]
    return statements + calls


def bodies(blocks: list[Block]) -> str:
    """A file with a function for each block."""
    text = "#include <kaleidoscope.h>\n"
    for number, block in enumerate(blocks):
        if functions := DEFINITION.findall(block.code):
            text += f"\n/* {block.name} */\n{block.code}"
            block = Block(block.name, "".join(f"(void){function};\n" for function in functions))
        body = BODY.replace("NUMBER", str(number)).replace("CODE", textwrap.indent(f"/* {block.name} */\n{block.code}", "    "))
        text += body.replace("LABEL", "failed:\n    return 1;" if "goto failed" in block.code else "")
    return text


def main(folder: str, header: str, readme: str) -> None:
    text = pathlib.Path(header).read_text()
    blocks = of_header(text) + of_readme(pathlib.Path(readme).read_text())
    programs = [block for block in blocks if block.is_program]
    for number, program in enumerate(programs):
        pathlib.Path(folder, f"program_{number}.c").write_text(program.code)
    rest = [block for block in blocks if not block.is_program] + of_sentences(text)
    pathlib.Path(folder, "bodies.c").write_text(bodies(rest))
    print(f"{len(programs)} programs, {len(blocks) - len(programs)} blocks, {len(rest) + len(programs) - len(blocks)} in sentences")


if __name__ == "__main__":
    main(*sys.argv[1:])
