/** The peers of the fuzzer: clients of every port, with the tokens that a client has, without any, and at the control port with its own too. */
import type { Kind } from './frames.ts';

export interface Persona {
  readonly name: string;
  readonly port: number;
  readonly role: 'client' | 'worker' | 'operator';
  readonly token: string;
  /** The kinds of frames that it may send there, and does most of the time. */
  readonly allowed: readonly Kind[];
  /**
   * It has the control token. A peer that has it administers the cluster: it may remove workers, take their places, or say that the record is
   * old. It sends everything but that.
   */
  readonly isTrusted: boolean;
  /** The token lets it in. */
  readonly isLetIn: boolean;
}

export interface Ports {
  readonly finder: number;
  readonly control: number;
  readonly workers: readonly number[];
}

export interface Tokens {
  readonly client: string;
  readonly control: string;
}

/** What executes is what lasts. */
const AT_WORKER: readonly Kind[] = [
  ...Array.from({ length: 6 }, () => 'batch' as const),
  'commit',
  'table',
  'refresh',
  'sessionEnded',
];
const AT_FINDER: readonly Kind[] = ['refresh', 'fetchCluster'];
const OF_OPERATOR: readonly Kind[] = [...AT_FINDER, 'deleteWorker', 'status', 'subscribe', 'events'];
const OF_WORKER: readonly Kind[] = [
  ...AT_FINDER,
  ...(['claim', 'register', 'checkpoint', 'graph', 'progress', 'drained', 'fetchReached'] as const),
];

/** @param each how many connections every worker and the Finder's public port have from clients */
export function personas(
  { finder, control, workers }: Ports,
  { client, control: trusted }: Tokens,
  each: number,
): Persona[] {
  const asClient = { role: 'client', token: client, isTrusted: false, isLetIn: true } as const;
  const refused = { isTrusted: false, isLetIn: false } as const;
  const repeated = <T>(times: number, made: T): T[] => Array.from({ length: times }, () => made);
  return [
    ...repeated(each, { ...asClient, name: 'client at the Finder', port: finder, allowed: AT_FINDER }),
    ...workers.flatMap((port, id) =>
      repeated(each, { ...asClient, name: `client at worker ${id}`, port, allowed: AT_WORKER }),
    ),
    { ...asClient, name: 'client at the control port', port: control, allowed: AT_FINDER },
    { ...refused, name: 'no token at the Finder', role: 'client', token: '', port: finder, allowed: AT_FINDER },
    { ...refused, name: 'no token at a worker', role: 'client', token: '', port: workers[0] ?? 0, allowed: AT_WORKER },
    {
      ...refused,
      name: 'operator without the token',
      role: 'operator',
      token: client,
      port: control,
      allowed: OF_OPERATOR,
    },
    { ...refused, name: 'worker without the token', role: 'worker', token: client, port: control, allowed: OF_WORKER },
    {
      ...refused,
      name: 'operator at the public port',
      role: 'operator',
      token: trusted,
      port: finder,
      allowed: OF_OPERATOR,
    },
    {
      name: 'operator',
      role: 'operator',
      token: trusted,
      port: control,
      allowed: OF_OPERATOR,
      isTrusted: true,
      isLetIn: true,
    },
    {
      name: 'worker',
      role: 'worker',
      token: trusted,
      port: control,
      allowed: OF_WORKER,
      isTrusted: true,
      isLetIn: true,
    },
  ];
}
