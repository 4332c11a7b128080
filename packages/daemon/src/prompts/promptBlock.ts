/** A piece of a prompt: words of ours, or something from outside that will stand in a fence. */
export type PromptBlock =
  | { readonly kind: 'ours'; readonly text: string }
  /** `name` is ours: it stands in the line of the fence. */
  | { readonly kind: 'data'; readonly name: string; readonly text: string };

export interface PromptSection {
  readonly heading: string;
  readonly blocks: readonly PromptBlock[];
}

export const ours = (text: string): PromptBlock => ({ kind: 'ours', text });
export const data = (name: string, text: string): PromptBlock => ({ kind: 'data', name, text });

/** Writes sections as Markdown. Those without blocks, and blocks without text, are left out. */
export function renderSections(sections: readonly PromptSection[], delimiter: string): string {
  return sections
    .map(({ heading, blocks }) => ({ heading, blocks: blocks.filter(({ text }) => text.trim() !== '') }))
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ heading, blocks }) =>
      [`## ${heading}`, ...blocks.map((block) => renderBlock(block, delimiter))].join('\n\n'),
    )
    .join('\n\n');
}

/** The two lines around data. The delimiter is in both, so that a text can't imitate its own end. */
export function openFence(delimiter: string, name: string): string {
  return `<<<${delimiter} ${name}`;
}
export function closeFence(delimiter: string): string {
  return `${delimiter}>>>`;
}

function renderBlock(block: PromptBlock, delimiter: string): string {
  if (block.kind === 'ours') return block.text;
  return [openFence(delimiter, block.name), block.text, closeFence(delimiter)].join('\n');
}
