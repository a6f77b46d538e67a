/** The counter: one signed 64-bit integer. The worker type, and its operations as bytes. */
export { counter, createCounter } from './counter.ts';
export * from './operations.ts';
