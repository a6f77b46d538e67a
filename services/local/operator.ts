/** What the Finder says of a member. */
export type MemberStatus = {
  readonly id: number;
  readonly generation: number;
  readonly type: string;
  readonly host: string;
  readonly port: number;
  readonly state: 'joining' | 'serving' | 'leaving' | 'away';
  /** Of one that leaves. */
  readonly waitingFor: string;
  /** Versions. */
  readonly executed: number;
  readonly durable: number;
  readonly committed: number;
  /** What executed and is not committed: how many operations, and for how long. */
  readonly lagOperations: number;
  readonly lagMs: number;
};

/** What the Finder says of the cluster. */
export type ClusterStatus = { readonly worldLine: number; readonly members: readonly MemberStatus[] };

/** What became of the wish to remove a worker. */
export type Removal = { readonly state: 'leaving' | 'left'; readonly waitingFor: string };

/** What an operator can ask of the Finder. Each answer is undefined when the Finder gives none, as while it restarts. */
export interface Operator {
  status(): Promise<ClusterStatus | undefined>;
  /** DELETEWORKER; a worker that the cluster does not know has left. */
  remove(id: number, force: boolean): Promise<Removal | undefined>;
  close(): void;
}

export function connectOperator(_address: string, _token: string | undefined): Operator {
  return { status: () => Promise.resolve(undefined), remove: () => Promise.resolve(undefined), close: () => undefined };
}
