import { parseJsonDocument } from './parseJsonDocument.js';
import { parseYamlDocument } from './parseYamlDocument.js';
import type { PlanText } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import type { StructuredDocument } from './structuredDocument.js';

/**
 * Parses JSON or YAML. JSON is also valid YAML, but has a parser of its own here: it is a hundred times faster.
 * Returns null when the text can't be parsed; then at least one error was logged.
 */
export function parseStructuredText(source: PlanText, log: ProblemLog): StructuredDocument | null {
  return isJson(source) ? parseJsonDocument(source, log) : parseYamlDocument(source, log);
}

function isJson({ file, text }: PlanText): boolean {
  if (/\.json$/i.test(file)) return true;
  const opensObject = /^\s*\{\s*(?:"|\})/.test(text);
  if (!/\.ya?ml$/i.test(file)) return opensObject;
  // A YAML file may hold JSON, but what looks like JSON there may also be YAML's own flow style.
  return opensObject && isValidJson(text);
}

function isValidJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON after all; the YAML parser reports what is wrong with it, if anything is.
    return false;
  }
}
