/** Appends turns to a conversation found by name: `append-turns FOLDER NAME PREFIX COUNT`. Prints each turn's id once it is saved, then one JSON line. */
import {ConversationStore} from "../../../../extension/engine/store/conversation-store.js";

const [folder, name, prefix, count] = process.argv.slice(2) as [string, string, string, string];
const store = new ConversationStore(folder);
const {id} = await store.openNamed(name);
for (let n = 0; n < Number(count); n++) {
    const turn = {id: `${prefix}${n}`, role: "user" as const, text: `turn ${n}`, createdAtMs: Date.now()};
    await store.append(id, [turn]);
    process.stdout.write(`${turn.id}\n`);
}
process.stdout.write(JSON.stringify({id}) + "\n");
