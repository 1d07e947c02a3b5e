/** A conversation as a markdown document that reads well elsewhere: questions, answers, and what each answer saw. */
import {type AnswerFigures, type Conversation} from "./conversation.js";

export function exportMarkdown({name, createdAtMs, turns}: Conversation): string {
    const parts = [`# ${name.replace(/([\\`*_[\]<>#])/g, "\\$1")}`, `*${isoDay(createdAtMs)}*`];
    for (const turn of turns) {
        if (turn.role === "user") {
            parts.push("## Question", closeFences(turn.text.trim()));
            if (turn.attached.length > 0)
                parts.push(`*With ${turn.attached.map(({label}) => code(label)).join(", ")}*`);
            continue;
        }
        parts.push("## Answer");
        if (turn.thought !== undefined && turn.thought.trim() !== "") {
            parts.push(`<details>\n<summary>Reasoning</summary>\n\n${quote(turn.thought.trim())}\n\n</details>`);
        }
        for (const step of turn.steps ?? []) {
            if (step.text.trim() !== "") parts.push(closeFences(step.text.trim()));
            for (const {name, arguments: given, state, result} of step.calls) {
                const how = `${code(`${name} ${given}`)} (${state})`;
                parts.push(result === undefined ? `> Tool ${how}` : `> Tool ${how}\n>\n${quote(result)}`);
            }
        }
        if (turn.text.trim() !== "") parts.push(closeFences(turn.text.trim()));
        if (turn.error !== undefined) parts.push(`> **Stopped:** ${turn.error.message}`);
        else if (turn.isPartial === true) parts.push("> **Stopped** before the end.");
        if (turn.report !== undefined) parts.push(figures(turn.report));
    }
    return `${parts.join("\n\n")}\n`;
}

function figures({tokens, tokensPerSecond, ttftMs, attended, reusedTokens, readTokens}: AnswerFigures): string {
    const seen = attended.map(({path, why}) => `${code(path)} (${why === "context" ? "named" : why})`).join(", ");
    const cost = `${tokens} tokens, ${tokensPerSecond.toFixed(1)} per second, first after ${(ttftMs / 1000).toFixed(2)} s; file tokens reused ${reusedTokens}, read ${readTokens}`;
    return `*${cost}*${seen === "" ? "" : `\n\n*Saw: ${seen}*`}`;
}

/** An answer that was cut inside a block shall not swallow what follows. */
function closeFences(text: string): string {
    let open: string | undefined;
    for (const line of text.split("\n")) {
        const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
        if (fence === null) continue;
        const [, mark = "", rest = ""] = fence;
        if (open === undefined) {
            if (mark.startsWith("~") || !rest.includes("`")) open = mark;
        } else if (mark.startsWith(open[0] ?? "") && mark.length >= open.length && rest.trim() === "") open = undefined;
    }
    return open === undefined ? text : `${text}\n${open}`;
}

function quote(text: string): string {
    return text.replace(/^/gm, "> ");
}

/** Inline code whose ticks the text cannot close. */
function code(text: string): string {
    return text.includes("`") ? `\`\` ${text} \`\`` : `\`${text}\``;
}

function isoDay(ms: number): string {
    return new Date(ms).toISOString().slice(0, 10);
}
