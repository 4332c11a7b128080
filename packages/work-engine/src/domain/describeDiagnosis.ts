import type { GraphDiagnosis } from './graph/index.js';

export interface DiagnosisNote {
  code: string;
  /** A sentence for a person. */
  message: string;
  taskIds: string[];
}

/** What a diagnosis found, as sentences; nothing found, none. Pure. */
export function describeDiagnosis(
  diagnosis: GraphDiagnosis,
  nameOf: (id: string) => { id: string; title: string },
): DiagnosisNote[] {
  const notes: DiagnosisNote[] = [];
  const quote = (id: string) => `"${nameOf(id).title}"`;
  for (const cycle of diagnosis.cycles.listed) {
    notes.push({
      code: 'CYCLE',
      message: `These tasks wait for one another: ${cycle.map(quote).join(' → ')}`,
      taskIds: [...new Set(cycle)].map((id) => nameOf(id).id),
    });
  }
  for (const stuck of diagnosis.stuckTasks.listed) {
    const cause = stuck.distance === 0 ? 'itself' : quote(stuck.cause);
    notes.push({
      code: 'NEVER_RUNS',
      message: `${quote(stuck.task)} can never run: ${cause} ${REASONS[stuck.reason]}`,
      taskIds: [nameOf(stuck.task).id],
    });
  }
  for (const edge of diagnosis.redundantEdges.listed) {
    notes.push({
      code: 'REDUNDANT_DEPENDENCY',
      message: `${quote(edge.dependent)} depends on ${quote(edge.prerequisite)} also by way of others; the direct dependency says nothing new`,
      taskIds: [nameOf(edge.dependent).id, nameOf(edge.prerequisite).id],
    });
  }
  if (diagnosis.parts.count > 1) {
    notes.push({
      code: 'SEPARATE_PARTS',
      message: `The tasks fall into ${diagnosis.parts.count} parts that don't depend on one another; the largest has ${diagnosis.parts.listed[0]?.size ?? 0} of ${diagnosis.taskCount} tasks`,
      taskIds: diagnosis.parts.listed.map((part) => nameOf(part.firstTask).id),
    });
  }
  return notes;
}

const REASONS: Readonly<Record<GraphDiagnosis['stuckTasks']['listed'][number]['reason'], string>> = {
  CYCLE: 'is part of a cycle',
  SELF: 'depends on itself',
  DANGLING: 'depends on a task that does not exist',
  FAILED: 'has failed',
  CANCELLED: 'was cancelled',
};
