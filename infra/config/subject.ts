import type { Config, WorkerConfig } from './defaults.ts';
import type { Written, WrittenWorker } from './schema/index.ts';

/** What the configuration is for: child processes of one machine, or pods. */
export type Target = 'local' | 'kubernetes';

/** A worker with the key that it stands at. */
export type Entry = { readonly key: string; readonly written: WrittenWorker; readonly worker: WorkerConfig };

/** What the checks look at: every part for itself is sound already. */
export type Subject = {
  readonly target: Target;
  readonly written: Written;
  readonly config: Config;
  readonly entries: readonly Entry[];
  /** What a worker has whose entry says nothing but its id. */
  readonly defaults: WorkerConfig;
};
