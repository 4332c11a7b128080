import { AIDER_CHECKED } from '../../../src/agents/aider.js';
import { CLAUDE_CHECKED } from '../../../src/agents/claude.js';
import { CLINE_CHECKED } from '../../../src/agents/cline.js';
import { CODEX_CHECKED } from '../../../src/agents/codex.js';
import type { CheckedFlags } from '../../../src/agents/commandAgent.js';
import { COPILOT_CHECKED } from '../../../src/agents/copilot.js';
import { CURSOR_CHECKED } from '../../../src/agents/cursor.js';
import { GEMINI_CHECKED } from '../../../src/agents/gemini.js';
import { OPENCODE_CHECKED } from '../../../src/agents/opencode.js';

/** Every agent that is a command of somebody else's, by its name. */
export const CHECKED_AGENTS: readonly (readonly [string, CheckedFlags])[] = [
  ['claude', CLAUDE_CHECKED],
  ['codex', CODEX_CHECKED],
  ['gemini', GEMINI_CHECKED],
  ['opencode', OPENCODE_CHECKED],
  ['copilot', COPILOT_CHECKED],
  ['cline', CLINE_CHECKED],
  ['cursor', CURSOR_CHECKED],
  ['aider', AIDER_CHECKED],
];
