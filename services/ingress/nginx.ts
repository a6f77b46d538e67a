/** A running NGINX that is fed with configurations: each is checked by NGINX itself, and the last good one stays. */
import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface Verdict {
  /**
   * `accepted`: NGINX serves the new configuration. `refused`: it still serves the one before, if there was one. `written`: it does not
   * run, and finds the new one when it starts; nothing is known yet of what it thinks of it.
   */
  readonly outcome: 'accepted' | 'refused' | 'written';
  /** Of a refusal, in NGINX's words. */
  readonly reason: string;
}

const CONFIGURATION = 'nginx.conf';
const PROCESS_ID = 'nginx.pid';
/**
 * NGINX writes its refusals into it, while it runs and when it cannot start. Emptied before each attempt, so that it does not grow,
 * and after a reload, so that what it says of an NGINX that does not run is why it does not start.
 */
const ERRORS = 'errors.log';
/** NGINX puts the time and its process before each; without them, the same refusal is the same text. */
const TIME = /^[\d/]+ [\d:]+ /;
const PROCESS = / \d+#\d+:/;
/** A client that connects is told the version of the configuration that serves. */
const VERSION_SOCKET = 'version.sock';
const POLL_MS = 50;
/** NGINX takes this long for thousands of ports, on nodes that have much else to do, and no longer. */
const RELOAD_LIMIT_MS = 30_000;
const VERSION_LIMIT_MS = 1_000;
const VERSION = /version\.sock; return ([\w.]+);/;
/** The file of a mounted Secret of type TLS that is renewed with every other one. */
const CERTIFICATE = 'tls.crt';
const DIGEST_CHARACTERS = 16;
/** NGINX may not open a port below 1024 where the node does not let it. */
const PORT_REFUSED = /\bbind\(\) to \S+:(\d+) failed/;
const LISTENER = /[ \t]*server \{ listen (?:\[::\]:)?(\d+)[ ;][^{}]*\}\n?/g;

/** @returns the version that a configuration tells of itself; an empty text for one that tells none */
export function versionIn(text: string): string {
  return VERSION.exec(text)?.[1] ?? '';
}

/**
 * A configuration that tells, behind its version, of what it is served with beside the port map: `version.digest`. So one for a
 * certificate that was renewed, or for a Service that moved, is another one.
 */
export function withDigest(text: string, digest: string): string {
  return text.replace(VERSION, (told, version: string) => told.replace(version, `${version}.${digest}`));
}

/** @returns what `withDigest` was given the version of */
export function withoutDigests(version: string): string {
  return version.split('.', 1)[0] ?? '';
}

/** @returns the port that NGINX could not open, if that is the reason why it does not start */
export function portThatIsRefused(reason: string): string | undefined {
  return PORT_REFUSED.exec(reason)?.[1];
}

/** @returns the configuration without the routes from these ports */
export function withoutPorts(text: string, ports: readonly string[]): string {
  return text.replace(LISTENER, (route, port: string) => (ports.includes(port) ? '' : route));
}

/** @returns a name for what has these bytes */
export function digestOf(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST_CHARACTERS);
}

/** @returns a name for the certificate that is in the directory now; undefined when there is none */
export async function certificateIn(directory: string): Promise<string | undefined> {
  const bytes = await readFile(path.join(directory, CERTIFICATE)).catch(() => undefined);
  return bytes && digestOf(bytes);
}

/** Writes the configuration, and waits until an NGINX that runs serves it or refuses it. */
export async function feed(directory: string, text: string, signal: AbortSignal): Promise<Verdict> {
  const before = await readFile(path.join(directory, CONFIGURATION), 'utf8').catch(() => undefined);
  await writeWhole(directory, text);
  const errors = path.join(directory, ERRORS);
  await writeFile(errors, '');
  const master = Number(await readFile(path.join(directory, PROCESS_ID), 'utf8').catch(() => '0'));
  if (!Number.isSafeInteger(master) || master <= 0 || !signalled(master)) return { outcome: 'written', reason: '' };
  const verdict = await verdictOn(directory, versionIn(text), signal);
  await writeFile(errors, '');
  // NGINX may be started again at any time, and must not find what it cannot serve.
  if (verdict.outcome === 'refused' && before !== undefined) await writeWhole(directory, before);
  return verdict;
}

/** @returns false where NGINX was killed and left its process id behind */
function signalled(master: number): boolean {
  try {
    return process.kill(master, 'SIGHUP');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** @returns the version that NGINX serves now; undefined while it does not run */
export function servedVersion(directory: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path.join(directory, VERSION_SOCKET));
    socket.setTimeout(VERSION_LIMIT_MS, () => socket.destroy());
    socket.on('data', (bytes) => (text += bytes.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text === '' ? undefined : text.trim()));
  });
}

async function verdictOn(directory: string, version: string, signal: AbortSignal): Promise<Verdict> {
  const late = performance.now() + RELOAD_LIMIT_MS;
  while (performance.now() < late) {
    const reason = await refusalIn(directory);
    if (reason !== '') return { outcome: 'refused', reason };
    if ((await servedVersion(directory)) === version) return { outcome: 'accepted', reason: '' };
    await pause(POLL_MS, undefined, { signal });
  }
  return { outcome: 'refused', reason: `NGINX did not take it within ${RELOAD_LIMIT_MS / 1_000} s` };
}

async function writeWhole(directory: string, text: string): Promise<void> {
  const file = path.join(directory, CONFIGURATION);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** @returns the first thing that NGINX refused since the file was emptied; an empty text while there is none */
export async function refusalIn(directory: string): Promise<string> {
  const text = await readFile(path.join(directory, ERRORS), 'utf8').catch(() => '');
  const line = text.split('\n').find((said) => said.includes('[emerg]'));
  return line?.trim().replace(TIME, '').replace(PROCESS, '') ?? '';
}
