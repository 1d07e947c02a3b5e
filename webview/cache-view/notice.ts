/** Owns what the page says instead of numbers, or above them: what is missing, what failed, and the next step. Pure. */
import type {EngineAction} from "../../extension/protocol/webview/cache-view.js";
import {t} from "../shared/l10n.js";
import type {PageState} from "./state.js";

export interface Notice {
    readonly kind: "info" | "busy" | "warning" | "error";
    readonly title: string;
    readonly text: string;
    readonly steps: readonly {readonly label: string; readonly action: EngineAction}[];
}

const tryAgain = () => ({label: t("Try Again"), action: "connect"}) as const;
const doctor = () => ({label: t("Run Doctor"), action: "doctor"}) as const;
const showLog = () => ({label: t("Show Log"), action: "showLog"}) as const;

/** The most important thing to say, or undefined when all is well. */
export function noticeOf({cache, files}: Pick<PageState, "cache" | "files">): Notice | undefined {
    if (cache === undefined) return {kind: "busy", title: t("One moment"), text: "", steps: []};
    const {connection, engine, sync} = cache;
    if (sync.name === "untrusted") {
        return {
            kind: "warning",
            title: t("This workspace is not trusted"),
            text: t("Kvasir reads no file until you trust it."),
            steps: [{label: t("Manage Trust"), action: "manageTrust"}],
        };
    }
    if (connection.name === "failed") {
        const text = sentences(connection.message, connection.fix);
        return {kind: "error", title: t("The engine does not run"), text, steps: [tryAgain(), doctor(), showLog()]};
    }
    if (connection.name === "waiting") {
        return {
            kind: "warning",
            title: t("The engine ended and is started again"),
            text: sentences(connection.message, t("Nothing is lost: what was read is on disk.")),
            steps: [showLog()],
        };
    }
    if (engine?.error !== undefined) {
        const {code, message, fix} = engine.error;
        const choose = {label: t("Choose a Model"), action: "chooseModel"} as const;
        if (code === "model-missing") {
            return {
                kind: "info",
                title: t("No model yet"),
                text: t(
                    "Kvasir runs a model on this machine. It finds those that you have, and says which others fit.",
                ),
                steps: [choose, doctor()],
            };
        }
        const steps = code.startsWith("model-") ? [choose, tryAgain(), doctor()] : [tryAgain(), doctor(), showLog()];
        return {kind: "error", title: t("The engine cannot work"), text: sentences(message, fix), steps};
    }
    if (sync.name === "none" && sync.known === 0 && connection.name !== "connecting") {
        return {
            kind: "info",
            title: t("No folder is open"),
            text: t(
                "Open a folder: Kvasir reads each of its files once, keeps what matters of it, and shows here what that costs.",
            ),
            steps: [{label: t("Open a Folder"), action: "openFolder"}],
        };
    }
    if (connection.name === "idle" || engine?.state === "unloaded") {
        return {
            kind: "info",
            title: connection.name === "idle" ? t("The engine has not started") : t("The model is unloaded"),
            text: t(
                "It starts with your first question or completion. What was read before is on disk and comes back.",
            ),
            steps: [{label: t("Start Now"), action: "connect"}],
        };
    }
    if (connection.name === "connecting" || engine?.state === "starting" || engine?.state === "loading") {
        return {kind: "busy", title: t("The model is being loaded"), text: "", steps: []};
    }
    return aboutFiles({cache, files});
}

function aboutFiles({cache, files}: Pick<PageState, "cache" | "files">): Notice | undefined {
    const sync = cache?.sync;
    const engine = cache?.engine;
    if (sync?.name === "scanning" && (files?.size ?? 0) === 0) {
        return {kind: "busy", title: t("Looking at the workspace"), text: "", steps: []};
    }
    if (files === undefined) return undefined;
    if (files.size === 0 && sync?.name === "synced") {
        return {
            kind: "info",
            title: t("There is nothing to read here"),
            text: t("No file of this workspace is text that Kvasir may read."),
            steps: [
                {label: t("Show What Is Left Out"), action: "showSkipped"},
                {label: t("Look Again"), action: "rescan"},
            ],
        };
    }
    const readable = [...files.values()].filter(({reason}) => reason === undefined);
    const isNothingRead = readable.length > 0 && readable.every(({tier}) => tier === "known");
    if (engine?.state === "paused") {
        return {
            kind: "info",
            title: t("Reading is paused"),
            text: t("Questions and completions work; files that are not read yet are read when a question needs them."),
            steps: [{label: t("Resume"), action: "resume"}],
        };
    }
    if (isNothingRead && engine?.progress === undefined) {
        return {
            kind: "info",
            title: t("Nothing is read yet"),
            text: t(
                "A file is read once. What matters of it is kept and can be used in any question, without reading it again.",
            ),
            steps: [{label: t("Read Now"), action: "readAll"}],
        };
    }
    return undefined;
}

function sentences(...parts: readonly (string | undefined)[]): string {
    return parts
        .filter((part): part is string => part !== undefined && part !== "")
        .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
        .join(" ");
}
