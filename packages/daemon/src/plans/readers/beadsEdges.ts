import { isRecord } from '../isRecord.js';
import type { ProblemLog } from '../problemLog.js';
import { showValue } from '../showValue.js';
import type { BeadsCounts } from './beadsCounts.js';
import { beadsLinkTypes } from './beadsMapping.js';
import type { BeadsRow } from './beadsRows.js';

export interface BeadsEdges {
  readonly blockedBy: readonly string[];
  /** The one that counts as its parent first; no id twice. */
  readonly parents: readonly string[];
  /** Edges that order nothing, or of unknown meaning; kept in the metadata. */
  readonly links: readonly { readonly type: string; readonly id: string }[];
}

export interface BeadsEdgeContext {
  readonly log: ProblemLog;
  readonly counts: BeadsCounts;
  readonly knownIds: ReadonlySet<string>;
  readonly deletedSourceIds: ReadonlySet<string>;
}

/** Sorts the edges of a row by what they mean here. */
export function readBeadsEdges(row: BeadsRow, context: BeadsEdgeContext): BeadsEdges {
  const { log, counts, knownIds, deletedSourceIds } = context;
  const blockedBy: string[] = [];
  const parents: string[] = [];
  const links: { type: string; id: string }[] = [];
  for (const { type, id } of listEdges(row, log)) {
    const isDangling = !knownIds.has(id) && !deletedSourceIds.has(id);
    counts.addEdge(type, isDangling);
    if (type === 'blocks') blockedBy.push(id);
    else if (type === 'parent-child') parents.push(id);
    else {
      links.push({ type, id });
      reportLink(row, type, id, isDangling, log);
    }
  }
  return { blockedBy, parents: chooseParents(row, parents, context), links };
}

function listEdges({ id: rowId, record, at }: BeadsRow, log: ProblemLog): { type: string; id: string }[] {
  const { dependencies } = record;
  if (dependencies === undefined || dependencies === null) return [];
  const drop = (why: string) =>
    log.add('DEPENDENCY_INVALID', at, `A dependency of ${rowId} ${why} and is left out.`);
  if (!Array.isArray(dependencies)) {
    log.add('DEPENDENCY_INVALID', at, `"dependencies" of ${rowId} is not a list and is left out.`);
    return [];
  }
  return dependencies.flatMap((edge: unknown) => {
    if (!isRecord(edge)) drop('is not an object');
    else if (typeof edge.depends_on_id !== 'string' || edge.depends_on_id === '')
      drop('has no "depends_on_id"');
    else if (edge.issue_id !== undefined && edge.issue_id !== rowId)
      drop(`belongs to ${showValue(edge.issue_id)} by its "issue_id"`);
    else if (edge.type !== undefined && typeof edge.type !== 'string')
      drop('has a "type" that is not a text');
    else return [{ type: edge.type ?? 'blocks', id: edge.depends_on_id }];
    return [];
  });
}

function reportLink(
  { id: rowId, at }: BeadsRow,
  type: string,
  id: string,
  isDangling: boolean,
  log: ProblemLog,
): void {
  const target = isDangling ? `${id}, which is not in the file` : id;
  if (beadsLinkTypes.has(type)) {
    log.add(
      'EDGE_NOT_DEPENDENCY',
      at,
      `${rowId} has a ${showValue(type)} link to ${target}; it orders nothing and is kept in the metadata.`,
    );
  } else {
    log.add(
      'EDGE_TYPE_UNKNOWN',
      at,
      `${rowId} has an edge of the unknown type ${showValue(type)} to ${target}; it is not taken as a dependency. Use "blocks" if it is one.`,
    );
  }
}

/** The `parent` field says which of several counts; one that is in the file goes before one that is not. */
function chooseParents(
  row: BeadsRow,
  edges: readonly string[],
  { log, knownIds }: BeadsEdgeContext,
): string[] {
  const { parent } = row.record;
  const fromField = typeof parent === 'string' && parent !== '' ? [parent] : [];
  if (parent !== undefined && parent !== null && typeof parent !== 'string') {
    log.add('VALUE_INVALID', row.at, `"parent" of ${row.id} is not a text; it is kept in the metadata only.`);
  }
  const unique = new Set([...fromField, ...edges]);
  if (new Set(edges).size < edges.length) {
    log.add(
      'DEPENDENCY_DUPLICATE',
      row.at,
      `${row.id} has the same parent-child edge twice; once is enough.`,
    );
  }
  const parents = [...unique].sort((a, b) => Number(knownIds.has(b)) - Number(knownIds.has(a)));
  const [first, ...extra] = parents;
  for (const id of extra) {
    log.add(
      'PARENT_EXTRA',
      row.at,
      `${row.id} has more than one parent: ${first} counts, ${id} only closes after it.`,
    );
  }
  return parents;
}
