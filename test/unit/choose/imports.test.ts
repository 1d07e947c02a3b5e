import {describe, expect, test} from "vitest";
import {ImportGraph} from "../../../extension/core/choose/import-graph.js";
import {scanImports} from "../../../extension/core/choose/scan-imports.js";

/** The files that `text` at `path` imports in a repository of these paths. */
function imports(path: string, text: string, paths: readonly string[]): readonly string[] {
    const graph = new ImportGraph();
    for (const other of paths) graph.paths.add(other);
    graph.set(path, text);
    return graph.importsOf(path);
}

describe("JavaScript and TypeScript", () => {
    const paths = [
        "src/a.ts",
        "src/b.tsx",
        "src/c/index.ts",
        "src/d.mts",
        "src/e.json",
        "src/f.js",
        "src/style.css",
        "src/View.vue",
        "src/types.d.ts",
        "lib/g.ts",
        "src/parts/h.ts",
        "packages/core/package.json",
        "packages/core/src/index.ts",
        "packages/core/src/deep/x.ts",
        "packages/app/src/main.ts",
    ];

    test("every way to write an import", () => {
        const text = `import a from "./a.js";
import {b,
    b2 as other, // from "./no.js"
} from './b';
import * as c from "./c";
import "./style.css";
export {d} from "./d.mjs";
export * from "../lib/g.js";
import type {T} from "./types";
const e = require("./e.json"), f = await import("./f.js");
import view from "./View.vue";
import legacy = require("./parts/h");
import {readFile} from "node:fs";
import react from "react";
// import gone from "./a.js";
`;
        expect(imports("src/main.ts", text, paths)).toEqual([
            "src/a.ts",
            "src/b.tsx",
            "src/c/index.ts",
            "src/style.css",
            "src/d.mts",
            "lib/g.ts",
            "src/types.d.ts",
            "src/e.json",
            "src/f.js",
            "src/View.vue",
            "src/parts/h.ts",
        ]);
    });

    test("aliases, base URLs and packages of the same repository", () => {
        const text =
            'import a from "@/a";\nimport h from "src/parts/h";\nimport {x} from "@acme/core/deep/x";\nimport core from "core";\nimport other from "other";\n';
        expect(imports("src/main.ts", text, paths)).toEqual([
            "src/a.ts",
            "src/parts/h.ts",
            "packages/core/src/deep/x.ts",
            "packages/core/src/index.ts",
        ]);
    });

    test("nothing outside the workspace, and never the file itself", () => {
        expect(imports("src/a.ts", 'import "../../../etc/passwd"; import "./a.js"; import ".";', paths)).toEqual([]);
    });
});

