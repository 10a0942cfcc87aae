"""refused.py SOURCE COMMAND...: compiles a file, and fails unless its errors are those that its comments say."""

import re
import subprocess
import sys


def reported(source, command):
    """The texts of the errors, by the line of the source that each is about."""
    printed = subprocess.run([*command, source], stderr=subprocess.PIPE, text=True).stderr
    errors, instantiated = {}, None
    for line in printed.splitlines():
        at = re.match(r"(.*?):(\d+):\d+: +(.*)", line)
        if not at:
            continue
        ours = at[1] == source
        if ours and at[3].startswith("required from"):
            instantiated = int(at[2])
        elif "error: " in line:
            number = int(at[2]) if ours else instantiated
            errors.setdefault(number, []).append(at[3])
            instantiated = None
    return errors


def main(source, *command):
    errors = reported(source, command)
    wrong = 0
    for number, line in enumerate(open(source), 1):
        expected = re.search(r"// refused: (.*)", line)
        found = errors.get(number, [])
        if expected and not any(re.search(expected[1], text) for text in found):
            print(f"{number}: {line.split('//')[0].strip()}\n    compiles" if not found else f"{number}: {found}")
            wrong += 1
        if found and not expected:
            print(f"{number}: {line.strip()}\n    {found}")
            wrong += 1
    for text in errors.get(None, []):
        print(text)
        wrong += 1
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
