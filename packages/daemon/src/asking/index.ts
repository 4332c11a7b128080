export { askDaemon } from './askDaemon.js';
export { type Ask, AskError, type AskErrorCode, type Asked, SOCKET_VARIABLE } from './protocol.js';
