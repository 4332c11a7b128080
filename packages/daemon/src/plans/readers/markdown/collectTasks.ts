import type { MarkdownFile } from '../../markdownBlocks.js';
import { toPlainText } from '../../markdownBlocks.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { applyAttribute } from './applyAttribute.js';
import { findAttributeKey } from './attributeKeys.js';
import { type CheckBox, readCheckBox, statusWords } from './checkBox.js';
import type { MarkdownPhase, MarkdownSettings, MarkdownTask } from './markdownTask.js';
import {
  listComments,
  listLines,
  type MarkdownLine,
  type MarkdownNode,
  sliceSource,
} from './markdownTree.js';
import { parseDuration } from './parseDuration.js';
import { type Attribute, readAttributes } from './readAttributes.js';
import { readTitle } from './readTitle.js';
import { judgeSection } from './sections.js';
import { findTableColumns, type TableColumns } from './tableColumns.js';

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

/** Where tasks are looked for: in check boxes; without any in tables of tasks; without those in plain lists. */
type TaskSource = 'checkBoxes' | 'tables' | 'lists';

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
      const [line] = firstLines(item);
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
      const [line] = firstLines(item);
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
    const lines = firstLines(item);
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

  function firstLines(item: MarkdownNode): MarkdownLine[] {
    const [first] = item.children;
    return first?.type === 'paragraph' || first?.type === 'heading' ? listLines(file, first) : [];
  }

  interface TaskPlace {
    readonly parent: MarkdownTask | null;
    readonly previous: MarkdownTask | null;
    readonly number: number | null;
  }

  function readTask(
    item: MarkdownNode,
    line: MarkdownLine,
    box: CheckBox | null,
    place: TaskPlace,
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
    const task = addTask(rest, inner.place(0), attributes, place);
    if (box?.isNoted === true) {
      log.add(
        'STATUS_MAPPED',
        line.place(0),
        `${showValue(task.title)} is marked [${box.mark}], which counts as ${box.status} here.`,
      );
    }
    if (box !== null && task.status === 'open') setStatus(task, box.status);
    if (source === 'lists') listItems += 1;
    readDetails(item, task);
    return task;
  }

  function addTask(
    text: string,
    at: MarkdownTask['at'],
    attributes: readonly Attribute[],
    place: TaskPlace,
  ): MarkdownTask {
    const struck = /^~~(.+)~~$/s.exec(text)?.[1];
    const { id, title } = readTitle(struck ?? text);
    const task: MarkdownTask = {
      givenId: attributes.find(({ key }) => key === 'id')?.value.trim() || id,
      title: title === '' ? (id ?? '') : title,
      phase: currentPhase(),
      ...place,
      status: struck === undefined ? 'open' : 'cancelled',
      settings: { tags: [] },
      after: [],
      estimateMinutes: null,
      acceptanceCriteria: [],
      description: /!?\[[^\]]*\]\([^)]*\)/.test(text) ? [text] : [],
      unread: {},
      at,
    };
    tasks.push(task);
    for (const attribute of attributes) applyToTask(attribute, task);
    return task;
  }

  function applyToTask(attribute: Attribute, task: MarkdownTask): void {
    const { key, value, at } = attribute;
    const subject = showValue(task.title);
    const keep = (word: string, text: string) => {
      task.unread[word] = text;
    };
    if (applyAttribute(attribute, task.settings, subject, log, keep)) return;
    if (key === 'id') task.givenId ??= value.trim() || null;
    else if (key === 'after') task.after.push(attribute);
    else if (key === 'acceptance' && value !== '') task.acceptanceCriteria.push(toPlainText(value));
    else if (key === 'estimate') {
      const minutes = parseDuration(value);
      if (minutes !== null) task.estimateMinutes = minutes;
      else if (!/^(?:-|–|—|none|n\/a|tbd|\?)?$/i.test(value)) {
        keep(key, value);
        log.add(
          'VALUE_INVALID',
          at,
          `estimate of ${subject} is ${showValue(value)}, not a time such as 30m, 2h or 1d; it counts as not given.`,
        );
      }
    } else if (key === 'status' && value !== '') {
      const known = statusWords.get(
        value
          .toLowerCase()
          .replace(/[\s_-]+/g, ' ')
          .trim(),
      );
      if (known === undefined) {
        keep(key, value);
        log.add(
          'STATUS_UNKNOWN',
          at,
          `${subject} has the unknown status ${showValue(value)}; it counts as open.`,
        );
        return;
      }
      if (known.isNoted) {
        keep(key, value);
        log.add('STATUS_MAPPED', at, `${subject} is ${value}, which counts as ${known.status} here.`);
      }
      setStatus(task, known.status);
    }
  }

  /** What stands below the first line of a task. */
  function readDetails(item: MarkdownNode, task: MarkdownTask): void {
    const [first, ...others] = item.children;
    if (first === undefined) return;
    readDetailLines(listLines(file, first).slice(1), task);
    let isCriteria = false;
    for (const child of others) {
      if (isList(child)) {
        if (isCriteria) readCriteria(child, task);
        else readDetailList(child, task);
        isCriteria = false;
      } else if (child.type === 'html_block' && file.lines[child.start]?.trim().startsWith('<!--')) {
        for (const line of listComments(file, child)) {
          for (const attribute of readAttributes(line, true).attributes) applyToTask(attribute, task);
        }
      } else if (child.type === 'paragraph') isCriteria = readDetailLines(listLines(file, child), task);
      else task.description.push(sliceSource(file, child.start, child.end));
    }
  }

  /** Returns true when the last line announces acceptance criteria, which follow as a list. */
  function readDetailLines(lines: readonly MarkdownLine[], task: MarkdownTask): boolean {
    const others: string[] = [];
    let isCriteria = false;
    for (const line of lines) {
      const { rest, attributes } = readAttributes(line, true);
      const isAttribute = rest === '' && attributes.length > 0;
      isCriteria = isAttribute && attributes.at(-1)?.key === 'acceptance' && attributes.at(-1)?.value === '';
      if (isAttribute) for (const attribute of attributes) applyToTask(attribute, task);
      else others.push(line.text);
    }
    if (others.length > 0) task.description.push(others.join('\n'));
    return isCriteria;
  }

  function readDetailList(list: MarkdownNode, task: MarkdownTask): void {
    let bullets: string[] = [];
    let previous: MarkdownTask | null = null;
    const first = Number(list.token.attrGet('start') ?? 1);
    for (const [index, item] of list.children.entries()) {
      const lines = firstLines(item);
      const [line] = lines;
      const box = line === undefined || source !== 'checkBoxes' ? null : readCheckBox(line.text);
      if (line !== undefined && box !== null) {
        const number = list.type === 'ordered_list' ? first + index : null;
        previous = readTask(item, line, box, { parent: task, previous, number }) ?? previous;
        continue;
      }
      const nested = item.children.filter(isList);
      const isHeading =
        line !== undefined && findAttributeKey(line.text.replace(/:[\s*_]*$/, '')) === 'acceptance';
      if (isHeading) {
        for (const child of nested) readCriteria(child, task);
        continue;
      }
      const read = lines.map((text) => readAttributes(text, true));
      if (
        nested.length === 0 &&
        read.length > 0 &&
        read.every(({ rest, attributes }) => rest === '' && attributes.length > 0)
      ) {
        for (const { attributes } of read) for (const attribute of attributes) applyToTask(attribute, task);
        continue;
      }
      if (nested.some(holdsCheckBox) && source === 'checkBoxes') {
        bullets.push(sliceSource(file, item.start, nested[0]?.start ?? item.end));
        for (const child of nested) readTasks(child, task);
      } else bullets.push(sliceSource(file, item.start, item.end));
    }
    bullets = bullets.filter((bullet) => bullet.trim() !== '');
    if (bullets.length > 0) task.description.push(bullets.join('\n'));
  }

  function readCriteria(list: MarkdownNode, task: MarkdownTask): void {
    for (const item of list.children) {
      const text = firstLines(item)
        .map((line, index) =>
          index === 0 ? line.text.slice(readCheckBox(line.text)?.length ?? 0) : line.text,
        )
        .join(' ');
      if (text.trim() !== '') task.acceptanceCriteria.push(toPlainText(text).trim());
    }
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
    for (const row of rows) previous = readTableRow(row, columns, previous) ?? previous;
  }

  function readTableRow(
    row: readonly MarkdownNode[],
    columns: TableColumns,
    previous: MarkdownTask | null,
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
    const task = addTask(
      read.rest.slice(box?.length ?? 0),
      line.place(0),
      [...attributes, ...read.attributes],
      {
        parent: null,
        previous,
        number: null,
      },
    );
    if (box !== null) setStatus(task, box.status);
    const details = columns.description.map((index) => cell(index)?.text ?? '').filter((text) => text !== '');
    task.description.push(...details);
    return task;
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

function setStatus(task: MarkdownTask, status: MarkdownTask['status']): void {
  Object.assign(task, { status });
}

function isList(node: MarkdownNode): boolean {
  return node.type === 'bullet_list' || node.type === 'ordered_list';
}

function holdsCheckBox(node: MarkdownNode): boolean {
  if (node.type === 'list_item' && readCheckBox(node.children[0]?.text.trimStart() ?? '') !== null)
    return true;
  return node.type !== 'blockquote' && node.children.some(holdsCheckBox);
}

function listRows(table: MarkdownNode): (readonly MarkdownNode[])[] {
  return table.children.flatMap((part) => part.children.map((row) => row.children));
}

function chooseSource(tree: readonly MarkdownNode[]): TaskSource {
  if (tree.some(holdsCheckBox)) return 'checkBoxes';
  const tables = tree.filter(({ type }) => type === 'table');
  const hasTasks = tables.some(
    (table) => findTableColumns(listRows(table)[0]?.map(({ text }) => text) ?? []) !== null,
  );
  return hasTasks ? 'tables' : 'lists';
}

function findPlanTitle(tree: readonly MarkdownNode[]): MarkdownNode | null {
  const headings = tree.filter(({ type }) => type === 'heading');
  const [first] = headings.filter(({ token }) => token.tag === 'h1');
  const isOnly = headings.filter(({ token }) => token.tag === 'h1').length === 1;
  return isOnly && first === headings[0] ? (first ?? null) : null;
}
