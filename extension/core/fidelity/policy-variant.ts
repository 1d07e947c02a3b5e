/**
 * Policies as they are written for a measurement: a preset's name, or one with a part changed, such as
 * `aha-file:stride=1` (every row of the file asks) or `aha-replay:part=0.5` (half of its blocks are repeated).
 */
import {usage} from "../../protocol/errors.js";
import type {Policy} from "../policy/policy.js";
import {policyByName, withReplayPart, withStride} from "../policy/presets.js";

const parts: Record<string, {change: (policy: Policy, value: number) => Policy; what: string}> = {
    stride: {change: withStride, what: "scores all rows of a file, such as aha-file"},
    part: {change: withReplayPart, what: "replays, such as aha-replay"},
};

/**
 * The policy that is meant, under the name it was written with.
 * @throws KvasirError `unknown-policy` for a name or a value that cannot be, `usage` for another part
 */
export function policyVariant(written: string): Policy {
    const [name, ...changes] = written.split(":") as [string, ...string[]];
    return changes.reduce((policy, text) => {
        const [key, value] = text.split("=") as [string, string | undefined];
        const part = parts[key];
        if (part === undefined || value === undefined || value === "")
            throw usage(
                `"${text}" in "${written}" changes nothing of a policy.`,
                "Write a part and its value: NAME:stride=2 or NAME:part=0.5.",
            );
        const changed = part.change(policy, Number(value));
        if (changed === policy) throw usage(`"${name}" has no ${key}.`, `Only a policy that ${part.what} has one.`);
        return {...changed, name: written} as Policy;
    }, policyByName(name));
}
