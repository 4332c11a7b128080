import type { PlanFault } from './planProblem.js';
import type { PlanReader, PlanText } from './planReader.js';
import { planReaders } from './planReaders.js';

/** The reader that `format` names, or for `auto` the one that recognises the file best; or why there is none. */
export function choosePlanReader(source: PlanText, format: string): PlanReader | PlanFault {
  const known = planReaders.map((reader) => `${reader.format} (${reader.title})`).join(', ');
  const refuse = (why: string): PlanFault => ({
    code: 'FORMAT_UNKNOWN',
    at: { file: source.file, line: 1 },
    message: `${why}. Formats that can be read: ${known}.`,
  });
  if (format !== 'auto') {
    return (
      planReaders.find((reader) => reader.format === format) ??
      refuse(`There is no plan format ${JSON.stringify(format)}`)
    );
  }
  const possible = planReaders.map((reader) => ({ reader, match: reader.recognise(source) }));
  const best =
    possible.find(({ match }) => match === 'certain') ?? possible.find(({ match }) => match === 'possible');
  return (
    best?.reader ?? refuse(`${source.file} looks like none of the plan formats; name its format if it is one`)
  );
}
