/** Every quantifier is bounded, and a match begins only where a word does: this runs over text of any kind. */
const FILE_PATH =
  /(?<![\w./@-])(?:\.{0,2}\/)?(?:[\w.@-]{1,64}\/){0,12}(?:[\w@.-]{0,64}[\w-]\.(?:tsx?|jsx?|mjs|cjs|mts|cts|go|py|rs|java|kts?|rb|php|cs|swift|scala|ex|exs|c|h|cc|cpp|hpp|sql|prisma|sh|ps1|css|scss|html|vue|svelte|md|mdx|rst|adoc|ya?ml|toml|json|jsonl|lock|tf|nix|proto|graphql)|Dockerfile|Makefile)(?![\w/-])/g;

const PATHS_MAX = 200;

/** Names of files in a text, each once, in the order of their appearance; at most 200. */
export function findFilePaths(text: string): string[] {
  const found = new Set<string>();
  for (const [path] of text.matchAll(FILE_PATH)) {
    found.add(path);
    if (found.size === PATHS_MAX) break;
  }
  return [...found];
}
