// biome-ignore-all lint/suspicious/noControlCharactersInRegex: control characters are what is looked for here

const TERMINAL_SEQUENCE =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g;
// Text that turns its neighbours round (bidirectional overrides) can make a title read as another one.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/**
 * Text from tasks and agents as a page may show it: colour and cursor sequences of terminals are dropped, every other
 * control or direction character is made visible as a symbol. Line feeds and tabs stay.
 */
export function showControls(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(TERMINAL_SEQUENCE, '')
    .replace(CONTROL, (character) => {
      const code = character.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      if (code === 0x7f) return '\u2421';
      return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
    });
}
