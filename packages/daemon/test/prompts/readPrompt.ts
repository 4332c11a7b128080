/** A prompt taken apart by a reader that knows nothing but what the prompt itself says of its fences. */
export interface ReadPrompt {
  readonly delimiter: string;
  /** What stands in fences, by name, in order. */
  readonly data: readonly { readonly name: string; readonly text: string }[];
  /** Everything else, fences and data left out. */
  readonly outside: string;
}

export function readPrompt(prompt: string): ReadPrompt {
  const delimiter = /between a line `<<<([A-Za-z0-9-]+) NAME`/.exec(prompt)?.[1];
  if (delimiter === undefined) throw new Error('The prompt does not say how its data is fenced.');
  const data: { name: string; text: string }[] = [];
  const outside: string[] = [];
  let open: { name: string; lines: string[] } | null = null;
  for (const line of prompt.split('\n')) {
    if (open !== null) {
      if (line === `${delimiter}>>>`) {
        data.push({ name: open.name, text: open.lines.join('\n') });
        open = null;
      } else open.lines.push(line);
    } else if (line.startsWith(`<<<${delimiter} `)) {
      open = { name: line.slice(`<<<${delimiter} `.length), lines: [] };
    } else outside.push(line);
  }
  if (open !== null) throw new Error(`The fence of ${open.name} is never closed.`);
  return { delimiter, data, outside: outside.join('\n') };
}

export function findData({ data }: ReadPrompt, name: string): string {
  const found = data.filter((one) => one.name === name).map(({ text }) => text);
  if (found.length === 0)
    throw new Error(`There is no data ${name}; there are ${data.map((d) => d.name).join(', ')}.`);
  return found.join('\n');
}

export function listHeadings({ outside }: ReadPrompt): string[] {
  return outside
    .split('\n')
    .filter((line) => line.startsWith('## '))
    .map((line) => line.slice(3));
}
