/**
 * Owns the schema of every type of engine.ts that crosses a process boundary. A type and its schema that differ do not
 * compile (`schemaOf`), so a field that one side adds cannot get lost on the way.
 */
import * as z from "zod";
import * as e from "./engine.js";
import type {KvasirErrorData} from "./errors.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Flat<T> = T extends (infer U)[] ? Flat<U>[] : T extends object ? {[K in keyof T]: Flat<T[K]>} : T;

/** Takes a schema only when it says exactly what the type says. */
function schemaOf<T>() {
    return <S extends z.ZodType>(
        schema: Same<Flat<z.infer<S>>, Flat<T>> extends true ? S : {"the schema differs from the type": Flat<T>},
    ): S => schema as S;
}

export const name = z.string().min(1).max(4096);
export const path = z.string().min(1).max(8192);
export const text = z.string();
const count = z.number();

export const errorData = z.object({code: z.string(), message: z.string(), fix: z.string().optional()});
type _ErrorDataFits = Same<keyof z.infer<typeof errorData>, keyof KvasirErrorData>;

const serverKind = z.enum(e.serverKinds);

export const engineSettings = schemaOf<e.EngineSettings>()(
    z.strictObject({
        remote: z
            .strictObject({
                baseUrl: z.string().max(2000),
                model: z.string().max(500),
                kind: serverKind,
                apiKey: z.string().max(4096).optional(),
            })
            .optional(),
        modelPath: z.string(),
        gpu: z.enum(["auto", "cpu", "cuda", "vulkan", "metal"]),
        policy: z.string(),
        budget: z.number().gt(0).lte(1),
        rowType: z.enum(["f16", "q8_0", "q4_0"]),
        kvMib: z.number().positive().optional(),
        ramMib: z.number().nonnegative().optional(),
        cacheDir: z.string(),
        cacheLimitMib: z.number().positive().optional(),
        storeKey: z.string().optional(),
        threads: z.int().nonnegative(),
        position: z.enum(["parallel", "sequential"]),
        attendedTokens: z.int().nonnegative(),
        waitForReadsMs: z.number().nonnegative(),
    }),
);

export const modelInfo = schemaOf<e.ModelInfo>()(
    z.object({
        path: z.string(),
        name: z.string(),
        architecture: z.string(),
        layers: count,
        heads: count,
        kvHeads: count,
        headDim: count,
        window: count,
        supported: z.boolean(),
        reason: z.string().optional(),
        hasChatTemplate: z.boolean(),
        hasFim: z.boolean(),
        callsTools: z.boolean().optional(),
        headProfile: z.enum(["shipped", "measured", "none"]),
        weightsBytes: count,
    }),
);

export const fileStatus = schemaOf<e.FileStatus>()(
    z.object({
        path: z.string(),
        tokens: count,
        keptRows: count,
        bytes: count,
        fullBytes: count,
        tier: z.enum(["attended", "memory", "disk", "known"]),
        refined: z.boolean(),
        notRefined: z.string().optional(),
        pinned: z.boolean(),
        budget: count.optional(),
        hits: count,
        lastAttendedMs: count.optional(),
        reason: z.string().optional(),
    }),
);

export const attendedFile = schemaOf<e.AttendedFile>()(
    z.object({
        path: z.string(),
        tokens: count,
        keptRows: count,
        why: z.enum(["pinned", "context", "named", "open", "imported", "matched"]),
        detail: z.string().optional(),
    }),
);

export const leftOutFile = schemaOf<e.LeftOutFile>()(z.object({path: z.string(), why: z.string()}));

const readFileReport = schemaOf<e.ReadFileReport>()(
    z.object({
        path: z.string(),
        tokens: count,
        keptRows: count,
        bytes: count,
        fullBytes: count,
        source: z.enum(["memory", "disk", "read"]),
        ms: count,
        refined: z.boolean(),
        refineMs: count.optional(),
    }),
);

export const readReport = schemaOf<e.ReadReport>()(
    z.object({
        files: z.array(readFileReport),
        skipped: z.array(z.object({path: z.string(), reason: z.string()})),
        totals: z.object({
            tokens: count,
            bytes: count,
            fullBytes: count,
            ms: count,
            refineMs: count.optional(),
        }),
    }),
);

export const readProgress = schemaOf<e.ReadProgress>()(
    z.object({
        filesDone: count,
        filesTotal: count,
        tokensDone: count,
        tokensTotal: count,
        path: z.string().optional(),
        isRefining: z.boolean().optional(),
        measuredShare: count.optional(),
        secondsLeft: count.optional(),
    }),
);

const contextChoice = schemaOf<e.ContextChoice>()(
    z.strictObject({
        pinned: z.array(path).optional(),
        context: z.array(path).optional(),
        open: z.array(path).optional(),
        exclude: z.array(path).optional(),
        onlyNamed: z.boolean().optional(),
    }),
);

const toolDescription = schemaOf<e.ToolDescription>()(
    z.strictObject({name, description: text, parameters: z.record(z.string(), z.unknown()).optional()}),
);

export const toolCall = schemaOf<e.ToolCall>()(z.strictObject({id: name, name, arguments: text}));

const chatTurn = schemaOf<e.ChatTurn>()(
    z.strictObject({
        role: z.enum(["user", "assistant"]),
        text,
        calls: z.array(toolCall).optional(),
        results: z.array(z.strictObject({id: name, text})).optional(),
    }),
);

