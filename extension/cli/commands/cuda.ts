/** `kvasir cuda`: says what llama.cpp for CUDA would take, and with `--add` fetches it, because somebody typed it. */
import {addCuda, cudaOffer, cudaPlace} from "../../engine/models/cuda-library.js";
import type {CommandContext, CommandResult} from "../command-context.js";
import type {CommonFlags} from "../common-flags.js";
import {ProgressLine} from "../output/progress-line.js";
import {formatBytes} from "../output/units.js";

export async function runCuda(
    {terminal, interrupt}: CommandContext,
    {add = false}: CommonFlags & {add?: boolean},
): Promise<CommandResult> {
    const place = cudaPlace();
    const line = new ProgressLine(terminal);
    try {
        const offer = cudaOffer(place);
        const isAdded = add && !offer.isThere;
        if (isAdded) {
            line.show(`fetching llama.cpp for CUDA, ${formatBytes(offer.bytes)} on disk`);
            await addCuda(place, interrupt.signal);
        }
        line.clear();
        const names = offer.packages
            .map(({name, version, integrity}) => `${name}@${version}\n  ${integrity}`)
            .join("\n");
        const size = `${formatBytes(offer.bytes)} on disk`;
        return {
            json: {...offer, isThere: offer.isThere || isAdded},
            text: offer.isThere
                ? `llama.cpp for CUDA is here already:\n${names}`
                : isAdded
                  ? `llama.cpp for CUDA was added to ${place.kept}:\n${names}`
                  : `llama.cpp for CUDA takes ${size}; \`kvasir cuda --add\` has npm fetch it and checks these checksums:\n${names}`,
        };
    } finally {
        line.clear();
    }
}
