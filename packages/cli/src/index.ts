export { runCommandLine } from './main.js';
