// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what this file removes
/** CSI; OSC, DCS, SOS, PM and APC strings up to their end or the end of the line; two-character escapes. */
const ESCAPE_SEQUENCE =
  /(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]{0,16}[0-~]/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const ANYTHING = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: end of the part that needs them

/**
 * What a program printed, as text that can be stored and shown anywhere: escape sequences and control characters other
 * than tab and line feed are gone, lone surrogates are U+FFFD. Daemons send it so; not every caller is one. Pure.
 */
export function printableText(text: string): string {
  const wellFormed = text.toWellFormed();
  if (!ANYTHING.test(wellFormed)) return wellFormed;
  // Control characters last: what the first pass joins together loses its escape.
  return wellFormed.replace(ESCAPE_SEQUENCE, '').replace(CONTROL, '');
}
