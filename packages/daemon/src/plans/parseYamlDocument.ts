import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLError,
} from 'yaml';
import type { PlanFault, PlanPosition } from './planProblem.js';
import type { PlanPath, PlanText } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import { nestingMax } from './scanJson.js';
import type { StructuredDocument } from './structuredDocument.js';

/** The YAML parser needs some 90 bytes of memory and half a microsecond per byte; JSON has no such limit. */
export const yamlCharsMax = 5 * 1024 * 1024;

const aliasCountMax = 1_000;

/** Parses a YAML 1.2 file without tags, merge keys or anything that runs code. Returns null after an error. */
export function parseYamlDocument({ file, text }: PlanText, log: ProblemLog): StructuredDocument | null {
  if (text.length > yamlCharsMax) {
    log.add(
      'FILE_TOO_LARGE',
      { file, line: 1 },
      `${file} is YAML of more than 5 MB; split it, or write it as JSON.`,
    );
    return null;
  }
  const lineCounter = new LineCounter();
  const positionOf = (offset: number): PlanPosition => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  // uniqueKeys of the library compares every key with every other; findNodeFaults does it in one pass.
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
    // At 'silent' the library would leave a second document out without a word.
    logLevel: 'error',
    lineCounter,
  });

  const faults = [...document.errors, ...document.warnings].map((error) =>
    describeYamlError(file, error, positionOf),
  );
  if (faults.length === 0) faults.push(...findNodeFaults(document.contents, positionOf));
  for (const { code, at, message } of faults) log.add(code, at, message);
  // Of two equal keys the last counts; whether that is an error is for the log to say.
  if (faults.some(({ code }) => code !== 'KEY_DUPLICATE')) return null;

  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasCountMax });
    return { value, locate: (path) => positionOf(locateNode(document, path)) };
  } catch (cause) {
    // The library throws for aliases that unfold too far; there is nothing else left that it throws for.
    const reason = cause instanceof Error ? cause.message : String(cause);
    log.add(
      'ALIASES_EXCESSIVE',
      { file, line: 1 },
      `The aliases of ${file} can't be resolved (${reason}); write the values out.`,
    );
    return null;
  }
}

function describeYamlError(
  file: string,
  error: YAMLError,
  positionOf: (offset: number) => PlanPosition,
): PlanFault {
  const at = positionOf(error.pos[0]);
  if (error.code === 'TAG_RESOLVE_FAILED') {
    return {
      code: 'TAG_UNSUPPORTED',
      at,
      message: `${error.message}: a plan can't use YAML tags; write the plain value.`,
    };
  }
  if (error.code === 'RESOURCE_EXHAUSTION') {
    return {
      code: 'NESTING_TOO_DEEP',
      at,
      message: `Here values are nested more than ${nestingMax} deep; flatten them.`,
    };
  }
  if (error.code === 'MULTIPLE_DOCS') {
    return {
      code: 'SYNTAX_INVALID',
      at,
      message: `${file} holds several YAML documents; a plan is one. Split the file.`,
    };
  }
  return { code: 'SYNTAX_INVALID', at, message: `${file} is not valid YAML: ${error.message}.` };
}

/** Keys that stand twice and nesting that is too deep; iterative. */
function findNodeFaults(root: ParsedNode | null, positionOf: (offset: number) => PlanPosition): PlanFault[] {
  const faults: PlanFault[] = [];
  const stack: { node: unknown; depth: number }[] = [{ node: root, depth: 1 }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { node, depth } = entry;
    if (!isCollection(node)) continue;
    if (depth > nestingMax) {
      const at = positionOf(node.range?.[0] ?? 0);
      return [
        {
          code: 'NESTING_TOO_DEEP',
          at,
          message: `Here values are nested more than ${nestingMax} deep; flatten them.`,
        },
      ];
    }
    const keys = new Set<unknown>();
    for (const item of node.items) {
      if (!isPair(item)) {
        stack.push({ node: item, depth: depth + 1 });
        continue;
      }
      stack.push({ node: item.value, depth: depth + 1 });
      const key = isScalar(item.key) ? item.key.value : null;
      if (keys.has(key)) {
        const at = positionOf(isScalar(item.key) ? (item.key.range?.[0] ?? 0) : 0);
        faults.push({
          code: 'KEY_DUPLICATE',
          at,
          message: `The key ${JSON.stringify(key)} stands twice in one object; remove one.`,
        });
      }
      keys.add(key);
    }
  }
  return faults;
}

/** Offset of the key for a member of a map, of the value for an element of a list, of the deepest part that exists. */
function locateNode(document: Document.Parsed, path: PlanPath): number {
  let node: unknown = document.contents;
  let found = document.contents?.range[0] ?? 0;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      if (isScalar(pair.key)) found = pair.key.range?.[0] ?? found;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = typeof step === 'number' ? node.items[step] : undefined;
      if (!isNode(item)) break;
      found = item.range?.[0] ?? found;
      node = item;
    } else break;
  }
  return found;
}
