import { type MarkdownFile, toPlainText } from '../../markdownBlocks.js';
import type { ProblemLog } from '../../problemLog.js';
import { readCheckBox } from './checkBox.js';
import { makeMarkdownTask } from './makeMarkdownTask.js';
import type { MarkdownPhase, MarkdownTask } from './markdownTask.js';
import { listLines, type MarkdownNode } from './markdownTree.js';
import { type Attribute, readAttributes } from './readAttributes.js';
import type { TableColumns } from './tableColumns.js';

/** Reads a row of a table of tasks. Null when there is nothing in its column of titles. */
export function readTaskRow(
  row: readonly MarkdownNode[],
  columns: TableColumns,
  place: { readonly previous: MarkdownTask | null; readonly phase: MarkdownPhase | null },
  { file, log }: { readonly file: MarkdownFile; readonly log: ProblemLog },
): MarkdownTask | null {
  const cell = (index: number | undefined) => (index === undefined ? undefined : row[index]);
  const titleCell = cell(columns.title);
  const [line] = titleCell === undefined ? [] : listLines(file, titleCell);
  if (line === undefined || line.text === '') return null;
  const attributes: Attribute[] = [...columns.attributes].flatMap(([index, key]) => {
    const node = cell(index);
    const [value] = node === undefined ? [] : listLines(file, node);
    if (value === undefined || /^[\s–—-]*$/.test(value.text)) return [];
    const text = toPlainText(value.text).replaceAll('`', '').trim();
    return [{ key, value: text, at: value.place(0), place: (offset: number) => value.place(offset) }];
  });
  const read = readAttributes(line);
  const box = readCheckBox(read.rest);
  const task = makeMarkdownTask(
    read.rest.slice(box?.length ?? 0),
    line.place(0),
    [...attributes, ...read.attributes],
    { ...place, parent: null, number: null },
    log,
  );
  if (box !== null) task.status = box.status;
  task.description.push(
    ...columns.description.map((index) => cell(index)?.text ?? '').filter((text) => text !== ''),
  );
  return task;
}
