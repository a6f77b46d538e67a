import { quantityValue } from './quantity.ts';
import { type Eviction, STORE_TYPE } from './worker-types.ts';

/** What a process is told by environment variables; the services read exactly these. */
export type Environment = Readonly<Record<string, string>>;

/** How a process gets its tokens: as they are, or as files that hold them. */
export type Tokens = {
  readonly DPR_CONTROL_TOKEN?: string;
  readonly DPR_CONTROL_TOKEN_FILE?: string;
  readonly DPR_CLIENT_TOKEN?: string;
  readonly DPR_CLIENT_TOKEN_FILE?: string;
};

/** What the Finder and every worker are told. */
export type ProcessFacts = {
  /** The address to bind. */
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  /** The directory that its state is in. */
  readonly data: string;
  readonly logLevel: string;
  /** A peer that is silent for this long counts as gone; undefined: as long as the process itself finds right. */
  readonly receiveTimeoutMs: number | undefined;
  readonly tokens: Tokens;
  /** Origins of pages that may use the public port. */
  readonly allowedOrigins: readonly string[];
  /** Host names by which it may be reached, besides addresses and localhost; undefined: any. */
  readonly hostNames: readonly string[] | undefined;
  /** What the addresses of connections to the public port say of clients; undefined: that they are theirs. */
  readonly clientAddresses: 'proxied' | 'hidden' | undefined;
};

/** What the Finder is told. */
export function finderEnvironment(facts: ProcessFacts & { readonly controlPort: number }): Environment {
  return { ...processEnvironment(facts), DPR_CONTROL_PORT: String(facts.controlPort) };
}

export type WorkerFacts = ProcessFacts & {
  readonly id: number;
  readonly type: string;
  /** The port that clients are told. */
  readonly publicPort: number;
  /** Where it listens for Redis clients; undefined: nowhere. */
  readonly respPort: number | undefined;
  /** The Finder's control port, as `ws://host:port`. */
  readonly finder: string;
  readonly checkpointIntervalMs: number;
  /** What it begins with where its volume keeps earlier generations; undefined: its entry does not say. */
  readonly state: string | number | undefined;
  /** Of a store: what its keys may take, a quantity, and what it does then; undefined: its entry does not say. */
  readonly maxMemory: string | undefined;
  readonly eviction: Eviction | undefined;
};

/**
 * For the C library: memory in large pages, where the system has them for who asks. A store reads its memory at random, and what it reads
 * in small pages has to be looked up first, in memory that is in no cache either.
 */
const LARGE_PAGES = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' };

/** What a worker is told. Clients reach it by the host that they reached the Finder by, hence no public host. */
export function workerEnvironment(facts: WorkerFacts): Environment {
  return {
    ...processEnvironment(facts),
    DPR_WORKER_ID: String(facts.id),
    DPR_WORKER_TYPE: facts.type,
    DPR_PUBLIC_PORT: String(facts.publicPort),
    DPR_PUBLIC_HOST: '',
    ...(facts.respPort === undefined ? {} : { DPR_RESP_PORT: String(facts.respPort) }),
    DPR_FINDER: facts.finder,
    DPR_CHECKPOINT_INTERVAL_MS: String(facts.checkpointIntervalMs),
    ...(facts.state === undefined ? {} : { DPR_STATE: String(facts.state) }),
    ...(facts.maxMemory === undefined ? {} : { DPR_MAX_MEMORY_BYTES: bytesOf(facts.maxMemory) }),
    ...(facts.eviction === undefined ? {} : { DPR_EVICTION: facts.eviction }),
    ...(facts.type === STORE_TYPE ? LARGE_PAGES : {}),
  };
}

/** @param quantity one that was checked */
function bytesOf(quantity: string): string {
  return String(Math.floor(quantityValue(quantity) ?? 0));
}

function processEnvironment(facts: ProcessFacts): Environment {
  const { host, port, adminPort, data, logLevel, receiveTimeoutMs, tokens, allowedOrigins, hostNames } = facts;
  const { clientAddresses } = facts;
  return {
    DPR_HOST: host,
    DPR_PORT: String(port),
    DPR_ADMIN_PORT: String(adminPort),
    DPR_DATA: data,
    DPR_LOG_LEVEL: logLevel,
    ...(receiveTimeoutMs === undefined ? {} : { DPR_RECEIVE_TIMEOUT_MS: String(receiveTimeoutMs) }),
    ...(allowedOrigins.length === 0 ? {} : { DPR_ALLOWED_ORIGINS: allowedOrigins.join(',') }),
    ...(hostNames === undefined ? {} : { DPR_HOST_NAMES: hostNames.join(',') }),
    ...(clientAddresses === undefined ? {} : { DPR_CLIENT_ADDRESSES: clientAddresses }),
    ...tokens,
  };
}
