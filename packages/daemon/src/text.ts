/**
 * Text that others wrote, made fit to be shown. By itself as `@neolith/daemon/text`: a command that only shows something
 * need not load what runs agents.
 */
export { plainLine } from './process/plainLine.js';
export { redactSecrets } from './process/redactSecrets.js';
export { sanitiseText } from './process/sanitiseText.js';
