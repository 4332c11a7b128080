export { INSTRUCTED_AGENTS } from './agentInstructions.js';
export { drawDelimiter } from './delimiter.js';
export { type PreparePromptInput, preparePrompt, preparePrompts } from './preparePrompt.js';
export type { ProjectFacts, PromptParts } from './promptParts.js';
export { readProjectFacts } from './readProjectFacts.js';
export { writeTaskPrompt, writeTaskPrompts } from './writeTaskPrompt.js';
