/** One thing that a client must do right, played out. */
import type { Arrival } from '../scripted-server.ts';
import type { Stage } from '../scripted-cluster.ts';
import type { Worker } from '../scripted-worker.ts';

export interface Scenario {
  /** One word, for `--only`. */
  readonly name: string;
  /** What a right client does. */
  readonly title: string;
  play(stage: Stage): Promise<void>;
}

/** The client makes one call after the other, each in a batch of its own, and the batches arrive in order. */
export async function addEach(
  { client }: Stage,
  worker: Worker,
  ...amounts: readonly number[]
): Promise<Arrival<'batch'>[]> {
  const arrivals: Arrival<'batch'>[] = [];
  for (const amount of amounts) {
    client.say(`add ${worker.id} ${amount}`);
    arrivals.push(await worker.batch());
  }
  return arrivals;
}

/** The client makes a call, and it completes in this version. @param call its number in the session */
export async function addOne(
  stage: Stage,
  worker: Worker,
  call: number,
  amount: number,
  version: number,
): Promise<Arrival<'batch'>> {
  stage.client.say(`add ${worker.id} ${amount}`);
  const arrival = await worker.batch();
  worker.answer(arrival, version);
  await stage.client.hears(`completed ${call} ${worker.value}`);
  return arrival;
}

/** The session ends, and the client with it. */
export async function end({ client }: Stage): Promise<void> {
  client.say('end');
  await client.ended();
}
