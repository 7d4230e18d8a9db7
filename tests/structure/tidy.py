#!/usr/bin/env python3
"""House rules that a program can check; each message says what to do.

Sizes, white space, markers of unfinished work, paths of one machine, and a paragraph in
ARCHITECTURE.md for every source folder.
"""

import re
import sys
from pathlib import Path

import cpp_source
import structure

MAX_BYTES = 1_000_000
# Text that people edit. Test data and expected outputs keep the bytes that they have.
TEXT_ENDINGS = cpp_source.SOURCE_ENDINGS | {
    ".py", ".sh", ".cmake", ".md", ".yaml", ".yml", ".json", ".js", ".mjs", ".cjs", ".ts", ".go",
    ".sql", ".html", ".css", ".toml", ".supp"}
TEXT_NAMES = {"CMakeLists.txt", ".clang-format", ".clang-tidy", ".gitignore"}
SCRIPT_FOLDERS = {"scripts", ".ci"}
DATA_FOLDERS = ("tests/vectors/", "tests/golden/", "tests/fuzz/corpus/")
TABS_ALLOWED = {".go"}  # gofmt writes them
SOURCE_FOLDERS = ("core", "watermark", "audit", "policies", "app")

# Written in pieces, so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b")
ONE_MACHINE = re.compile(
    r"(?<![\w.~-])(?:/(?:home|Users|builds)/\w|/(?:root|__w|workspace|wor" r"k)/|[A-Z]:\\Users\\)")


def is_text(path):
    name = path.as_posix()
    if any(name.startswith(folder) for folder in DATA_FOLDERS):
        return False
    return (path.suffix in TEXT_ENDINGS or path.name in TEXT_NAMES
            or (path.parts[0] in SCRIPT_FOLDERS and not path.suffix))


def text_problems(root, path):
    found = []
    text = structure.read(root / path)
    own_place = str(root.resolve())
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}:{number}"
        if "\t" in line and path.suffix not in TABS_ALLOWED:
            found.append(f"{where}: a tab; indent with spaces, write \\t in strings")
        if line != line.rstrip(" \t\r"):
            found.append(f"{where}: white space at the end of the line; remove it")
        if UNFINISHED.search(line):
            found.append(f"{where}: a marker of unfinished work; finish it or open an issue")
        if ONE_MACHINE.search(line) or own_place in line:
            found.append(f"{where}: a path of one machine; use a relative one")
    if text and not text.endswith("\n"):
        found.append(f"{path}: no line break at the end; add one")
    return found


def architecture_problems(root, files):
    """Every folder with sources has a line of ARCHITECTURE.md that begins with `folder/`."""
    if not (root / "ARCHITECTURE.md").is_file():
        print("ARCHITECTURE.md does not exist yet: folders are not compared with it")
        return []
    page = structure.read(root / "ARCHITECTURE.md")
    described = set(re.findall(r"^[\s#*|>-]*`([\w./-]+)/`", page, re.MULTILINE))
    folders = {path.parent.as_posix() for path in files
               if path.parts[0] in SOURCE_FOLDERS and path.suffix in cpp_source.SOURCE_ENDINGS}
    found = [f"ARCHITECTURE.md: no paragraph begins with `{folder}/`; say what it is for"
             for folder in sorted(folders - described)]
    found += [f"ARCHITECTURE.md: describes `{folder}/`, which is not there; remove it"
              for folder in sorted(described) if not (root / folder).is_dir()]
    return found


def problems(root):
    files = structure.our_files(root)
    found = []
    for path in files:
        size = (root / path).stat().st_size
        if size > MAX_BYTES:
            found.append(f"{path}: {size} bytes; keep files under {MAX_BYTES}, generate the rest")
        elif is_text(path):
            found += text_problems(root, path)
    if not any(is_text(path) for path in files):
        found.append("no sources were found")
    return found + architecture_problems(root, files)


_MARKER = "TO" + "DO"
CONTROLS = [
    ({"core/a.cpp": "int a;  // homework/ is fine\n", "x.go": "func\tf()\n",
      "tests/golden/a.md": "kept \n", "ARCHITECTURE.md": "# A\n\n`core/` holds a.\n"}, None),
    ({"core/a.cpp": "int\ta;\n"}, "core/a.cpp:1: a tab"),
    ({"core/a.cpp": "int a; \n"}, "white space at the end"),
    ({"core/a.cpp": "int a;\r\n"}, "white space at the end"),
    ({"scripts/x": "ls \n"}, "white space at the end"),
    ({"core/a.cpp": "int a;"}, "no line break at the end"),
    ({"core/a.cpp": f"\n// {_MARKER}: more\n"}, "core/a.cpp:2: a marker"),
    ({"docs/a.md": "fix" "me FIX" "ME\n"}, "a marker"),
    ({"core/a.cpp": "// see /home" "/jo/x\n"}, "a path of one machine"),
    ({"CMakeLists.txt": "set(X \"/wor" "k/x\")\n"}, "a path of one machine"),
    ({"data.bin": "x" * (MAX_BYTES + 1), "a.md": "x\n"}, "data.bin: 1000001 bytes"),
    ({"core/a.cpp": "", "ARCHITECTURE.md": "# A\n\nThe `core/` is fine.\n"},
     "no paragraph begins with `core/`"),
    ({"audit/deep/a.cpp": "", "ARCHITECTURE.md": "`audit/`\n"},
     "no paragraph begins with `audit/deep/`"),
    ({"core/a.cpp": "", "ARCHITECTURE.md": "`core/` x\n`gone/` y\n"}, "`gone/`, which is not there"),
    ({}, "no sources"),
]

if __name__ == "__main__":
    structure.run("tidy", problems, CONTROLS, Path(sys.argv[1]))
