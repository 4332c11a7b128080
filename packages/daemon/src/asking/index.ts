export { askDaemon } from './askDaemon.js';
export { type Ask, type Asked, SOCKET_VARIABLE } from './protocol.js';
