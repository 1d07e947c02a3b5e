/** Owns the text of the Doctor: what was found, what is wrong, and what to do about it. Pure. */
import type {DoctorReport} from "../../protocol/engine.js";

export interface DoctorFacts {
    extensionVersion: string;
    editorVersion: string;
    platform: string;
    isTrusted: boolean;
    isRemote: string | undefined;
    connection: string;
    /** Settings another window holds otherwise. */
    differing: readonly string[];
    /** Files that have ended the engine again and again. */
    quarantined: readonly string[];
    /** Signal and native stack of the engine before this one. */
    lastCrash?: string | undefined;
    files: {known: number; skipped: number; secrets: readonly string[]};
    model: string;
    cacheFolder: string;
    /** What the engine says of itself, or why it does not. */
    report: DoctorReport | {error: {message: string; fix?: string | undefined}};
}

/** A link in the report: `[label](command:id)`, which the document's own link provider makes live. */
export interface DoctorLink {
    label: string;
    command: string;
}

export function doctorText(facts: DoctorFacts): string {
    const lines: string[] = ["# Kvasir Doctor", ""];
    const problems = problemsOf(facts);
    if (problems.length === 0) lines.push("Everything is as it should be.", "");
    else {
        lines.push(
            problems.length === 1
                ? "One thing needs your attention:"
                : `${problems.length} things need your attention:`,
            "",
        );
        for (const {text, fix, links} of problems) {
            lines.push(`- ✘ ${text}`);
            if (fix !== undefined) lines.push(`  ${fix}`);
            if (links.length > 0)
                lines.push(`  ${links.map(({label, command}) => `[${label}](command:${command})`).join(" · ")}`);
        }
        lines.push("");
    }
    const {report} = facts;
    if (!("error" in report)) {
        lines.push("## Engine", "");
        for (const check of report.checks) lines.push(`- ${check.ok ? "✔" : "✘"} ${check.id}: ${check.detail}`);
        lines.push("");
        const {model} = report;
        lines.push("## Model", "", `- ${model.path}`);
        if (model.layers > 0) {
            lines.push(
                `- ${model.architecture}, ${model.layers} layers, ${model.kvHeads} KV heads of ${model.headDim}, window ${model.window} tokens`,
            );
        }
        lines.push("");
    }
    if (facts.lastCrash !== undefined) {
        lines.push("## The engine before this one died in native code", "");
        lines.push(...facts.lastCrash.split("\n").map((line) => `    ${line}`), "");
    }
    lines.push(
        "## This window",
        "",
        `- Kvasir ${facts.extensionVersion}, VS Code ${facts.editorVersion}, ${facts.platform}${facts.isRemote === undefined ? "" : `, remote: ${facts.isRemote}`}`,
        `- engine: ${facts.connection}`,
        `- model: ${facts.model}`,
        `- cache folder: ${facts.cacheFolder}`,
        `- files: ${facts.files.known} known, ${facts.files.skipped} not read [Show](command:kvasir.showSkipped)`,
        ...(facts.files.secrets.length > 0
            ? [`- never read, because they look like secrets: ${facts.files.secrets.join(", ")}`]
            : []),
        "",
        "[Run Doctor Again](command:kvasir.doctor) · [Show Log](command:kvasir.showLog) · [Restart Engine](command:kvasir.restartEngine)",
        "",
    );
    return lines.join("\n");
}

interface Problem {
    text: string;
    fix?: string | undefined;
    links: DoctorLink[];
}

const linksOf: Readonly<Record<string, DoctorLink[]>> = {
    model: [{label: "Choose Model", command: "kvasir.chooseModel"}],
    engine: [
        {label: "Restart Engine", command: "kvasir.restartEngine"},
        {label: "Show Log", command: "kvasir.showLog"},
    ],
    cache: [{label: "Open Settings", command: "workbench.action.openSettings?%22kvasir.cache%22"}],
    trust: [{label: "Manage Workspace Trust", command: "workbench.trust.manage"}],
    settings: [{label: "Open Settings", command: "workbench.action.openSettings?%22kvasir%22"}],
};

function problemsOf({report, isTrusted, differing, quarantined}: DoctorFacts): Problem[] {
    const problems: Problem[] = [];
    if (!isTrusted)
        problems.push({text: "The workspace is not trusted, so nothing is read.", links: linksOf["trust"] ?? []});
    if ("error" in report) {
        problems.push({text: capital(report.error.message), fix: report.error.fix, links: linksOf["engine"] ?? []});
    } else {
        for (const {id, ok, detail, fix} of report.checks) {
            if (ok) continue;
            const links = linksOf[id] ?? (/model/.test(id) ? linksOf["model"] : linksOf["engine"]);
            problems.push({text: `${id}: ${detail}`, fix, links: links ?? []});
        }
    }
    if (quarantined.length > 0) {
        problems.push({
            text: `Reading these files has ended the engine three times; they are left out until they change: ${quarantined.join(", ")}.`,
            fix: "The engine's log may tell why. Please report it with the file, if you may show it.",
            links: (linksOf["engine"] ?? []).slice(1),
        });
    }
    if (differing.length > 0) {
        problems.push({
            text: `Another window uses the engine with other settings (${differing.join(", ")}); they hold until it is closed.`,
            fix: "Restart Engine makes this window's settings hold for all.",
            links: [...(linksOf["engine"] ?? []).slice(0, 1), ...(linksOf["settings"] ?? [])],
        });
    }
    return problems;
}

function capital(text: string): string {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
