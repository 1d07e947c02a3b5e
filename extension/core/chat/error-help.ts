/** What a person can do about a failure, by its code: the buttons under the message. */
import {type KvasirErrorCode, type KvasirErrorData} from "../../protocol/errors.js";
import {type ErrorView, type Remedy} from "../../protocol/webview/chat.js";

const byCode: Partial<Record<KvasirErrorCode, readonly Remedy[]>> = {
    "model-missing": ["chooseModel", "settings"],
    "model-broken": ["chooseModel"],
    "model-unsupported": ["chooseModel"],
    "model-too-large": ["chooseModel", "settings"],
    "model-changed": ["retry"],
    "addon-missing": ["doctor", "showLog"],
    "addon-mismatch": ["doctor", "showLog"],
    "question-too-long": ["newConversation"],
    "kv-limit": ["settings", "retry"],
    "out-of-memory": ["retry", "settings", "chooseModel"],
    busy: ["retry"],
    "disk-full": ["retry", "settings"],
    "store-read-only": ["settings"],
    "cache-locked": ["retry"],
    "engine-unreachable": ["restartEngine", "doctor", "showLog"],
    "engine-stopped": ["retry", "showLog"],
    "engine-version": ["restartEngine"],
    "untrusted-workspace": ["trust"],
    cancelled: ["retry"],
};

export function errorView({code, message, fix}: Pick<KvasirErrorData, "message" | "fix"> & {code: string}): ErrorView {
    const remedies = byCode[code as KvasirErrorCode] ?? ["retry", "doctor", "showLog"];
    const sentence = message.charAt(0).toUpperCase() + message.slice(1);
    return {code, message: sentence, ...(fix === undefined ? {} : {fix}), remedies: [...remedies]};
}
