/** Plays scenarios, some at a time, each with a process of the client of its own. */
import type { ErrorCode } from '@dpr/protocol';
import { Failure } from './failure.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { openStage, type Stage } from './scripted-cluster.ts';
import { startSubject } from './client-under-test.ts';

export interface RunOptions {
  /** The program of the client, and its parameters. */
  readonly command: readonly string[];
  /** How long the client may take for any one thing, ms. */
  readonly patienceMs: number;
  /** How many scenarios are played at a time. */
  readonly jobs: number;
  /** Is told of each as it ends, in the order in which they end. */
  readonly tell?: (result: ScenarioResult) => void;
}

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly passed: boolean;
  /** What the client did otherwise; empty if it passed. */
  readonly failure: string;
  /** What it wrote to standard error, if it did not pass. */
  readonly errors: string;
  /** Error codes that it was given. */
  readonly codes: readonly ErrorCode[];
}

/** @returns the results in the order of the scenarios */
export async function runScenarios(
  scenarios: readonly Scenario[],
  { command, patienceMs, jobs, tell }: RunOptions,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const queue = scenarios.entries();
  async function work(): Promise<void> {
    for (const [place, scenario] of queue) {
      const result = await runOne(scenario, command, patienceMs);
      results[place] = result;
      tell?.(result);
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

async function runOne(scenario: Scenario, command: readonly string[], patienceMs: number): Promise<ScenarioResult> {
  const { name, title } = scenario;
  const open = await openStage(patienceMs);
  const client = startSubject(command, `ws://127.0.0.1:${open.port}`, patienceMs);
  const stage: Stage = { ...open, client };
  try {
    await Promise.race([scenario.play(stage), client.crash]);
    const [violation] = open.violations;
    if (violation !== undefined) throw new Failure(violation);
    return { name, title, passed: true, failure: '', errors: '', codes: [...open.codes] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const failure = open.violations[0] ?? error.message;
    return { name, title, passed: false, failure, errors: client.errors(), codes: [...open.codes] };
  } finally {
    await client.kill();
    await open.close();
  }
}
