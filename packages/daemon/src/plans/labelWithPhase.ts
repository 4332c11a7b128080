import { fitsUtf8Bytes, planLimits } from '@neolith/contracts';
import { makeSlug } from './makeSlug.js';
import type { DraftTask } from './planReader.js';
import type { ResolvedPhases } from './resolvePhases.js';

/** What the server takes of a tag. */
const tagCharsMax = 64;

interface PhasePath {
  /** `Outer / Inner`. */
  readonly name: string;
  readonly tag: string;
}

/** For each phase how it is called on its tasks: by its name and those of the phases around it. */
export function listPhasePaths({ phases, parents }: ResolvedPhases): PhasePath[] {
  return phases.map((phase, index) => {
    const names = [phase.name];
    let length = phase.name.length;
    for (let around = parents[index] ?? -1; around !== -1; around = parents[around] ?? -1) {
      const { name = '' } = phases[around] ?? {};
      length += name.length;
      // Names of headings are long at times, and nest.
      if (length > planLimits.nameCharsMax) break;
      names.unshift(name);
    }
    return {
      name: names.join(' / '),
      tag: `phase:${makeSlug(phase.name) || makeSlug(phase.id)}`.slice(0, tagCharsMax).toWellFormed(),
    };
  });
}

/** The tags and metadata of a task with its phase among them; what the task says itself is never overwritten. */
export function labelWithPhase(
  { tags, metadata }: DraftTask,
  phase: PhasePath | null,
): Pick<DraftTask, 'tags' | 'metadata'> {
  if (phase === null) return { tags, metadata };
  return {
    tags: tags.includes(phase.tag) || tags.length >= planLimits.tagsMax ? tags : [...tags, phase.tag],
    metadata: addName(metadata, phase.name),
  };
}

function addName(metadata: DraftTask['metadata'], phase: string): DraftTask['metadata'] {
  if (Object.hasOwn(metadata, 'phase')) return metadata;
  const labelled = { ...metadata, phase };
  return fitsUtf8Bytes(JSON.stringify(labelled), planLimits.metadataBytesMax) ? labelled : metadata;
}
