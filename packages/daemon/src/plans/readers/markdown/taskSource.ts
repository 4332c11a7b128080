import { readCheckBox } from './checkBox.js';
import type { MarkdownNode } from './markdownTree.js';
import { findTableColumns } from './tableColumns.js';

/** Where tasks are looked for: in check boxes; without any in tables of tasks; without those in plain lists. */
export type TaskSource = 'checkBoxes' | 'tables' | 'lists';

export function chooseSource(tree: readonly MarkdownNode[]): TaskSource {
  if (tree.some(holdsCheckBox)) return 'checkBoxes';
  const tables = tree.filter(({ type }) => type === 'table');
  const hasTasks = tables.some(
    (table) => findTableColumns(listRows(table)[0]?.map(({ text }) => text) ?? []) !== null,
  );
  return hasTasks ? 'tables' : 'lists';
}

export function findPlanTitle(tree: readonly MarkdownNode[]): MarkdownNode | null {
  const headings = tree.filter(({ type }) => type === 'heading');
  const [first] = headings.filter(({ token }) => token.tag === 'h1');
  const isOnly = headings.filter(({ token }) => token.tag === 'h1').length === 1;
  return isOnly && first === headings[0] ? (first ?? null) : null;
}

export function isList(node: MarkdownNode): boolean {
  return node.type === 'bullet_list' || node.type === 'ordered_list';
}

export function holdsCheckBox(node: MarkdownNode): boolean {
  if (node.type === 'list_item' && readCheckBox(node.children[0]?.text.trimStart() ?? '') !== null)
    return true;
  return node.type !== 'blockquote' && node.children.some(holdsCheckBox);
}

export function listRows(table: MarkdownNode): (readonly MarkdownNode[])[] {
  return table.children.flatMap((part) => part.children.map((row) => row.children));
}
