import { toPlainText } from '../../markdownBlocks.js';
import { type AttributeKey, findAttributeKey } from './attributeKeys.js';

export interface TableColumns {
  readonly title: number;
  readonly attributes: ReadonlyMap<number, AttributeKey>;
  readonly description: readonly number[];
}

const titleWords = new Set([
  'task',
  'tasks',
  'title',
  'name',
  'story',
  'user story',
  'requirement',
  'feature',
  'deliverable',
  'item',
  'work item',
  'what',
]);
const idWords = new Set(['id', '#', 'no', 'no.', 'nr', 'key', 'task id']);
const descriptionWords = new Set(['description', 'notes', 'details', 'comment']);

/** What the columns of a table mean by their heads; null when it is no table of tasks. */
export function findTableColumns(heads: readonly string[]): TableColumns | null {
  const words = heads.map((head) => toPlainText(head).replace(/[`:]/g, '').trim().toLowerCase());
  const description = words.flatMap((word, index) => (descriptionWords.has(word) ? [index] : []));
  const named = words.findIndex((word) => titleWords.has(word));
  const title = named === -1 ? (description.shift() ?? -1) : named;
  const attributes = new Map<number, AttributeKey>();
  for (const [index, word] of words.entries()) {
    const key = idWords.has(word) ? 'id' : findAttributeKey(word);
    if (key !== null && index !== title) attributes.set(index, key);
  }
  return title === -1 || attributes.size === 0 ? null : { title, attributes, description };
}
