/** What the rows of everything that is kept depend on: of an identity, the fields that files and turns have in common. */
import {layoutVersion} from "../../core/layout/chat-layout.js";
import {contentHash, storeVersion, type IdentityFields} from "../store/identity.js";
import type {KvContext} from "./kv-context.js";
import type {Prefix} from "./prefix.js";

export type RowFields = Pick<
    IdentityFields,
    "modelHash" | "tokenizer" | "rowType" | "isRotated" | "storeVersion" | "layoutVersion" | "prefixHash" | "placement"
>;

export async function rowFields(
    {rowType}: Pick<KvContext, "rowType">,
    {tokens}: Pick<Prefix, "tokens">,
    {modelHash, placement}: Pick<RowFields, "modelHash" | "placement">,
): Promise<RowFields> {
    return {
        modelHash,
        tokenizer: "gguf",
        rowType: rowType as RowFields["rowType"],
        isRotated: rowType !== "f16",
        storeVersion,
        layoutVersion,
        prefixHash: await contentHash(new Uint8Array(tokens.slice().buffer)),
        placement,
    };
}
