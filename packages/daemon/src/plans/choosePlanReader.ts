import type { PlanFault } from './planProblem.js';
import type { PlanFolder, PlanReader, PlanText } from './planReader.js';
import { planReaders } from './planReaders.js';

/** The reader that `format` names, or for `auto` the one that recognises the file best; or why there is none. */
export function choosePlanReader(source: PlanText, format: string): PlanReader | PlanFault {
  if (format !== 'auto') return findByName(format, source.file);
  const possible = planReaders.map((reader) => ({ reader, match: reader.recognise(source) }));
  const best =
    possible.find(({ match }) => match === 'certain') ?? possible.find(({ match }) => match === 'possible');
  return (
    best?.reader ??
    refuse(source.file, `${source.file} looks like none of the plan formats; name its format if it is one`)
  );
}

type FolderReader = PlanReader & { readonly folder: NonNullable<PlanReader['folder']> };

/** The same for a plan of several files. */
export function chooseFolderReader(folder: PlanFolder, format: string): FolderReader | PlanFault {
  const named = format === 'auto' ? null : findByName(format, folder.name);
  if (named !== null && 'code' in named) return named;
  const readers = (named === null ? planReaders : [named]).filter(
    (reader): reader is FolderReader => reader.folder !== undefined,
  );
  if (named !== null) {
    return (
      readers[0] ??
      refuse(
        folder.name,
        `A plan of the format ${named.format} is one file, not a folder; give the file itself`,
      )
    );
  }
  return (
    readers.find((reader) => reader.folder.recognise(folder)) ??
    refuse(
      folder.name,
      `The folder ${folder.name} looks like none of the plan formats that are folders; give the plan file itself`,
    )
  );
}

function findByName(format: string, file: string): PlanReader | PlanFault {
  return (
    planReaders.find((reader) => reader.format === format) ??
    refuse(file, `There is no plan format ${JSON.stringify(format)}`)
  );
}

function refuse(file: string, why: string): PlanFault {
  const known = planReaders.map((reader) => `${reader.format} (${reader.title})`).join(', ');
  return {
    code: 'FORMAT_UNKNOWN',
    at: { file, line: 1 },
    message: `${why}. Formats that can be read: ${known}.`,
  };
}
