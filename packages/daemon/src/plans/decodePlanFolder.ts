import { decodePlanFile, planFileBytesMax } from './decodePlanFile.js';
import type { PlanFile } from './planFile.js';
import type { PlanFault } from './planProblem.js';
import type { PlanFolder, PlanText } from './planReader.js';

export interface DecodedPlanFolder {
  readonly folder: PlanFolder;
  /** Of files that can't be read. */
  readonly faults: readonly PlanFault[];
}

/** Turns the files of a folder into texts, by name; a file that is empty is passed over with a notice. */
export function decodePlanFolder(name: string, files: readonly PlanFile[]): DecodedPlanFolder {
  const bytes = files.reduce((sum, { content }) => sum + content.length, 0);
  if (bytes > planFileBytesMax) {
    const size = (bytes / 1024 / 1024).toFixed(1);
    const message = `The files of ${name} have ${size} MB together; a plan may have 50 MB. Split it.`;
    return {
      folder: { name, files: [] },
      faults: [{ code: 'FILE_TOO_LARGE', at: { file: name, line: 1 }, message }],
    };
  }
  const texts: PlanText[] = [];
  const faults: PlanFault[] = [];
  for (const file of files.toSorted((a, b) => (a.fileName < b.fileName ? -1 : 1))) {
    const decoded = decodePlanFile(file.fileName, file.content);
    if ('source' in decoded) texts.push(decoded.source);
    else if (decoded.fault.code !== 'FILE_EMPTY') faults.push(decoded.fault);
    else {
      const message = `${file.fileName} is empty; there is no task in it.`;
      faults.push({ code: 'FILE_SKIPPED', at: decoded.fault.at, message });
    }
  }
  return { folder: { name, files: texts }, faults };
}
