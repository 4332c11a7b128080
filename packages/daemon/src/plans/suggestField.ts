const aliases: Readonly<Record<string, string>> = {
  acceptance: 'acceptanceCriteria',
  after: 'dependsOn',
  assignee: 'orchestrator',
  blockedby: 'dependsOn',
  deadline: 'due',
  dependencies: 'dependsOn',
  depends: 'dependsOn',
  deps: 'dependsOn',
  details: 'description',
  dueat: 'due',
  duedate: 'due',
  epic: 'parent',
  estimate: 'estimateMinutes',
  labels: 'tags',
  name: 'title',
  parentid: 'parent',
  requires: 'dependsOn',
  summary: 'title',
  timeout: 'timeoutMinutes',
  title: 'name',
};

/** The field somebody may have meant by `key`, among those there are, or null. */
export function suggestField(key: string, fields: readonly string[]): string | null {
  const plain = toPlain(key);
  const sameWord = fields.find((field) => toPlain(field) === plain);
  if (sameWord !== undefined) return sameWord;
  const meant = Object.hasOwn(aliases, plain) ? aliases[plain] : undefined;
  return meant !== undefined && fields.includes(meant) ? meant : null;
}

/** Spelling aside: upper case, word separators, and the s of a plural. */
function toPlain(key: string): string {
  return key.toLowerCase().replace(/[-_ ]|s$/g, '');
}
