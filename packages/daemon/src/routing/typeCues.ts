import type { TaskType } from './taskType.js';

/**
 * Where a cue is looked for. `head`: at the very beginning of the title, marks such as `CLI:` taken off;
 * `title`: anywhere in it; `opening`: in the first lines of the description; `body`: anywhere in description
 * and criteria. A task is named by people for what it is, so the title's weights are the large ones.
 */
type CuePlace = 'head' | 'title' | 'opening' | 'body';

export interface TypeCue {
  readonly type: TaskType;
  readonly place: CuePlace;
  readonly pattern: RegExp;
  readonly weight: number;
}

const cue = (type: TaskType, place: CuePlace, weight: number, pattern: RegExp): TypeCue => ({
  type,
  place,
  pattern,
  weight,
});

/** Each counts once. Patterns are small-letter insensitive, without nested or unbounded repetition. */
export const TYPE_CUES: readonly TypeCue[] = [
  cue('bug', 'head', 5, /^(?:hot)?fix(?:es|ed)?\b/i),
  cue('bug', 'head', 3, /^(?:repair|correct|prevent|stop|avoid|workaround|restore|patch)\b/i),
  cue(
    'bug',
    'head',
    2.5,
    /^(?:resolve|preserve|honou?r|handle|clear|close|eliminate|reconcile|guard|ensure)\b/i,
  ),
  cue('bug', 'head', 3, /^fail (?:fast|closed)\b/i),
  cue('bug', 'head', 1, /^(?:make|scope|match|align|treat)\b/i),
  cue(
    'bug',
    'title',
    3,
    /\b(?:fail(?:s|ed|ing|ures?)?|crash(?:es|ed|ing)?|error(?:s|ing)? (?:when|on|in|committing)|broken|bug)\b/i,
  ),
  cue(
    'bug',
    'title',
    3,
    /\b(?:doesn't|does not|don't|cannot|can't|won't|isn't|not working|not match(?:ing)?)\b/i,
  ),
  cue(
    'bug',
    'title',
    2.5,
    /\b(?:wrong|incorrect(?:ly)?|invalid|misleading|stuck|stale|silently|leak(?:s|ing)?|deadlock|race|hang(?:s|ing)?|corrupt\w{0,5}|malformed|false positive|ambiguous|vulnerab\w{0,7}|regression|warning in)\b/i,
  ),
  cue('bug', 'title', 2.5, /\btests?\b.{0,80}\bfail|\bfail\w{0,4} tests?\b/i),
  cue(
    'bug',
    'title',
    1.5,
    /\b(?:instead of|even though|when actually|without warning|ignor(?:es|ed|ing)|is slow)\b/i,
  ),
  cue(
    'bug',
    'opening',
    2,
    /\b(?:crash(?:es|ed)?|panics?|fails?|failed|breaks?|hangs?|loses?|lost|overwrites?|corrupts?)\b/i,
  ),
  cue(
    'bug',
    'opening',
    1.5,
    /\b(?:silently|incorrect(?:ly)?|wrong(?:ly)?|inconsistent(?:ly)?|unexpected(?:ly)?|never (?:reads?|updates?|sees?)|no longer)\b/i,
  ),
  cue(
    'bug',
    'body',
    2.5,
    /\b(?:steps to reproduce|repro(?:duction)? steps|repro:|root cause|expected behaviou?r|actual behaviou?r|reproduces? (?:it|on|the))/i,
  ),
  cue(
    'bug',
    'body',
    1.5,
    /\b(?:race condition|regression test|defects?|bugs?|deadlocks?|stack ?trace|exits? (?:0|1) (?:and|with))\b/i,
  ),
  cue(
    'bug',
    'body',
    1,
    /\b(?:error:|instead of|reported (?:by|against)|read-modify-write|drops?|dropped|ignored?)\b/i,
  ),

  cue(
    'feature',
    'head',
    3.5,
    /^(?:add|implement|support|introduce|enable|allow|expose|provide|create|enhance|extend)\b/i,
  ),
  cue(
    'feature',
    'head',
    3,
    /^(?:show|display|surface|include|let|ship|wire|sort|hide|publish|build|render|return|accept|improve|filter)\b/i,
  ),
  cue('feature', 'head', 4, /^(?:wish|feature|idea)\b/i),
  cue(
    'feature',
    'title',
    2,
    /\b(?:support for|integration|new (?:command|flag|option|page|view|endpoint)|commands?\b|subcommands?|flags?)\b/i,
  ),
  cue(
    'feature',
    'title',
    1.5,
    /\b(?:should|filters?|filtering|sorting|theme|auto-\w{2,20}|customi[sz]\w{2,6}|ux|detection|guardrails?|readiness)\b/i,
  ),
  cue(
    'feature',
    'opening',
    2,
    /\b(?:allow (?:users|people)|let (?:users|people)|enable users|users? (?:can|need|want|should)|help people|give people|would be (?:nice|easier|useful)|as an? \w{2,20},? i)\b/i,
  ),
  cue(
    'feature',
    'opening',
    1.5,
    /\b(?:github issue #\d{1,6} (?:asks|requests)|asks for|requests?|no way to|currently only|missing|introduce|implement|add (?:a|an|support|new))\b/i,
  ),
  cue(
    'feature',
    'body',
    1,
    /\b(?:use case|user story|opt-in|new (?:command|flag|option|field|subcommand)|backwards? compatible|accepts? --[a-z])/i,
  ),

  cue(
    'refactor',
    'head',
    5,
    /^(?:refactor|deduplicate|de-duplicate|decouple|restructure|reorgani[sz]e|moderni[sz]e the code)\b/i,
  ),
  cue(
    'refactor',
    'head',
    4,
    /^(?:consolidate|centrali[sz]e|extract|simplify|split|inline|unify|rewrite|optimi[sz]e|speed up|reduce)\b/i,
  ),
  cue('refactor', 'head', 2.5, /^(?:rename|move|replace|remove|delete|drop|standardi[sz]e|migrate|reuse)\b/i),
  cue(
    'refactor',
    'title',
    3.5,
    /\b(?:dead code|unreachable|unused|duplicated|duplicate (?:\w{1,20}[ -]){0,3}(?:code|logic|helpers?|utilit\w{1,3}|functions?|pars\w{1,3})|hard-?code[sd]?|technical debt|code health|tech debt|global state|string literals?)\b/i,
  ),
  cue(
    'refactor',
    'title',
    2.5,
    /\b(?:consolidat\w{2,5}|centrali[sz]\w{1,5}|refactor\w{0,5}|abstraction|type safety|performance|fragile|faster)\b/i,
  ),
  cue(
    'refactor',
    'body',
    2,
    /\b(?:technical debt|code health|dead code|unreachable (?:code|functions?|methods?)|no behaviou?r change|without changing behaviou?r|duplicate[ds]? (?:code|logic|helper)|defined in multiple places|god file|global variables)\b/i,
  ),
  cue(
    'refactor',
    'body',
    1.5,
    /\b(?:hard-?code[sd]?|centrali[sz]e|single (?:constant|helper|source)|refactor\w{0,5}|shared helper)\b/i,
  ),

  cue(
    'test',
    'head',
    5,
    /^(?:add|write|improve|increase|extend|speed up|optimi[sz]e|fix or remove|remove dead|stabili[sz]e|de-?flake|thin|split|replace|harden|isolate|make|audit)\b(?=.{0,60}\b(?:tests?|test-suite|test suite|coverage|fixtures?|teardown|assertions?)\b)/i,
  ),
  cue(
    'test',
    'title',
    3.5,
    /\b(?:test coverage|test suite|test-suite|unit tests?|integration tests?|e2e tests?|end-to-end tests?|flaky|flake|test files?|dead test|test code)\b/i,
  ),
  cue(
    'test',
    'title',
    2,
    /\b(?:tests?|testing|fixtures?|smoke|assertions?|polling)\b|_test\.go|\.test\.[jt]sx?/i,
  ),
  cue(
    'test',
    'body',
    2,
    /\b(?:current coverage|target coverage|coverage (?:target|gap)|0% coverage|test isolation|flaky|test data|test harness|changes tests only|production behaviou?r)\b/i,
  ),
  cue('test', 'opening', 1, /\b(?:test suite|tests?|coverage)\b/i),

  cue('docs', 'head', 7, /^(?:document|docs?)\b/i),
  cue(
    'docs',
    'head',
    3,
    /^(?:update|fix|write|add|revise|review and)\b(?=.{0,60}(?:\b(?:docs?|documentation|readme|changelog|tutorial)\b|\w\.md\b))/i,
  ),
  cue('docs', 'title', 3.5, /\b(?:documentation|readme|changelog|tutorial|user guide|docs)\b/i),
  cue('docs', 'title', 3.5, /\b[A-Z_-]{3,40}\.md\b/),
  cue('docs', 'title', 2.5, /\bguidance\b/i),
  cue(
    'docs',
    'opening',
    2,
    /\b(?:document (?:all|the|how|use|env|remaining)|documentation (?:may|does|should)|update [\w.-]{1,40}\.md)\b/i,
  ),
  cue(
    'docs',
    'body',
    1,
    /\b(?:troubleshooting section|files to update|documentation|readme\.md|instructions)\b/i,
  ),

  cue('infra', 'head', 3, /^(?:deploy|provision|package|containeri[sz]e|publish|dockeri[sz]e)\b/i),
  cue(
    'infra',
    'title',
    4.5,
    /\b(?:ci|ci\/cd|pipeline|github actions?|workflow run|dockerfile|docker|container(?:i[sz]ed)?|kubernetes|helm|terraform|nix|deployment|build (?:system|script|coverage)|bundling|release automation|monitoring stack)\b/i,
  ),
  cue(
    'infra',
    'opening',
    1.5,
    /\b(?:github actions|dockerfile|container image|build path|reproducibly|ci (?:job|test|workflow|runtime))\b/i,
  ),
  cue('infra', 'body', 1, /\b(?:ci|continuous integration|packaging|\.github\/workflows|runners?)\b/i),

  cue(
    'research',
    'head',
    5,
    /^(?:investigate|research|explore|spike|evaluate|analy[sz]e|assess|benchmark|survey|study|compare|find out|understand)\b/i,
  ),
  cue('research', 'head', 6, /^(?:code review|security review|review(?! and))\b/i),
  cue('research', 'head', 2.5, /^(?:audit|diagnose|consider)\b/i),
  cue(
    'research',
    'title',
    2,
    /\b(?:code review|feasibility|proof of concept|root cause analysis|findings|investigation)\b/i,
  ),
  cue(
    'research',
    'opening',
    2.5,
    /\b(?:investigate (?:why|whether|how)|code review of|comprehensive code review|review commit|preserve the research|go\/no-go|research question|needs? (?:further )?investigation)\b/i,
  ),

  cue('design', 'head', 5.5, /^(?:design|decide|specify|architect|rfc|propose|define the|sketch)\b/i),
  cue(
    'design',
    'title',
    3,
    /\b(?:design doc(?:ument)?|rfc|adr|specification|wireframes?|mock-?ups?|policy decision)\b/i,
  ),
  cue(
    'design',
    'opening',
    2,
    /\b(?:product decision|decision before|options? (?:a|1)\b|trade-?offs?|present(?:ing)? the options)\b/i,
  ),

  cue(
    'chore',
    'head',
    5,
    /^(?:bump|merge:|archive|housekeeping|handoff|hand-?over|digest|ping|patrol|tag)\b/i,
  ),
  cue(
    'chore',
    'head',
    3.5,
    /^(?:upgrade|merge and|clean ?up|process|check|inspect|scan|end-of|loop|release|rotate|normali[sz]e|mechanical|run|prune)\b/i,
  ),
  cue(
    'chore',
    'title',
    3,
    /\b(?:handoff|housekeeping|digest|diagnostics?|patrol|hygiene|inbox|merge queue|retention|lockfile|license year)\b/i,
  ),
  cue('chore', 'opening', 1.5, /\b(?:housekeeping|clean ?up|patrols?|inbox|orphaned)\b/i),
];
