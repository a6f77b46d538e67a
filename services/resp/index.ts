/** RESP: Redis clients at a worker of any type that brings commands. */
export { respPort } from './resp-port.ts';
export { Arguments } from './arguments.ts';
export type { DataCommand, KeyPlaces, ResultCursor, RespType, Watching } from './command.ts';
export { NO_KEYS } from './command.ts';
export { CommandBatch, type ResultStep, type Step } from './command-batch.ts';
export { CommandError } from './command-error.ts';
export { ReplyWriter } from './reply-writer.ts';
export { integerOf, NOT_INTEGER, numberOf, SYNTAX_ERROR, syntaxError } from './words.ts';