export const askRequest = schemaOf<e.AskRequest>()(
    z.strictObject({
        workspace: name,
        conversation: name,
        storedAs: name.optional(),
        turns: z.array(chatTurn).min(1).max(10_000),
        choice: contextChoice.optional(),
        instructions: text.optional(),
        maxTokens: z.int().positive(),
        temperature: z.number().nonnegative(),
        seed: z.int().optional(),
        grammar: text.optional(),
        tools: z.array(toolDescription).max(1000).optional(),
        toolChoice: z.enum(["auto", "required"]).optional(),
    }),
);

const stop = z.enum(["endOfText", "maxTokens", "windowEnd", "stopped", "cancelled"]);

export const answerReport = schemaOf<e.AnswerReport>()(
    z.object({
        text,
        tokens: count,
        ttftMs: count,
        tokensPerSecond: count,
        attended: z.array(attendedFile),
        leftOut: z.array(leftOutFile),
        reusedTokens: count,
        readTokens: count,
        stop,
        thought: text.optional(),
        calls: z.array(toolCall).optional(),
        notes: z.array(z.string()),
        reusedTurnTokens: count,
        decodedTurnTokens: count,
        conversationTokens: count,
        conversationKeptRows: count,
    }),
);

export const completeRequest = schemaOf<e.CompleteRequest>()(
    z.strictObject({
        workspace: name,
        path,
        text,
        offset: z.int().nonnegative(),
        choice: contextChoice.optional(),
        maxTokens: z.int().positive(),
        multiLine: z.enum(["auto", "never", "always"]),
        n: z.int().min(1).max(e.maxCandidates).optional(),
    }),
);

export const completionReport = schemaOf<e.CompletionReport>()(
    z.object({
        text,
        candidates: z.array(text).optional(),
        ttftMs: count,
        ms: count,
        tokens: count,
        attended: z.array(attendedFile),
        reusedTokens: count,
        readTokens: count,
        promptTokens: count,
        reusedPromptTokens: count,
        mode: z.enum(["fim", "prefix"]),
        stop,
    }),
);

export const engineStatus = schemaOf<e.EngineStatus>()(
    z.object({
        state: z.enum(["starting", "loading", "ready", "busy", "paused", "unloaded", "failed"]),
        activity: z.enum(["read", "refine", "ask", "complete", "calibrate"]).optional(),
        error: errorData.optional(),
        model: modelInfo.optional(),
        server: z.object({host: z.string(), kind: serverKind}).optional(),
        kv: z.object({usedBytes: count, peakBytes: count, limitBytes: count}),
        disk: z.object({bytes: count, limitBytes: count, problem: errorData.optional()}),
        files: z.object({
            known: count,
            resident: count,
            onDisk: count,
            attended: count,
            unread: count,
            refined: count,
        }),
        tokens: z.object({known: count, kept: count}),
        progress: readProgress.optional(),
        clients: count,
    }),
);

export const doctorReport = schemaOf<e.DoctorReport>()(
    z.object({
        ok: z.boolean(),
        checks: z.array(z.object({id: z.string(), ok: z.boolean(), detail: z.string(), fix: z.string().optional()})),
        engine: z.object({backend: z.string(), addon: z.string(), llamaRelease: z.string()}),
        model: modelInfo.pick({
            path: true,
            architecture: true,
            layers: true,
            kvHeads: true,
            headDim: true,
            window: true,
            supported: true,
            reason: true,
        }),
    }),
);

export const calibrateReport = schemaOf<e.CalibrateReport>()(
    z.object({
        path: z.string(),
        budgets: z.array(z.object({share: count, perHead: z.array(z.array(count))})),
        ms: count,
    }),
);

export const cacheReport = schemaOf<e.CacheReport>()(
    z.object({
        entries: z.array(
            z.object({
                path: z.string(),
                tokens: count,
                bytes: count,
                tier: z.enum(["memory", "disk"]),
                refined: z.boolean(),
            }),
        ),
        bytes: count,
        limitBytes: count,
    }),
);

export const verifyReport = z.object({
    checked: count,
    bad: z.array(z.object({path: z.string(), reason: z.string()})),
});

export const keptLines = schemaOf<e.KeptLines>()(
    z.object({path: z.string(), share: z.array(count), isCurrent: z.boolean()}),
);

export const readRequest = schemaOf<e.ReadRequest>()(
    z.strictObject({
        workspace: name,
        paths: z.array(path).optional(),
        near: z.array(path).optional(),
        again: z.boolean().optional(),
        refine: z.boolean().optional(),
    }),
);

export const workspaceUpdate = schemaOf<e.WorkspaceUpdate>()(
    z.strictObject({
        workspace: name,
        storedAs: name.optional(),
        upsert: z.array(z.strictObject({path, text, mtimeMs: count.optional()})).optional(),
        remove: z.array(path).optional(),
        budgets: z.record(path, z.number().gt(0).lte(1).nullable()).optional(),
        pinned: z.array(path).optional(),
        excluded: z.array(path).optional(),
        open: z.array(path).optional(),
        refine: z.boolean().optional(),
    }),
);

/** What a client learns when it joins: whose settings are in force, and which of its own are not. */
export const helloReply = z.strictObject({
    status: engineStatus,
    settings: engineSettings,
    /** Names of settings that other clients hold at another value. */
    differing: z.array(z.string()),
    clients: z.int().positive(),
    /** Files whose text has ended the engine again and again: left out until it changes. */
    quarantined: z.array(z.string()),
    /** Signal and native stack, a line each, of the engine before this one, when it died in native code. */
    lastCrash: z.string().optional(),
});
export type HelloReply = z.infer<typeof helloReply>;
