"""How each function is called if handles are structs, and if they are 64-bit integers: integer_handles.py HEADER CLANG TARGET FOLDER

Writes to FOLDER/structs and FOLDER/integers the functions as LLVM declares them for the target, after clang has assigned each
argument to registers or memory by the platform's ABI. Pointers are shown without their types.
"""

import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import header as declarations

HANDLE = re.compile(r"typedef struct (kal_\w+) \{\s*(?:/\*[^/]*\*/\s*)?uint64_t id;\s*\} \1;")
# What is not about how arguments are passed.
NOISE = re.compile(r" \b(?:dso_local|noundef|dllimport)\b| #\d+$", re.M)


def callers(text):
    """A function for each one of the header, which calls it."""
    for item in declarations.items(text):
        if item.kind == "function":
            declared = re.search(r"(?:KAL_NODISCARD )?(?:KAL_API )?(.*?)\b(kal_\w+)\s*\(([^()]*)\);$", item.declaration)
            result, name, parameters = declared.groups()
            arguments = ", ".join(declarations.parameters(item.declaration))
            returned = "" if result.strip() == "void" else "return "
            yield f"{result}call_{name}({parameters}) {{ {returned}{name}({arguments}); }}"


def lowered(text, clang, target):
    made = subprocess.run(
        [clang, f"--target={target}", "-ffreestanding", "-S", "-emit-llvm", "-w", "-x", "c", "-", "-o", "-"],
        input="\n".join([text, *callers(text)]), capture_output=True, text=True, check=False,
    )
    if made.returncode != 0:
        sys.exit(made.stderr[:2000])
    lines = sorted(line for line in made.stdout.splitlines() if line.startswith("declare"))
    return re.sub(r"[%\w.]+\*+", "ptr", NOISE.sub("", "\n".join(lines))) + "\n"


def main():
    header, clang, target, folder = sys.argv[1:]
    text = pathlib.Path(header).read_text(encoding="utf-8")
    handles = HANDLE.findall(text)
    text = re.sub(rf"struct ({'|'.join(handles)})\b(?! \{{)", r"\1", text)
    integers = HANDLE.sub(r"typedef uint64_t \1;", text)
    if len(handles) != 6 or "struct kal_client {" in integers:
        sys.exit(f"integer_handles.py: not the six types of handles: {handles}")
    pathlib.Path(folder, "structs").write_text(lowered(text, clang, target), encoding="utf-8")
    pathlib.Path(folder, "integers").write_text(lowered(integers, clang, target), encoding="utf-8")


main()
