import { type MarkdownFile, toPlainText } from '../../markdownBlocks.js';
import type { ProblemLog } from '../../problemLog.js';
import { findAttributeKey } from './attributeKeys.js';
import { type CheckBox, readCheckBox } from './checkBox.js';
import { applyToTask } from './makeMarkdownTask.js';
import type { MarkdownTask } from './markdownTask.js';
import {
  listComments,
  listFirstLines,
  listLines,
  type MarkdownLine,
  type MarkdownNode,
  sliceSource,
} from './markdownTree.js';
import { readAttributes } from './readAttributes.js';
import { holdsCheckBox, isList, type TaskSource } from './taskSource.js';

export type SubtaskPlace = Pick<MarkdownTask, 'parent' | 'previous' | 'number'>;

export interface DetailReading {
  readonly file: MarkdownFile;
  readonly log: ProblemLog;
  readonly source: TaskSource;
  /** Reads an item with a check box as a task, with all that is below it. Null when it has no text. */
  readTask(item: MarkdownNode, line: MarkdownLine, box: CheckBox, place: SubtaskPlace): MarkdownTask | null;
  /** Reads the check boxes of a list as subtasks. */
  readTasks(list: MarkdownNode, parent: MarkdownTask): void;
}

/** Reads what stands below the first line of a task: attributes, description, acceptance criteria, subtasks. */
export function readTaskDetails(item: MarkdownNode, task: MarkdownTask, reading: DetailReading): void {
  const { file, log, source } = reading;
  const [first, ...others] = item.children;
  if (first === undefined) return;
  readDetailLines(listLines(file, first).slice(1));
  let isCriteria = false;
  for (const child of others) {
    if (isList(child)) {
      if (isCriteria) readCriteria(child);
      else readDetailList(child);
      isCriteria = false;
    } else if (child.type === 'html_block' && file.lines[child.start]?.trim().startsWith('<!--')) {
      for (const line of listComments(file, child)) {
        for (const attribute of readAttributes(line, true).attributes) applyToTask(attribute, task, log);
      }
    } else if (child.type === 'paragraph') isCriteria = readDetailLines(listLines(file, child));
    else task.description.push(sliceSource(file, child.start, child.end));
  }

  /** Returns true when the last line announces acceptance criteria, which follow as a list. */

  function readDetailLines(lines: readonly MarkdownLine[]): boolean {
    const others: string[] = [];
    let isCriteria = false;
    for (const line of lines) {
      const { rest, attributes } = readAttributes(line, true);
      const isAttribute = rest === '' && attributes.length > 0;
      isCriteria = isAttribute && attributes.at(-1)?.key === 'acceptance' && attributes.at(-1)?.value === '';
      if (isAttribute) for (const attribute of attributes) applyToTask(attribute, task, log);
      else others.push(line.text);
    }
    if (others.length > 0) task.description.push(others.join('\n'));
    return isCriteria;
  }

  function readDetailList(list: MarkdownNode): void {
    let bullets: string[] = [];
    let previous: MarkdownTask | null = null;
    const first = Number(list.token.attrGet('start') ?? 1);
    for (const [index, item] of list.children.entries()) {
      const lines = listFirstLines(file, item);
      const [line] = lines;
      const box = line === undefined || source !== 'checkBoxes' ? null : readCheckBox(line.text);
      if (line !== undefined && box !== null) {
        const number = list.type === 'ordered_list' ? first + index : null;
        previous = reading.readTask(item, line, box, { parent: task, previous, number }) ?? previous;
        continue;
      }
      const nested = item.children.filter(isList);
      const isHeading =
        line !== undefined && findAttributeKey(line.text.replace(/:[\s*_]*$/, '')) === 'acceptance';
      if (isHeading) {
        for (const child of nested) readCriteria(child);
        continue;
      }
      const read = lines.map((text) => readAttributes(text, true));
      if (
        nested.length === 0 &&
        read.length > 0 &&
        read.every(({ rest, attributes }) => rest === '' && attributes.length > 0)
      ) {
        for (const { attributes } of read)
          for (const attribute of attributes) applyToTask(attribute, task, log);
        continue;
      }
      if (nested.some(holdsCheckBox) && source === 'checkBoxes') {
        bullets.push(sliceSource(file, item.start, nested[0]?.start ?? item.end));
        for (const child of nested) reading.readTasks(child, task);
      } else bullets.push(sliceSource(file, item.start, item.end));
    }
    bullets = bullets.filter((bullet) => bullet.trim() !== '');
    if (bullets.length > 0) task.description.push(bullets.join('\n'));
  }

  function readCriteria(list: MarkdownNode): void {
    for (const item of list.children) {
      const text = listFirstLines(file, item)
        .map((line, index) =>
          index === 0 ? line.text.slice(readCheckBox(line.text)?.length ?? 0) : line.text,
        )
        .join(' ');
      if (text.trim() !== '') task.acceptanceCriteria.push(toPlainText(text).trim());
    }
  }
}
