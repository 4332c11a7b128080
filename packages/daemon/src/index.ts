export * from './plans/index.js';
