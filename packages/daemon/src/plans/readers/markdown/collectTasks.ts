import { type MarkdownFile, toPlainText } from '../../markdownBlocks.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { applyAttribute } from './applyAttribute.js';
import { type CheckBox, readCheckBox } from './checkBox.js';
import { makeMarkdownTask } from './makeMarkdownTask.js';
import type { MarkdownPhase, MarkdownSettings, MarkdownTask } from './markdownTask.js';
import {
  listComments,
  listFirstLines,
  listLines,
  type MarkdownLine,
  type MarkdownNode,
  sliceSource,
} from './markdownTree.js';
import { type Attribute, readAttributes } from './readAttributes.js';
import { readTaskDetails, type SubtaskPlace } from './readTaskDetails.js';
import { readTaskRow } from './readTaskRow.js';
import { judgeSection } from './sections.js';
import { findTableColumns } from './tableColumns.js';
import { chooseSource, findPlanTitle, isList, listRows } from './taskSource.js';

/** What a Markdown file says, before names are looked up. */
export interface CollectedPlan {
  /** The only heading of the first level, if it comes first. */
  readonly title: string | null;
  /** The text before the first phase. */
  readonly description: string;
  readonly settings: MarkdownSettings;
  readonly phases: readonly MarkdownPhase[];
  readonly tasks: readonly MarkdownTask[];
}

