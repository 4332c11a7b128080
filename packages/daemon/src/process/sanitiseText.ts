// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what this file removes
/** CSI; OSC, DCS, SOS, PM and APC strings up to their end or the end of the line; two-character escapes. */
const ANSI_SEQUENCE =
  /(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,16}[@-~]|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]{0,16}[0-~]/g;
const UNWANTED_CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const ANYTHING_UNWANTED = /[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]/;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: end of the part that needs them
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * Makes text safe to store (PostgreSQL refuses NUL, JSON readers refuse lone surrogates) and to show in a
 * terminal: ANSI sequences and control characters other than tab and line feed are removed, lone surrogates
 * become U+FFFD. Everything else, HTML included, is left as it is: text is shown as text.
 */
export function sanitiseText(text: string): string {
  if (!ANYTHING_UNWANTED.test(text)) return text;
  // Control characters go last: what the first pass joins together (an escape around an escape) loses its ESC.
  return text.replace(ANSI_SEQUENCE, '').replace(UNWANTED_CONTROL, '').replace(LONE_SURROGATE, '\ufffd');
}
