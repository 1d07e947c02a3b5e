/**
 * Policies as they are written for a measurement: a preset's name, or one with parts changed, such as
 * `aha-file:stride=1` (every row of the file asks), `aha-replay:part=0.5` (half of its blocks are repeated) or
 * `aha-file:heads=max:pool=3`.
 */
import {usage} from "../../protocol/errors.js";
import {
    validatePolicy,
    type AttentionEvidence,
    type Policy,
    type Prior,
    type ScoringPolicy,
    type Share,
} from "../policy/policy.js";
import {policyByName, withReplayPart, withStride} from "../policy/presets.js";

interface Part {
    /** Returns the same policy where it has no such part. */
    change: (policy: Policy, value: string) => Policy;
    what: string;
}

const asks = "lets rows ask, such as aha-file";
const scores = "scores rows, such as aha-file";

const parts: Record<string, Part> = {
    stride: {
        change: (policy, value) => withStride(policy, Number(value)),
        what: "scores all rows of a file, such as aha-file",
    },
    echo: {
        change: (policy, value) => withEvidence(policy, {rows: {kind: "echo", stride: Number(value)}}),
        what: asks,
    },
    only: {
        change: (policy, value) => withEchoOnly(policy, Number(value)),
        what: "lets rows ask from ahead, such as aha-echo",
    },
    part: {change: (policy, value) => withReplayPart(policy, Number(value)), what: "replays, such as aha-replay"},
    gain: {
        change: (policy, value) => withEvidence(policy, {gain: oneOf(value, ["one", "sg", "sg-sigma"])}),
        what: asks,
    },
    rows: {
        change: (policy, value) => withEvidence(policy, {overRows: oneOf(value, ["sum", "mean", "max", "norm"])}),
        what: asks,
    },
    heads: {change: (policy, value) => withEvidence(policy, {overHeads: oneOf(value, ["mean", "max"])}), what: asks},
    pool: {
        change: (policy, value) =>
            withParts(policy, {pool: value === "none" ? {kind: "none"} : {kind: "max", width: Number(value)}}),
        what: scores,
    },
    pins: {
        change: (policy, value) => {
            const [first = NaN, last = NaN] = value.split("/").map(Number);
            return policy.evidence.kind === "none"
                ? policy
                : withParts(policy, {pins: {...(policy as ScoringPolicy).pins, first, last: {rows: last}}});
        },
        what: scores,
    },
    guarantee: {
        change: (policy, value) =>
            policy.evidence.kind !== "none" && "guarantee" in (policy as ScoringPolicy).share
                ? withParts(policy, {share: {...(policy as ScoringPolicy).share, guarantee: Number(value)} as Share})
                : policy,
        what: "guarantees rows before pooling, such as aha-pooled",
    },
    prior: {change: (policy, value) => withParts(policy, {prior: priorOf(value)}), what: scores},
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
                `Write a part and its value, such as NAME:stride=2; parts are ${Object.keys(parts).join(", ")}.`,
            );
        const changed = part.change(policy, value);
        if (changed === policy) throw usage(`"${name}" has no ${key}.`, `Only a policy that ${part.what} has one.`);
        return {...changed, name: written} as Policy;
    }, policyByName(name));
}

function withEvidence(policy: Policy, change: Partial<AttentionEvidence>): Policy {
    return policy.evidence.kind === "attention"
        ? withParts(policy, {evidence: {...policy.evidence, ...change}})
        : policy;
}

/** The same with another least share of the heads that ask from ahead; 0: all of them do. */
function withEchoOnly(policy: Policy, share: number): Policy {
    if (policy.evidence.kind !== "attention" || policy.evidence.rows.kind !== "echo") return policy;
    const {rows} = policy.evidence;
    return withEvidence(policy, {rows: {...rows, only: {share, stride: rows.only?.stride ?? 4}}});
}

function withParts(policy: Policy, change: Partial<ScoringPolicy>): Policy {
    return policy.evidence.kind === "none" ? policy : validatePolicy({...(policy as ScoringPolicy), ...change});
}

/** Average pool of ||V||^2 as wide as AhaKV's. */
const priorWidth = 7;

function priorOf(value: string): Prior {
    const kind = oneOf(value, ["none", "v1", "v", "v2"]);
    return kind === "v2" ? {kind, width: priorWidth} : {kind};
}

/** @throws KvasirError `usage` naming the values there are */
function oneOf<const T extends string>(value: string, values: readonly T[]): T {
    const known = values.find((one) => one === value);
    if (known === undefined) throw usage(`"${value}" changes nothing of a policy.`, `Choose of: ${values.join(", ")}.`);
    return known;
}
