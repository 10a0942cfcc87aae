"""older.py INCLUDE OUT: copies the C++ headers as those of an older version, whose types have another layout.

The C header is the same but for its version, as its types and functions are only ever added to.
"""

import pathlib
import re
import shutil
import sys

# (file, what is there, what is there instead): each is in the file once.
CHANGES = [
    ("kaleidoscope.h", "#define KAL_VERSION_MINOR ", "#define KAL_VERSION_MINOR -1 + "),
    ("kaleidoscope/options.hpp", "struct client_options {", "struct client_options {\n    bool former_flags[200] = {};"),
    ("kaleidoscope/options.hpp", "struct events_query {", "struct events_query {\n    std::vector<std::string> former_filters = { \"\" };"),
    ("kaleidoscope/options.hpp", "    std::string value = {};", "    std::string value = {};\n    int former_kind = 0;"),
    ("kaleidoscope/error.hpp", "    struct details {", "    struct details {\n        std::string former_message = std::string(99, '.');"),
    ("kaleidoscope/error.hpp", "    std::shared_ptr<const details> details_;",
     "    std::string former_hint_ = std::string(99, '.');\n    std::shared_ptr<const details> details_;"),
    ("kaleidoscope/answer.hpp", "    answer answer_;\n    records<Record> records_;",
     "    std::size_t former_size_ = 99;\n    answer answer_;\n    records<Record> records_;"),
    ("kaleidoscope/view.hpp", "    const Pointer* first_ = nullptr;\n    std::size_t size_ = 0;",
     "    std::size_t size_ = 0;\n    const Pointer* first_ = nullptr;"),
    ("kaleidoscope/owner.hpp", "    Handle handle_{};", "    int former_state_ = 1;\n    Handle handle_{};"),
]


def main(include, out):
    shutil.copytree(include, out)
    version = re.search(r"#define KAL_VERSION_MINOR (\d+)", (include / "kaleidoscope.h").read_text()).group(1)
    for name, now, before in CHANGES + [("kaleidoscope.h", f"-1 + {version}", str(int(version) - 1))]:
        path = out / name
        text = path.read_text()
        if text.count(now) != 1:
            sys.exit(f"{path}: {now!r} is there {text.count(now)} times")
        path.write_text(text.replace(now, before))
    # config.hpp states which kaleidoscope.h it belongs to.
    path = out / "kaleidoscope/config.hpp"
    number = re.compile(r"(KAL_VERSION_NUMBER != )0x([0-9a-f]{6})")
    text, found = number.subn(lambda match: f"{match[1]}0x{int(match[2], 16) - 0x100:06x}", path.read_text())
    if found != 1:
        sys.exit(f"{path}: compares KAL_VERSION_NUMBER {found} times")
    path.write_text(text)


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