describe("other languages", () => {
    test("Python: absolute, relative, names that are modules, packages", () => {
        const paths = [
            "app/__init__.py",
            "app/models/__init__.py",
            "app/models/user.py",
            "app/models/order.py",
            "app/util.py",
            "app/views/home.py",
            "src/tools/run.py",
        ];
        const text = `import os, app.util as u
from app.models import user, Missing
from . import about
from ..models.order import (
    Order,  # the order
    Line,
)
from .. import util
import tools.run
`;
        expect(imports("app/views/home.py", text, paths)).toEqual([
            "app/util.py",
            "app/models/user.py",
            "app/models/__init__.py",
            "app/models/order.py",
            "app/__init__.py",
            "src/tools/run.py",
        ]);
    });

    test("Go: a package is a folder, its tests left out", () => {
        const paths = [
            "internal/auth/auth.go",
            "internal/auth/token.go",
            "internal/auth/auth_test.go",
            "pkg/log/log.go",
            "json/other.txt",
        ];
        const text =
            'package main\n\nimport "fmt"\nimport (\n\t"encoding/json"\n\tl "example.org/me/repo/pkg/log"\n\n\t"example.org/me/repo/internal/auth" // tokens\n)\n';
        expect(imports("main.go", text, paths)).toEqual([
            "pkg/log/log.go",
            "internal/auth/auth.go",
            "internal/auth/token.go",
        ]);
    });

    test("Rust: modules, crate, super, nested use lists, another crate", () => {
        const paths = [
            "src/lib.rs",
            "src/net.rs",
            "src/net/http.rs",
            "src/net/tcp/mod.rs",
            "src/util.rs",
            "crates/my-tool/src/lib.rs",
            "crates/my-tool/src/args.rs",
        ];
        expect(imports("src/lib.rs", "mod net;\npub mod util;\nuse std::fmt;\n", paths)).toEqual([
            "src/net.rs",
            "src/util.rs",
        ]);
        expect(
            imports(
                "src/net.rs",
                "pub mod http;\nmod tcp;\nuse crate::util::{self, helper};\nuse super::util as u;\nuse my_tool::args::Args;\nuse my_tool::Thing;\n",
                paths,
            ),
        ).toEqual([
            "src/net/http.rs",
            "src/net/tcp/mod.rs",
            "src/util.rs",
            "crates/my-tool/src/args.rs",
            "crates/my-tool/src/lib.rs",
        ]);
        expect(
            imports(
                "src/net/http.rs",
                "use super::tcp::{Stream, connect};\nuse crate::{\n    util::x, // y\n    net::tcp,\n};\n",
                paths,
            ),
        ).toEqual(["src/net/tcp/mod.rs", "src/util.rs"]);
    });

    test("Java and Kotlin: classes, static members, whole packages", () => {
        const paths = [
            "src/main/java/org/acme/a/User.java",
            "src/main/java/org/acme/a/Role.java",
            "src/main/java/org/acme/b/Util.java",
            "src/main/kotlin/org/acme/c/Job.kt",
        ];
        const text =
            "package org.acme;\nimport org.acme.a.User;\nimport static org.acme.b.Util.check;\nimport org.acme.a.*;\nimport org.acme.c.Job.Companion\nimport java.util.List;\n";
        expect(imports("src/main/java/org/acme/Main.java", text, paths)).toEqual([
            "src/main/java/org/acme/a/User.java",
            "src/main/java/org/acme/b/Util.java",
            "src/main/java/org/acme/a/Role.java",
            "src/main/kotlin/org/acme/c/Job.kt",
        ]);
    });

    test("C and C++: beside the file first, then by the end of the path, the nearest one", () => {
        const paths = ["src/a.h", "src/net/a.h", "include/proj/api.h", "other/a.h", "src/stdio.h"];
        expect(
            imports(
                "src/net/x.cpp",
                '#include "a.h"\n#include "../a.h"\n#include <proj/api.h>\n#include <stdio.h>\n#  include "missing.h"\n',
                paths,
            ),
        ).toEqual(["src/net/a.h", "src/a.h", "include/proj/api.h"]);
        expect(imports("src/deep/y.c", '#include "a.h"\n', paths)).toEqual(["src/a.h"]);
    });

    test("C#, Ruby, PHP", () => {
        expect(
            imports("App/Main.cs", "using System;\nusing Acme.App.Models;\nusing static Acme.Tools.Check;\n", [
                "App/Models/User.cs",
                "App/Models/Role.cs",
                "Tools/Check.cs",
            ]),
        ).toEqual(["App/Models/Role.cs", "App/Models/User.cs", "Tools/Check.cs"]);
        expect(
            imports(
                "lib/acme/main.rb",
                "require 'acme/user'\nrequire_relative 'role'\nrequire 'json'\nautoload :Job, 'acme/job'\n",
                ["lib/acme/user.rb", "lib/acme/role.rb", "lib/acme/job.rb"],
            ),
        ).toEqual(["lib/acme/user.rb", "lib/acme/role.rb", "lib/acme/job.rb"]);
        expect(
            imports(
                "public/index.php",
                "<?php\nrequire __DIR__ . '/../src/boot.php';\nuse Acme\\Models\\User;\nuse Acme\\Models\\{Role, Job as J};\n",
                ["src/boot.php", "src/Models/User.php", "src/Models/Role.php", "src/Models/Job.php"],
            ),
        ).toEqual(["src/boot.php", "src/Models/User.php", "src/Models/Role.php", "src/Models/Job.php"]);
    });

    test("style sheets: partials, folders, URLs", () => {
        const paths = ["scss/_vars.scss", "scss/mixins/_index.scss", "scss/theme.css"];
        expect(
            imports(
                "scss/main.scss",
                '@use "vars" as v;\n@forward "./mixins";\n@import url("theme.css");\n@import url(https://example.org/x.css);\n@use "sass:math";\n',
                paths,
            ),
        ).toEqual(paths);
    });

    test("a language without imports has none", () => {
        expect(scanImports("README.md", 'import a from "./a.js"')).toEqual([]);
    });
});

describe("the graph", () => {
    test("an import resolves as soon as its file is known, and no longer when it is gone", () => {
        const graph = new ImportGraph();
        graph.set("a.ts", 'import "./b.js"; import "./c.js"');
        expect(graph.importsOf("a.ts")).toEqual([]);
        graph.set("b.ts", "export {}");
        graph.paths.add("c.ts");
        expect(graph.importsOf("a.ts")).toEqual(["b.ts", "c.ts"]);
        graph.delete("b.ts");
        expect(graph.importsOf("a.ts")).toEqual(["c.ts"]);
        graph.set("a.ts", "");
        expect(graph.importsOf("a.ts")).toEqual([]);
    });
});
