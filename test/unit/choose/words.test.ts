import {describe, expect, test} from "vitest";
import {scanDeclarations} from "../../../extension/core/choose/declarations.js";
import {splitIdentifier, stem, wordsOf} from "../../../extension/core/choose/words.js";

describe("words of code", () => {
    test("identifiers are split at case, underscore and digits", () => {
        expect(splitIdentifier("parseHTTPResponse_v2")).toEqual(["parse", "http", "response", "v", "2"]);
        expect(splitIdentifier("__init__")).toEqual(["init"]);
        expect(splitIdentifier("MAX_RETRY_COUNT")).toEqual(["max", "retry", "count"]);
        expect(splitIdentifier("größeÄndern")).toEqual(["größe", "ändern"]);
    });

    test("the whole identifier is a word too; single letters and numbers are not", () => {
        expect(wordsOf("const userId = getUser(x, 42);")).toEqual([
            "const",
            "userid",
            "user",
            "id",
            "getuser",
            "get",
            "user",
        ]);
    });

    test("text without spaces between words becomes pairs", () => {
        expect(wordsOf("解析器 parse")).toEqual(["解析", "析器", "pars"]);
    });

    test.each([
        ["parse", "parses", "parsed", "parsing"],
        ["error", "errors"],
        ["query", "queries"],
        ["handle", "handles", "handled", "handling"],
        ["run", "running"],
        ["class", "classes"],
        ["match", "matches"],
        ["cache", "caches", "cached", "caching"],
    ])("%s is one word in all its forms", (...forms) => {
        expect(new Set(forms.map(stem)).size).toBe(1);
    });

    test.each([["status"], ["this"], ["ring"], ["need"], ["bus"], ["id"]])("%s is not cut", (word) => {
        expect(stem(word)).toBe(word);
    });
});

describe("declared names", () => {
    const names = (path: string, text: string) =>
        scanDeclarations(path, text).map(
            ({name, line, isExported}) => `${line} ${name}${isExported ? " exported" : ""}`,
        );

    test("TypeScript", () => {
        const text = `export async function load() {}
export default class Store<T> {
    private readonly map = new Map();
    constructor() {}
    async get(key: string): Promise<T> {
        if (key) {
            return fetch(key);
        }
        const inner = () => 1;
    }
    #hidden(): void {
    }
}
export type Key = string;
interface Local {}
const helper = () => {};
export const enum Kind {A}
`;
        expect(names("a.ts", text)).toEqual([
            "1 load exported",
            "2 Store exported",
            "5 get",
            "11 #hidden",
            "14 Key exported",
            "15 Local",
            "16 helper",
            "17 Kind exported",
        ]);
    });

    test("Python, Go, Rust", () => {
        expect(
            names(
                "a.py",
                "LIMIT = 3\nclass A:\n    async def run(self):\n        x = 1\n    def _own(self): pass\nif LIMIT == 3: pass\n",
            ),
        ).toEqual(["1 LIMIT exported", "2 A exported", "3 run exported", "5 _own"]);
        expect(
            names(
                "a.go",
                "package a\n\ntype Server struct{}\n\nfunc (s *Server) Listen(p int) error {\n\treturn nil\n}\nfunc helper() {}\n",
            ),
        ).toEqual(["3 Server exported", "5 Listen exported", "8 helper"]);
        expect(
            names(
                "a.rs",
                "pub struct Node;\nimpl Node {\n    pub fn walk(&self) {}\n}\nfn main() {}\nmacro_rules! my { () => {} }\npub const MAX: u8 = 1;\n",
            ),
        ).toEqual(["1 Node exported", "3 walk exported", "5 main", "6 my exported", "7 MAX exported"]);
    });

    test("C++, Java, C#, Ruby, PHP", () => {
        expect(
            names(
                "a.cpp",
                "#define LIMIT 3\nstatic int helper(int a) {\n    return helper2(a);\n}\nvoid Store::put(Key k,\n        Value v) {\n}\nstruct node {\n};\n",
            ),
        ).toEqual(["1 LIMIT exported", "2 helper", "5 put exported", "8 node exported"]);
        expect(
            names(
                "A.java",
                "public class A {\n    private final int x = 1;\n    public static List<String> names(int a) {\n        return make(a);\n    }\n}\n",
            ),
        ).toEqual(["1 A exported", "3 names exported"]);
        expect(
            names("A.cs", "public sealed class A\n{\n    internal async Task<int> RunAsync(int x) => 1;\n}\n"),
        ).toEqual(["1 A exported", "3 RunAsync"]);
        expect(
            names("a.rb", "module Acme\n  class User < Base\n    def self.find!(id)\n    end\n  end\nend\n"),
        ).toEqual(["1 Acme exported", "2 User exported", "3 find! exported"]);
        expect(
            names("a.php", "<?php\nabstract class A {\n    private function run() {}\n}\nfunction top() {}\n"),
        ).toEqual(["2 A exported", "3 run", "5 top exported"]);
    });
});
