import type { DraftPhase } from '../../planReader.js';
import type { MarkdownPhase, MarkdownTask } from './markdownTask.js';
import type { NamedPhase, ResolvedNames } from './resolveNames.js';

/**
 * The phases of the plan: of all headings those with tasks below them, and those that others wait for. In a
 * sequential plan each waits for the one before it on its level.
 */
export function makePhases(
  named: readonly NamedPhase[],
  afterOf: ReadonlyMap<MarkdownPhase, ResolvedNames>,
  tasks: readonly MarkdownTask[],
  isSequential: boolean,
): DraftPhase[] {
  const idOf = new Map(named.map(({ id, phase }) => [phase, id]));
  const used = new Set<MarkdownPhase>();
  for (const { phase: start } of tasks) {
    for (let phase = start; phase !== null && !used.has(phase); phase = phase.parent) used.add(phase);
  }
  const previous = new Map<MarkdownPhase, MarkdownPhase>();
  const last = new Map<MarkdownPhase | null, MarkdownPhase>();
  for (const { phase } of named) {
    if (!used.has(phase)) continue;
    const before = last.get(phase.parent);
    if (before !== undefined) previous.set(phase, before);
    last.set(phase.parent, phase);
  }
  const phases = named.map(({ id, phase }): DraftPhase & { isUsed: boolean } => {
    const before = isSequential ? previous.get(phase) : undefined;
    const after = [
      ...(afterOf.get(phase)?.phases ?? []),
      ...(before === undefined ? [] : [{ id: idOf.get(before) ?? '', at: phase.at }]),
    ];
    return {
      id,
      name: phase.name === '' ? id : phase.name.slice(0, 300).toWellFormed(),
      parent: phase.parent === null ? null : (idOf.get(phase.parent) ?? null),
      after: [...new Set(after.map((other) => other.id))],
      at: phase.at,
      locate: ([field, index]) =>
        field === 'after' ? (after[Number(index ?? 0)]?.at ?? phase.at) : phase.at,
      isUsed: used.has(phase),
    };
  });
  const byId = new Map(phases.map((phase) => [phase.id, phase]));
  const kept = new Set(phases.filter(({ isUsed }) => isUsed));
  // Grows while it is walked: what is waited for is needed, and so are the phases around it.
  for (const phase of kept) {
    for (const id of [...phase.after, ...(phase.parent === null ? [] : [phase.parent])]) {
      const other = byId.get(id);
      if (other !== undefined) kept.add(other);
    }
  }
  return phases.filter((phase) => kept.has(phase));
}
