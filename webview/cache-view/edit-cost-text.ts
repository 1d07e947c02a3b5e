/** Owns the words for what an edit costs, before it is made and after. Pure. */
import type {EditCost} from "../../extension/protocol/webview/cache-view.js";
import {t} from "../shared/l10n.js";
import {formatCount, formatSeconds} from "./format.js";

/** "An edit costs reading 1,234 tokens again." */
export function beforeText({tokens, seconds, isCurrent, readTokens}: EditCost): string {
    const n = formatCount(tokens);
    const cost = seconds === undefined ? t("{0} tokens", n) : t("{0} tokens (about {1})", n, formatSeconds(seconds));
    if (isCurrent) return t("An edit costs {0}: this file is read again, no other.", cost);
    if (readTokens === undefined) return t("Reading it costs {0}.", cost);
    return t("This edit costs {0}: this file is read again, no other.", cost);
}

/** "The last edit did cost 1,240 tokens in 4.1 s." */
export function afterText({last}: EditCost): string {
    if (last === undefined) return "";
    return t("The last edit cost {0} tokens in {1}.", formatCount(last.tokens), formatSeconds(last.seconds));
}
