#!/usr/bin/env python3
"""clang-format decides how C++ and CUDA sources look: format.py ROOT CLANG_FORMAT"""

import shutil
import subprocess
import sys
from pathlib import Path

import cpp_source
import structure

CLANG_FORMAT = sys.argv[2]
# The style of the project, for the controls' trees too.
STYLE = structure.read(Path(sys.argv[1]) / ".clang-format")


def problems(root):
    files = [str(root / path) for path in structure.our_files(root)
             if path.suffix in cpp_source.SOURCE_ENDINGS]
    if not files:
        return ["no sources were found"]
    result = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", "--style=file", *files],
                            capture_output=True, text=True, check=False)
    print(f"{len(files)} files")
    if result.returncode == 0:
        return []
    bad = sorted({line.split(":")[0] for line in result.stderr.split("\n") if ": error:" in line})
    if not bad:
        return [f"clang-format failed: {result.stderr}"]
    return [f"{Path(name).relative_to(root)}: run clang-format -i on it" for name in bad]


CONTROLS = [
    ({".clang-format": STYLE, "core/a.cpp": "int f(int a) { return a; }\n"}, None),
    ({".clang-format": STYLE, "core/a.cpp": "int f( int a ){return a;}\n"}, "core/a.cpp: run"),
    ({".clang-format": STYLE, "core/k.cu": "int  f();\n"}, "core/k.cu: run"),
    ({".clang-format": STYLE}, "no sources"),
]

if __name__ == "__main__":
    if shutil.which(CLANG_FORMAT) is None:
        print("clang-format is not installed: nothing was checked (scripts/setup installs it)")
        sys.exit(structure.SKIPPED)
    structure.run("format", problems, CONTROLS, Path(sys.argv[1]))
