import { stat } from 'node:fs/promises';
import { type Server, connect, createServer } from 'node:net';
import { VolumeLockedError, isGone, systemCode } from './errors.ts';

/** As long as a holder that is stopped does not say who it is. */
const ANSWER_TIMEOUT_MS = 1_000;

/**
 * The lock of a directory whose file system has no sockets, as a drive of Windows in WSL: a socket without a file, which Linux has,
 * named by the directory's device and inode. Only one process of the host can have the name (of the container, if that has a network of its
 * own), and it is free when that is gone.
 * @throws VolumeLockedError naming the directory and the process that holds it
 */
export async function abstractLock(
  directory: string,
): Promise<{ stillHeld(): Promise<boolean>; release(): Promise<void> }> {
  const mine = await placeOf(directory);
  if (mine === undefined) throw new Error(`there is no directory ${directory}`);
  const name = nameOf(mine);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(String(process.pid));
  });
  server.unref();
  try {
    await listen(server, name);
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw error;
    throw new VolumeLockedError(
      `process ${await holderOf(name)} uses ${directory}. Stop it first, or give this one another directory`,
    );
  }
  return {
    stillHeld: async () => (await placeOf(directory)) === mine,
    release: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Whether a process has this lock of the directory. */
export async function isAbstractlyLocked(directory: string): Promise<boolean> {
  const place = await placeOf(directory);
  if (place === undefined) return false;
  return new Promise((resolve) => {
    const socket = connect(nameOf(place));
    const tell = (isHeld: boolean): void => {
      socket.destroy();
      resolve(isHeld);
    };
    socket.on('connect', () => tell(true));
    socket.on('error', () => tell(false));
  });
}

function nameOf(place: string): string {
  return `\0dpr-volume-${place}`;
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(name, resolve);
  });
}

/** The directory that the path leads to now; undefined: none. */
async function placeOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(directory, { bigint: true });
    return `${dev}-${ino}`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function holderOf(name: string): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const tell = (): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(said === '' ? 'that does not answer' : said);
    };
    const late = setTimeout(tell, ANSWER_TIMEOUT_MS);
    const socket = connect(name);
    socket.on('data', (data) => (said += data.toString('latin1')));
    socket.on('end', tell);
    socket.on('error', tell);
  });
}
