/** The store: keys with values, deadlines and revisions. The worker type, and its operations as bytes. */
export { createStore, storeWorker } from './store.ts';
export * from './operations.ts';
