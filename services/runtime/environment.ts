/** What a process is told by environment variables, checked as a whole. */
import { readFileSync } from 'node:fs';
import { WORKER_DEFAULTS } from '@dpr/core';
import { MAX_HOST_BYTES, MAX_TOKEN_BYTES, MAX_TYPE_BYTES, MAX_WORKER_ID } from '@dpr/protocol';
import { CLIENT_ADDRESSES, type ClientAddresses } from './client-address.ts';
import { EXIT, ProcessError } from './exit-codes.ts';
import { RECEIVE_TIMEOUT_MS } from './keep-alive.ts';
import { LOG_LEVELS, type LogLevel } from './log.ts';
import { MIN_MEMORY_BYTES } from './memory.ts';
import type { Visitors } from './request-origins.ts';

/** Secrets that peers must show; undefined where none is asked for. */
export interface Tokens {
  /** Of workers and operators. */
  readonly control: string | undefined;
  /** Of clients. */
  readonly client: string | undefined;
}

export interface ProcessSettings {
  /** The address to bind. */
  readonly host: string;
  /** Where clients are served. */
  readonly port: number;
  /** Probes and metrics. */
  readonly adminPort: number;
  /** The directory that the process's state is in. */
  readonly data: string;
  readonly logLevel: LogLevel;
  readonly tokens: Tokens;
  /** Who may use the public port; no page may use the others. */
  readonly visitors: Visitors;
  /** What the addresses of connections to the public port say of clients. */
  readonly clientAddresses: ClientAddresses;
  /** A peer that is silent for this long is disconnected. */
  readonly receiveTimeoutMs: number;
  /** What the process may use; undefined: what the container, the machine and V8 let it. */
  readonly memoryBytes: number | undefined;
}

export interface FinderSettings extends ProcessSettings {
  /** Where workers and operators are served. */
  readonly controlPort: number;
}

export interface WorkerSettings extends ProcessSettings {
  readonly id: number;
  readonly type: string;
  /** What clients are told; an empty host means the one by which they reached the Finder. */
  readonly publicHost: string;
  readonly publicPort: number;
  /** Where Redis clients are served; undefined: nowhere. */
  readonly respPort?: number | undefined;
  /** The Finder's control port, as `ws://host:port`. */
  readonly finder: string;
  readonly checkpointIntervalMs: number;
  /** What a new generation begins with, where the volume keeps earlier ones. */
  readonly state: 'unsaid' | 'kept' | 'empty';
  /** The generation to bring back; 0: the newest one that has something. */
  readonly from: number;
}

export type Variables = Readonly<Record<string, string | undefined>>;

