export { askDaemon } from './askDaemon.js';
export { AskError, type AskErrorCode } from './askError.js';
export { type Ask, type Asked, SOCKET_VARIABLE } from './protocol.js';
