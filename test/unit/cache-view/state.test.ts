import {describe, expect, test} from "vitest";
import {type Action, initialState, type PageState, reduce} from "../../../webview/cache-view/state.js";
import {fileStatus} from "./sample-files.js";

const after = (...actions: Action[]): PageState => actions.reduce(reduce, initialState());
const files = (change: Partial<Extract<Action, {name: "files"}>>): Action => ({
    name: "files",
    isWhole: false,
    changed: [],
    removed: [],
    ...change,
});
const paths = (state: PageState) => [...(state.files?.keys() ?? [])].sort();

describe("the list of files", () => {
    test("is unknown until it has come, and may be empty", () => {
        expect(initialState().files).toBeUndefined();
        expect(after(files({isWhole: true})).files?.size).toBe(0);
    });

    test("changes are merged, removed ones go, a whole list replaces all", () => {
        const merged = after(
            files({isWhole: true, changed: [fileStatus("a"), fileStatus("b")]}),
            files({changed: [fileStatus("a", {hits: 7}), fileStatus("c")], removed: ["b"]}),
        );
        expect(paths(merged)).toEqual(["a", "c"]);
        expect(merged.files?.get("a")?.hits).toBe(7);
        expect(paths(reduce(merged, files({isWhole: true, changed: [fileStatus("z")]})))).toEqual(["z"]);
    });

    test("a selected file that goes is no longer selected", () => {
        const state = after(
            files({isWhole: true, changed: [fileStatus("a"), fileStatus("b")]}),
            {name: "choose", chosen: {selected: "a"}},
            files({changed: [fileStatus("b", {hits: 1})]}),
        );
        expect(state.chosen.selected).toBe("a");
        expect(reduce(state, files({removed: ["a"]})).chosen.selected).toBeUndefined();
    });
});

describe("sorting", () => {
    test("numbers begin with the largest, names with A; the same column turns", () => {
        expect(after({name: "sort", column: "tokens"}).chosen.sort).toEqual({column: "tokens", isDescending: true});
        expect(after({name: "sort", column: "path"}).chosen.sort).toEqual({column: "path", isDescending: false});
        expect(after({name: "sort", column: "path"}, {name: "sort", column: "path"}).chosen.sort).toEqual({
            column: "path",
            isDescending: true,
        });
    });
});

describe("actions on files", () => {
    test("are under way until they end; a failure stays until it is put away", () => {
        const begun = after({name: "begin", paths: ["a", "b"]});
        expect([...begun.busy]).toEqual(["a", "b"]);
        const failed = reduce(begun, {name: "end", paths: ["a"], error: {code: "busy", message: "no."}});
        expect([...failed.busy]).toEqual(["b"]);
        expect(failed.error?.code).toBe("busy");
        expect(reduce(failed, {name: "end", paths: ["b"]}).error?.code).toBe("busy");
        expect(reduce(failed, {name: "dismissError"}).error).toBeUndefined();
        expect(reduce(failed, {name: "begin", paths: ["c"]}).error).toBeUndefined();
    });
});

describe("what was chosen before", () => {
    test("comes back", () => {
        const {chosen} = after(
            {name: "choose", chosen: {tab: "map", filter: "disk", search: "core", folder: "src"}},
            {name: "sort", column: "hits"},
        );
        expect(initialState(JSON.parse(JSON.stringify(chosen))).chosen).toEqual(chosen);
    });

    test.each([undefined, null, 3, "x", {tab: "nope", sort: {column: "x", isDescending: 1}, filter: 4, search: null}])(
        "%j is not taken",
        (kept) => {
            expect(initialState(kept).chosen).toEqual(initialState().chosen);
        },
    );
});