/** Walks through the blocks of a file once and gathers phases and tasks in the order of the file. */
export function collectTasks(
  file: MarkdownFile,
  tree: readonly MarkdownNode[],
  log: ProblemLog,
): CollectedPlan {
  const source = chooseSource(tree);
  const titleNode = findPlanTitle(tree);
  const phases: MarkdownPhase[] = [];
  const tasks: MarkdownTask[] = [];
  const planSettings: MarkdownSettings = { tags: [] };
  const description: string[] = [];
  /** The headings that are open, outermost first. */
  const open: { level: number; name: string; phase: MarkdownPhase | null }[] = [];
  let title: string | null = null;
  let skippedItems = 0;
  let firstSkipped: MarkdownLine | null = null;
  let listItems = 0;

  for (const node of tree) {
    if (node.type === 'heading') openHeading(node);
    else readBlock(node);
  }
  reportSource();
  return { title, description: description.join('\n\n').trim(), settings: planSettings, phases, tasks };

  function openHeading(node: MarkdownNode): void {
    const level = Number(node.token.tag.slice(1));
    while ((open.at(-1)?.level ?? 0) >= level) open.pop();
    const [line] = listLines(file, node);
    if (line === undefined) return;
    const { rest, attributes } = readAttributes(line);
    const name = toPlainText(rest).replace(/\s+/g, ' ').trim();
    const at = line.place(0);
    if (node === titleNode) {
      title = name;
      for (const attribute of attributes) applyToPhase(attribute, null);
      open.push({ level, name, phase: null });
      return;
    }
    const phase: MarkdownPhase = {
      name,
      givenId: attributes.find(({ key }) => key === 'id')?.value || null,
      parent: open.findLast((heading) => heading.phase !== null)?.phase ?? null,
      at,
      settings: { tags: [] },
      after: [],
    };
    phases.push(phase);
    open.push({ level, name, phase });
    for (const attribute of attributes) applyToPhase(attribute, phase);
  }

  function currentPhase(): MarkdownPhase | null {
    return open.at(-1)?.phase ?? null;
  }

  function applyToPhase(attribute: Attribute, phase: MarkdownPhase | null): void {
    const settings = phase?.settings ?? planSettings;
    const subject = phase === null ? 'the plan' : `phase ${showValue(phase.name)}`;
    if (applyAttribute(attribute, settings, subject, log, () => undefined) || attribute.key === 'id') return;
    if (attribute.key === 'after' && phase !== null) phase.after.push(attribute);
  }

  function readBlock(node: MarkdownNode): void {
    switch (node.type) {
      case 'bullet_list':
      case 'ordered_list':
        readList(node);
        return;
      case 'table':
        readTable(node);
        return;
      case 'paragraph':
        readText(node);
        return;
      case 'html_block':
        readComment(node);
        return;
      case 'code_block':
        reportHiddenTasks(node);
        keepText(node);
        return;
      default:
        keepText(node);
    }
  }

  /** Text before the first phase describes the plan; other text is for people. */
  function keepText(node: MarkdownNode): void {
    if (currentPhase() === null && tasks.length === 0)
      description.push(sliceSource(file, node.start, node.end));
  }

  function readText(node: MarkdownNode): void {
    const others: string[] = [];
    for (const line of listLines(file, node)) {
      const { rest, attributes } = readAttributes(line, true);
      if (attributes.length > 0 && rest === '') {
        for (const attribute of attributes) applyToPhase(attribute, currentPhase());
      } else others.push(line.text);
    }
    if (others.length > 0 && currentPhase() === null && tasks.length === 0)
      description.push(others.join('\n'));
  }

  function readComment(node: MarkdownNode): void {
    for (const line of listComments(file, node)) {
      for (const attribute of readAttributes(line, true).attributes) applyToPhase(attribute, currentPhase());
    }
  }

  /** Four spaces make code of a list; whoever wrote tasks there did not mean that. */
  function reportHiddenTasks(node: MarkdownNode): void {
    const index = file.lines
      .slice(node.start, node.end)
      .findIndex((line) => /^\s*[-*+]\s\[[ xX]\]\s/.test(line));
    if (index === -1) return;
    log.add(
      'ITEMS_SKIPPED',
      { file: file.file, line: node.start + index + 1 },
      'These check boxes are indented so far that Markdown takes them for code; indent them less.',
    );
  }

  function readList(list: MarkdownNode): void {
    const judgement = judgeSection(open.map(({ name }) => name).reverse());
    if (source === 'checkBoxes' && judgement !== 'other') {
      readTasks(list, null);
      return;
    }
    if (source === 'lists' && judgement === 'tasks') {
      readTasks(list, null);
      return;
    }
    for (const item of list.children) {
      if (readAsSetting(item)) continue;
      const [line] = listFirstLines(file, item);
      if (line !== undefined && readCheckBox(line.text) !== null) {
        skippedItems += 1;
        firstSkipped ??= line;
      }
    }
    keepText(list);
  }

  function readTasks(list: MarkdownNode, parent: MarkdownTask | null): void {
    let previous: MarkdownTask | null = null;
    const first = Number(list.token.attrGet('start') ?? 1);
    for (const [index, item] of list.children.entries()) {
      const [line] = listFirstLines(file, item);
      const box = line === undefined ? null : readCheckBox(line.text);
      if (box === null && parent === null && readAsSetting(item)) continue;
      if (line !== undefined && (box !== null || (source === 'lists' && parent === null))) {
        const number = list.type === 'ordered_list' ? first + index : null;
        previous = readTask(item, line, box, { parent, previous, number }) ?? previous;
      } else readGroup(item);
    }
  }

  /** A bullet that is no task may hold some: `- Backend:` above its check boxes. */
  function readGroup(item: MarkdownNode): void {
    for (const child of item.children) if (isList(child)) readTasks(child, null);
  }

  /** A bullet that is nothing but attributes is said of the phase. */
  function readAsSetting(item: MarkdownNode): boolean {
    const lines = listFirstLines(file, item);
    const read = lines.map((line) => readAttributes(line, true));
    const isSetting =
      item.children.length === 1 &&
      read.length > 0 &&
      read.every(
        ({ rest, attributes }) => rest === '' && attributes.length > 0 && attributes[0]?.key !== 'acceptance',
      );
    if (!isSetting) return false;
    for (const { attributes } of read)
      for (const attribute of attributes) applyToPhase(attribute, currentPhase());
    return true;
  }

  function readTask(
    item: MarkdownNode,
    line: MarkdownLine,
    box: CheckBox | null,
    place: SubtaskPlace,
  ): MarkdownTask | null {
    const skip = box?.length ?? 0;
    const inner = { text: line.text.slice(skip), place: (offset: number) => line.place(skip + offset) };
    if (inner.text.trim() === '') {
      log.add(
        'ITEM_EMPTY',
        line.place(0),
        'This check box has no text and is no task; write one or remove it.',
      );
      return null;
    }
    const { rest, attributes } = readAttributes(inner);
    const task = makeMarkdownTask(rest, inner.place(0), attributes, { ...place, phase: currentPhase() }, log);
    tasks.push(task);
    if (box?.isNoted === true) {
      log.add(
        'STATUS_MAPPED',
        line.place(0),
        `${showValue(task.title)} is marked [${box.mark}], which counts as ${box.status} here.`,
      );
    }
    if (box !== null && task.status === 'open') task.status = box.status;
    if (source === 'lists') listItems += 1;
    readTaskDetails(item, task, { file, log, source, readTask, readTasks });
    return task;
  }

  function readTable(table: MarkdownNode): void {
    const [head, ...rows] = listRows(table);
    const columns =
      source === 'tables' && head !== undefined ? findTableColumns(head.map(({ text }) => text)) : null;
    if (columns === null) {
      keepText(table);
      return;
    }
    let previous: MarkdownTask | null = null;
    for (const row of rows) {
      const task = readTaskRow(row, columns, { previous, phase: currentPhase() }, { file, log });
      if (task === null) continue;
      tasks.push(task);
      previous = task;
    }
  }

  function reportSource(): void {
    if (firstSkipped !== null) {
      log.add(
        'ITEMS_SKIPPED',
        firstSkipped.place(0),
        `Check boxes under headings such as acceptance criteria, open questions or non-goals are no tasks; there are ${skippedItems}.`,
      );
    }
    const [first] = tasks;
    if (source === 'lists' && first !== undefined) {
      log.add(
        'TASKS_FROM_LISTS',
        first.at,
        `${file.file} has no check boxes; ${listItems} items of lists under headings such as tasks or requirements are taken as tasks. Write "- [ ]" before what is one.`,
      );
    }
  }
}
