#!/usr/bin/env python3
"""Every public header compiles alone, twice in one file: headers_alone.py ROOT CXX CC FLAG...

.hpp as C++ with the project's warnings, .h as C99 and as C++. The C headers get no C++ flags.
"""

import subprocess
import sys
from pathlib import Path

import cpp_source
import structure

CXX, CC = sys.argv[2], sys.argv[3]
CXX_FLAGS = sys.argv[4:]


def compile_alone(root, header, compiler, language, flags):
    """What the compiler says against the header, or "" if it takes it."""
    name = header.relative_to("include").as_posix()
    result = subprocess.run(
        [compiler, *flags, "-fsyntax-only", "-I", str(root / "include"), "-x", language, "-"],
        input=f"#include \"{name}\"\n#include \"{name}\"\n", capture_output=True, text=True,
        check=False)
    if result.returncode == 0:
        return ""
    return result.stderr or f"{compiler} ended with {result.returncode} and said nothing"


def problems(root):
    found = []
    headers = [path for path in structure.our_files(root)
               if path.parts[0] == "include" and path.suffix in cpp_source.SOURCE_ENDINGS]
    for header in headers:
        ways = [(CXX, "c++", CXX_FLAGS)]
        if header.suffix == ".h":
            ways.append((CC, "c", ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]))
        for compiler, language, flags in ways:
            said = compile_alone(root, header, compiler, language, flags)
            if said:
                found.append(f"{header} does not compile alone as {language}:\n{said}")
    print(f"{len(headers)} headers")
    if not headers:
        found.append("no public headers were found")
    return found


_GOOD = "#pragma once\n#include <string>\n[[nodiscard]] std::string f();\n"
CONTROLS = [
    ({"include/sigillo/a.hpp": _GOOD,
      "include/sigillo/b.hpp": '#pragma once\n#include "sigillo/a.hpp"\ninline int g(int x) { '
                               "return x; }\n",
      "include/sigillo/c.h": "#ifndef C_H\n#define C_H\nint f(void);\n#endif\n"}, None),
    ({"include/sigillo/a.hpp": "#pragma once\nstd::string f();\n"}, "a.hpp does not compile alone"),
    ({"include/sigillo/a.hpp": "struct Twice {};\n"}, "a.hpp does not compile alone"),
    ({"include/sigillo/a.hpp": '#include "sigillo/none.hpp"\n'}, "a.hpp does not compile alone"),
    ({"include/sigillo/a.hpp": "#pragma once\ninline int f(long x) { return x; }\n"},
     "a.hpp does not compile alone"),
    ({"include/sigillo/c.h": "#pragma once\nnamespace x {}\n"}, "c.h does not compile alone as c:"),
    ({"include/sigillo/c.h": "#pragma once\nint f(int class);\n"},
     "c.h does not compile alone as c++:"),
    ({"core/a.cpp": ""}, "no public headers"),
]

if __name__ == "__main__":
    structure.run("headers alone", problems, CONTROLS, Path(sys.argv[1]))
