#!/usr/bin/env python3
"""Every error code of result.hpp is explained in docs/errors.md with its exit code, and vice versa."""

import re
import sys
from pathlib import Path

import cpp_source
import structure

HEADER = "include/sigillo/core/result.hpp"
PAGE = "docs/errors.md"


def problems(root):
    for name in (HEADER, PAGE):
        if not (root / name).is_file():
            return [f"{name} does not exist"]
    code = cpp_source.without_comments(structure.read(root / HEADER))
    exits = dict(re.findall(r"^\s*(\w+)\s*=\s*(\d+),", code, re.MULTILINE))
    codes = {text: exit_name for text, exit_name in
             re.findall(r"\bX\(\s*\w+\s*,\s*\"([^\"]+)\"\s*,\s*(\w+)\s*\)", code)}
    if not codes or not exits:
        return [f"{HEADER}: no error codes or no exit codes were found"]

    page = structure.read(root / PAGE)
    found = []
    table = dict((name, number) for number, name in
                 re.findall(r"^\|\s*(\d+)\s*\|\s*(\w+)\s*\|\s*\S", page, re.MULTILINE))
    for name, number in exits.items():
        if table.get(name) != number:
            found.append(f"{PAGE}: the exit-code table has no row \"| {number} | {name} | ...\"")
    for name in table.keys() - exits.keys():
        found.append(f"{PAGE}: the exit-code table has {name}, which {HEADER} does not")

    sections = re.split(r"^### `([^`\n]+)`\s*$", page, flags=re.MULTILINE)[1:]
    explained = {}
    for text, body in zip(sections[::2], sections[1::2]):
        if text in explained:
            found.append(f"{PAGE}: `{text}` is explained twice")
        explained[text] = body
    for text, exit_name in codes.items():
        if text not in explained:
            found.append(f"{PAGE}: `{text}` is not explained")
            continue
        body = explained[text]
        if exit_name not in exits or f"Exit: {exits[exit_name]}." not in body:
            found.append(f"{PAGE}: `{text}` does not say its exit code")
        for part in ("Means", "Do"):
            if not re.search(rf"\*\*{part}:\*\*\s+\S", body):
                found.append(f"{PAGE}: `{text}` has no \"**{part}:**\"")
    for text in explained.keys() - codes.keys():
        found.append(f"{PAGE}: `{text}` is no error code")
    return found


_HEADER = ("enum class ExitCode : int {\n  done = 0,  // done\n  usage = 3,\n};\n"
           "#define CODES(X) \\\n  X(bad, \"bad\", usage) \\\n  X(gone_away,\n \"gone-away\", usage)\n")
_TABLE = "| 0 | done | yes |\n| 3 | usage | no |\n\n"
_BAD = "### `bad`\n\nExit: 3. **Means:** x. **Do:** y.\n\n"
_GONE = "### `gone-away`\n\nExit: 3. **Means:** x. **Do:** y.\n\n"


def _tree(page):
    return {HEADER: _HEADER, PAGE: page}


CONTROLS = [
    (_tree(_TABLE + _BAD + _GONE), None),
    (_tree(_TABLE + _BAD), "`gone-away` is not explained"),
    (_tree(_TABLE + _BAD + _GONE + _BAD), "explained twice"),
    (_tree(_TABLE + _BAD + _GONE + _GONE.replace("gone", "come")), "`come-away` is no error code"),
    (_tree(_TABLE + _BAD + _GONE.replace("3", "4")), "does not say its exit code"),
    (_tree(_TABLE + _BAD + _GONE.replace("**Do:** y.", "")), 'no "**Do:**"'),
    (_tree(_TABLE + _BAD + _GONE.replace("**Means:** x.", "")), 'no "**Means:**"'),
    (_tree(_TABLE.replace("| 3 | usage", "| 5 | usage") + _BAD + _GONE), "exit-code table has no row"),
    (_tree(_TABLE + "| 9 | other | no |\n" + _BAD + _GONE), "the exit-code table has other"),
    ({PAGE: _TABLE}, "does not exist"),
    ({HEADER: _HEADER}, "does not exist"),
    ({HEADER: "", PAGE: _TABLE}, "no error codes"),
]

if __name__ == "__main__":
    structure.run("error docs", problems, CONTROLS, Path(sys.argv[1]))
