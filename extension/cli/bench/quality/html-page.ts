/** Writes the report page, whole or not at all. */
import type {FidelityReport} from "../../../core/fidelity/fidelity-report.js";
import {reportPage} from "../../../core/fidelity/page/report-page.js";
import {writeFileAtomically} from "../../../engine/store/write-file-atomically.js";

export async function writePage(file: string, report: FidelityReport): Promise<void> {
    const page = reportPage(report);
    await writeFileAtomically(file, async (handle) => {
        await handle.writeFile(page);
    });
}
