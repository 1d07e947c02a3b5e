/**
 * One conversation on the command line: its turns in memory and, with `--session`, on disk. A turn is on disk once its
 * answer is whole.
 */
import {randomUUID} from "node:crypto";
import path from "node:path";
import type {ChatTurn} from "../../protocol/engine.js";
import {contentHash} from "../../engine/store/identity.js";
import {ConversationStore} from "../../engine/store/conversation-store.js";

export interface Exchange {
    question: string;
    answer: string;
    /** Shown with the answer by clients that can: attended files and figures. */
    details?: object;
}

export class ChatConversation {
    readonly id: string;
    /** Under which its rows are stored; undefined for one that ends with the process. */
    readonly storedAs: string | undefined;
    readonly #store: ConversationStore | undefined;
    readonly #turns: ChatTurn[];

    private constructor(
        id: string,
        turns: ChatTurn[],
        {storedAs, store}: {storedAs?: string; store?: ConversationStore} = {},
    ) {
        this.id = id;
        this.storedAs = storedAs;
        this.#turns = turns;
        this.#store = store;
    }

    /** One that ends with the process. */
    static unnamed(): ChatConversation {
        return new ChatConversation(randomUUID().replaceAll("-", ""), []);
    }

    /**
     * The session of that name in this workspace, begun when there is none.
     * @throws KvasirError `usage` for a name that cannot be one; `busy`, `store-read-only`, `disk-full`
     */
    static async named(
        name: string,
        {folder, root, onDamage}: {folder: string; root: string; onDamage: (path: string) => void},
    ): Promise<ChatConversation> {
        // Sessions of two repositories may have one name and have nothing to do with each other.
        const workspace = (await contentHash(`kvasir workspace\n${root}`)).slice(0, 16);
        const store = new ConversationStore(path.join(folder, workspace), {
            onDamage: (damage) => onDamage(damage.path),
        });
        const {id, turns} = await store.openNamed(name);
        return new ChatConversation(
            id,
            turns.flatMap(({role, text}) => (role === "system" ? [] : [{role, text}])),
            {storedAs: `${workspace}-${id}`, store},
        );
    }

    /** All turns so far and the new question, as the engine wants them. */
    turnsWith(question: string): ChatTurn[] {
        return [...this.#turns, {role: "user", text: question}];
    }

    /** Oldest first. */
    questions(): string[] {
        return this.#turns.filter((turn) => turn.role === "user").map((turn) => turn.text);
    }

    async add({question, answer, details}: Exchange): Promise<void> {
        this.#turns.push({role: "user", text: question}, {role: "assistant", text: answer});
        const createdAtMs = Date.now();
        await this.#store?.append(this.id, [
            {id: randomUUID(), role: "user", text: question, createdAtMs},
            {
                id: randomUUID(),
                role: "assistant",
                text: answer,
                createdAtMs,
                // Plain JSON from here on: what an object holds beside it is not kept.
                ...(details === undefined ? {} : {details: JSON.parse(JSON.stringify(details)) as never}),
            },
        ]);
    }
}