const MAX_PORT = 65_535;
/** A URL does not tell whether it was given a port: it leaves out the one that its scheme has by itself. */
const ADDRESS = /^wss?:\/\/(\[[^\]]+\]|[^\s/?#@:[\]]+):0*[1-9]\d*\/?$/i;
const MAX_CHECKPOINT_INTERVAL_MS = 60_000;
/** A peer that is busy must not be taken for gone. */
const MIN_RECEIVE_TIMEOUT_MS = 100;
const MAX_RECEIVE_TIMEOUT_MS = 3_600_000;

/** @throws ProcessError that names every variable that is wrong, its value, and what is expected */
export function finderSettings(variables: Variables): FinderSettings {
  const read = reader(variables);
  return read.end({ ...processSettings(read), controlPort: read.port('DPR_CONTROL_PORT') });
}

/** @throws ProcessError that names every variable that is wrong, its value, and what is expected */
export function workerSettings(variables: Variables): WorkerSettings {
  const read = reader(variables);
  const shared = processSettings(read);
  return read.end({
    ...shared,
    id: read.whole('DPR_WORKER_ID', 0, MAX_WORKER_ID),
    type: read.text('DPR_WORKER_TYPE', MAX_TYPE_BYTES),
    publicHost: read.optionalText('DPR_PUBLIC_HOST', MAX_HOST_BYTES),
    publicPort: read.port('DPR_PUBLIC_PORT', shared.port),
    respPort: read.isSet('DPR_RESP_PORT') ? read.port('DPR_RESP_PORT') : undefined,
    finder: read.address('DPR_FINDER'),
    checkpointIntervalMs: read.whole(
      'DPR_CHECKPOINT_INTERVAL_MS',
      1,
      MAX_CHECKPOINT_INTERVAL_MS,
      WORKER_DEFAULTS.checkpointIntervalMs,
    ),
    ...read.state('DPR_STATE'),
  });
}

function processSettings(read: SettingsReader): ProcessSettings {
  return {
    host: read.text('DPR_HOST', MAX_HOST_BYTES),
    port: read.port('DPR_PORT'),
    adminPort: read.port('DPR_ADMIN_PORT'),
    data: read.text('DPR_DATA', Infinity),
    logLevel: read.choice('DPR_LOG_LEVEL', LOG_LEVELS, 'info'),
    tokens: { control: read.token('DPR_CONTROL_TOKEN'), client: read.token('DPR_CLIENT_TOKEN') },
    visitors: { origins: read.list('DPR_ALLOWED_ORIGINS') ?? [], hostNames: read.list('DPR_HOST_NAMES') },
    clientAddresses: read.choice('DPR_CLIENT_ADDRESSES', CLIENT_ADDRESSES, 'own'),
    receiveTimeoutMs: read.whole(
      'DPR_RECEIVE_TIMEOUT_MS',
      MIN_RECEIVE_TIMEOUT_MS,
      MAX_RECEIVE_TIMEOUT_MS,
      RECEIVE_TIMEOUT_MS,
    ),
    memoryBytes: read.isSet('DPR_MEMORY_BYTES')
      ? read.whole('DPR_MEMORY_BYTES', MIN_MEMORY_BYTES, Number.MAX_SAFE_INTEGER)
      : undefined,
  };
}

type SettingsReader = ReturnType<typeof reader>;

/** Reads variables one by one and keeps what is wrong with them, so that one error can tell everything. */
function reader(variables: Variables) {
  const faults: string[] = [];

  function fault<T>(name: string, expected: string, standIn: T): T {
    const value = variables[name];
    faults.push(value === undefined ? `${name} is not set: ${expected}` : `${name} is '${value}': ${expected}`);
    return standIn;
  }

  function optionalText(name: string, maxBytes: number): string {
    const value = variables[name] ?? '';
    return Buffer.byteLength(value) > maxBytes ? fault(name, `at most ${maxBytes} bytes are allowed`, '') : value;
  }

  function text(name: string, maxBytes: number): string {
    return variables[name] ? optionalText(name, maxBytes) : fault(name, 'a text is expected', '');
  }

  function whole(name: string, least: number, most: number, standard?: number): number {
    const value = variables[name];
    if (value === undefined && standard !== undefined) return standard;
    const number = /^\d+$/.test(value ?? '') ? Number(value) : NaN;
    const expected = `a whole number from ${least} to ${most} is expected`;
    return number >= least && number <= most ? number : fault(name, expected, least);
  }

  return {
    text,
    optionalText,
    whole,
    isSet: (name: string) => variables[name] !== undefined,
    port: (name: string, standard?: number) => whole(name, 1, MAX_PORT, standard),
    choice<const T extends string>(name: string, words: readonly T[], standard: T): T {
      const value = variables[name] ?? standard;
      return words.find((word) => word === value) ?? fault(name, `one of ${words.join(', ')} is expected`, standard);
    },
    /** What to begin with: `kept`, `empty`, or the number of the generation to bring back. */
    state(name: string): Pick<WorkerSettings, 'state' | 'from'> {
      const value = variables[name] ?? '';
      if (value === '') return { state: 'unsaid', from: 0 };
      if (value === 'kept' || value === 'empty') return { state: value, from: 0 };
      const from = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : 0;
      const expected = "'kept', 'empty' or the number of a kept generation is expected";
      return { state: 'kept', from: from === 0 ? fault(name, expected, 0) : from };
    },
    address(name: string): string {
      const value = variables[name] ?? '';
      const usable = ADDRESS.test(value) && URL.canParse(value);
      return usable ? value : fault(name, "an address such as 'ws://host:port' is expected", '');
    },
    /** Words with commas between them; undefined: not set, which is not the same as none. */
    list(name: string): readonly string[] | undefined {
      const words = variables[name]?.split(',').map((word) => word.trim());
      return words?.filter((word) => word !== '');
    },
    /** From the variable, or from the file that `<name>_FILE` names. Errors do not repeat the secret. */
    token(name: string): string | undefined {
      const fileName = `${name}_FILE`;
      const file = variables[fileName];
      const direct = variables[name];
      if (file && direct) fault(fileName, `${name} is set as well; only one of them may be`, '');
      const token = file ? fileToken(file, (expected) => fault(fileName, expected, '')) : direct;
      const bytes = Buffer.byteLength(token ?? '');
      if (bytes > MAX_TOKEN_BYTES)
        faults.push(`${name} has ${bytes} bytes, and at most ${MAX_TOKEN_BYTES} are allowed`);
      return token === '' ? undefined : token;
    },
    end<T>(settings: T): T {
      if (faults.length > 0) {
        throw new ProcessError(`the environment is not right:\n  ${faults.join('\n  ')}`, EXIT.config);
      }
      return settings;
    },
  };
}

/** A token's file may end in a newline, as editors leave it. `fault` is told what is wrong with the file. */
function fileToken(file: string, fault: (expected: string) => string): string {
  try {
    const token = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    return token === '' ? fault('the file is empty, and a token is expected in it') : token;
  } catch (error) {
    return fault(`the file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
