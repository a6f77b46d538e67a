/**
 * What the console's server and its page tell each other. The server sends `Hello` once, and then `Update` about once a second, as
 * server-sent events of these names in small letters, and `Stopped` when it ends; the page asks by POST for what changes something.
 */

/** How the cluster is, from good to bad. */
export type Level = 'well' | 'warning' | 'critical';

export interface Verdict {
  readonly level: Level;
  /** One sentence: "All 8 workers serve, committed 49 ms ago." */
  readonly text: string;
  /** What else is wrong, a sentence each, worst first. */
  readonly more: readonly string[];
}

/** Everything that a page shows when it is opened. */
export interface Hello {
  /** Of the console: another one has another page, which the browser loads anew. */
  readonly build: string;
  /** How the cluster is named to people: the stack's file, or the Finder's address. */
  readonly title: string;
  /** What those who show the key may do besides looking. */
  readonly can: { readonly remove: boolean; readonly injectFaults: boolean };
  /** The last 15 minutes, oldest first, one for each second in which something was seen. */
  readonly history: readonly Sample[];
  readonly events: readonly ConsoleEvent[];
  readonly now: Update;
}

/** The console ends: it was asked to. */
export interface Stopped {
  readonly text: string;
}

/** How the cluster is now. */
export interface Update {
  /** The server's clock, ms since 1970. */
  readonly at: number;
  readonly verdict: Verdict;
  readonly finder: FinderView;
  /** 32 hex digits; undefined until the Finder answered once. */
  readonly cluster?: string;
  readonly worldLine?: number;
  /** When this world-line began, ms since 1970; undefined if no event is known that tells. */
  readonly worldLineSince?: number;
  /** Rollbacks that the Finder remembered since this console started, and about how many operations they took back. */
  readonly rollbacks: number;
  readonly lostOperations: number;
  /** Worst first. */
  readonly workers: readonly WorkerView[];
  /** When the Finder told of them last, ms since 1970, where it does not answer now: how they are is not known. */
  readonly workersAt?: number;
  /** The newest of the history. */
  readonly sample: Sample;
  /** Since the last update. */
  readonly events: readonly ConsoleEvent[];
}

/**
 * `unknown`: it has not answered yet. `away`: it does not answer. `refusing`: it serves no peer until an administrator acts.
 * `refusesConsole`: it lets this console in no more, as with a token that was changed.
 */
export interface FinderView {
  readonly state: 'unknown' | 'serving' | 'away' | 'refusing' | 'refusesConsole';
  /** Why, in words; empty while it serves. */
  readonly text: string;
  readonly process?: ProcessView;
}

export interface WorkerView {
  readonly id: number;
  readonly generation: number;
  readonly type: string;
  /** Without its scheme. */
  readonly address: string;
  readonly state: 'joining' | 'serving' | 'leaving' | 'away' | 'silent';
  readonly level: Level;
  /** What is wrong, and what it holds up; empty if nothing is. */
  readonly trouble: string;
  /** Everything that it executed is committed. */
  readonly allCommitted: boolean;
  /** Undefined: nothing was committed since the Finder began. */
  readonly committedAgoMs?: number;
  /** Executed and not committed. */
  readonly lagOperations: number;
  readonly lagMs: number;
  readonly restarts: number;
  /** Operations a second; undefined where its metrics cannot be read. */
  readonly rate?: number;
  readonly stateBytes?: number;
  /** The last of its rates, oldest first, one for each second; empty where they are not known. Whole numbers. */
  readonly rates: readonly number[];
  readonly process?: ProcessView;
}

/** A process of this machine. */
export interface ProcessView {
  /** `dpr-finder`, `counter-0` */
  readonly name: string;
  readonly phase: string;
}

/** One second of the cluster. What is not known is left out. */
export interface Sample {
  /** ms since 1970. */
  readonly at: number;
  /** Operations a second, of all workers. */
  readonly rate?: number;
  /** Of the worst worker: how long its oldest uncommitted operation has waited. */
  readonly lagMs?: number;
  /** The slowest hundredth of the writes of the last seconds, of the worst worker, and of the Finder's record. */
  readonly checkpointWriteMs?: number;
  readonly recordWriteMs?: number;
}

export interface ConsoleEvent {
  /** Grows by one. */
  readonly number: number;
  /** ms since 1970. */
  readonly at: number;
  readonly level: Level;
  readonly text: string;
  /** It is a vertical line in the charts, and has a mark that says what it is: the text does not say it again. */
  readonly isRollback: boolean;
}

/** Where the page finds what. */
export const PATHS = {
  page: '/',
  script: '/page.js',
  styles: '/page.css',
  licences: '/licences.txt',
  events: '/events',
  remove: '/remove',
  fault: '/fault',
} as const;

/** The body of a POST to `PATHS.remove`; the answer is `Answer`. Headers of both: `authorization: Bearer KEY`, content-type application/json. */
export interface RemoveRequest {
  readonly worker: number;
  readonly generation: number;
}

/** The body of a POST to `PATHS.fault`. */
export interface FaultRequest {
  readonly process: string;
  readonly fault: 'kill' | 'pause' | 'resume';
}

/** Why a request is answered with 401: the page asks for another key. */
export const WRONG_KEY = 'the key is missing or wrong: give the key of the console, or the control token';

/** What becomes of a request: 200 with a sentence about what happens now, 4xx or 5xx with one about why nothing does. */
export interface Answer {
  readonly text: string;
}
