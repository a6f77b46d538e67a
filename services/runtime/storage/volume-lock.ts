import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import { abstractLock, isAbstractlyLocked } from './abstract-socket-lock.ts';
import { VolumeLockedError, isGone, systemCode } from './errors.ts';

/**
 * Exclusive use of a directory by one process of this host. Each process that wants it puts a Unix domain socket of its own
 * into the directory, `lock-<pid>-<random>`, already listening, and only then looks for those of others: of two that come at
 * the same time at least one sees the other. A socket that refuses connections is of a process that is gone, so the kernel
 * releases the lock however the holder dies. One that accepts is a holder, unless it says that it is still looking itself:
 * then the one whose name sorts later gives way, and the other waits for that.
 */
export interface VolumeLock {
  /** False once a program removed or replaced the socket, after which others may hold the lock too: stop at once. */
  stillHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/** What the lock is made with; a test has its own. */
export interface System {
  /** Have the server listen at a socket that it makes there. */
  readonly bind: (server: Server, socketPath: string) => Promise<void>;
  readonly platform: NodeJS.Platform;
}

const SYSTEM: System = { bind: listen, platform: process.platform };

/**
 * How file systems without sockets refuse one. That the process may write in the directory was looked at before, so a right that is
 * missing is none of its own.
 */
const NO_SOCKETS: ReadonlySet<string | undefined> = new Set([
  ...['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EACCES', 'EINVAL', 'ENOSYS', 'EPROTONOSUPPORT', 'EPROTOTYPE', 'EADDRNOTAVAIL'],
]);

class NoSocketsError extends Error {
  override readonly name = 'NoSocketsError';
}

/** What a process says to others that connect: first that it is looking, if it is, and then whether it holds the lock. */
const LOOKING = '?';
const HELD = '!';

/** The portable limit of a socket's path, with its final zero. */
const MAX_SOCKET_PATH_BYTES = 103;
/** A process that does not answer for so long, because it is stopped perhaps, counts as the holder. */
const ANSWER_TIMEOUT_MS = 1_000;
/** Silence is looked for in this many steps: when this process itself stood still, the answer comes within the next one. */
const SILENT_INTERVALS = 4;
/** How often to begin again when another process that began at the same time removed our unfinished socket. */
const MAX_ATTEMPTS = 8;

const LOCK_FILE = /^lock-(\d+)-[0-9a-f]+$/;
const DRAFT_FILE = /^\.lock-(\d+)-[0-9a-f]+$/;

type Own = {
  readonly name: string;
  readonly server: Server;
  /** Connections of processes that ask, and wait for this one's decision. */
  readonly asking: Set<Socket>;
  state: 'looking' | 'held';
};

/**
 * Takes the lock of an existing directory.
 * @throws VolumeLockedError naming the directory and the process that holds it
 */
export async function volumeLock(directory: string, { bind, platform }: System = SYSTEM): Promise<VolumeLock> {
  const reach = await socketPaths(directory, platform);
  try {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const own = await announce(directory, reach, bind);
      if (own === undefined) continue;
      try {
        await refuseOthers(directory, reach, own.name);
      } catch (error) {
        await withdraw(directory, own);
        throw error;
      }
      return await hold(directory, own);
    }
  } catch (error) {
    if (!(error instanceof NoSocketsError)) throw error;
    if (platform === 'linux') return await abstractLock(directory);
    throw new Error(
      `cannot lock ${directory}: its file system has no Unix sockets (${error.message}). Choose a directory on another one, ` +
        'with --data for a cluster of this machine, or DPR_DATA for one process',
      { cause: error },
    );
  } finally {
    await reach.close();
  }
  throw new VolumeLockedError(`${directory}: too many processes try to lock it at the same time`);
}

/** Whether a process has the lock of an existing directory. Nothing is done to it, so one that comes meanwhile is not kept out. */
export async function isLocked(directory: string, platform: NodeJS.Platform = process.platform): Promise<boolean> {
  const reach = await socketPaths(directory, platform);
  try {
    for (const name of await readdir(directory)) {
      if (LOCK_FILE.test(name) && (await ask(reach.of(name), true)) === 'alive') return true;
    }
  } finally {
    await reach.close();
  }
  return platform === 'linux' && (await isAbstractlyLocked(directory));
}

async function hold(directory: string, own: Own): Promise<VolumeLock> {
  own.state = 'held';
  for (const socket of own.asking) socket.end(HELD);
  const mine = await identityOf(directory, own.name);
  return {
    stillHeld: async () => mine !== undefined && (await identityOf(directory, own.name)) === mine,
    release: () => withdraw(directory, own),
  };
}

/** Puts a listening socket into the directory; undefined when another process removed it before it was in its place. */
async function announce(directory: string, reach: SocketPaths, bind: System['bind']): Promise<Own | undefined> {
  const name = `lock-${process.pid}-${randomBytes(4).toString('hex')}`;
  const asking = new Set<Socket>();
  const server = createServer((socket) => {
    asking.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => asking.delete(socket));
    if (own.state === 'held') socket.end(HELD);
    else socket.write(LOOKING);
  });
  const own: Own = { name, server, asking, state: 'looking' };
  server.unref();
  try {
    await bind(server, reach.of(`.${name}`));
    await rename(path.join(directory, `.${name}`), path.join(directory, name));
  } catch (error) {
    const wasBound = server.listening;
    const code = systemCode(error);
    server.close();
    if (wasBound && code === 'ENOENT') return undefined;
    const text = error instanceof Error ? error.message : String(error);
    if (NO_SOCKETS.has(code)) throw new NoSocketsError(text, { cause: error });
    throw new Error(`cannot lock ${directory}: ${text}`, { cause: error });
  }
  return own;
}

function listen(server: Server, socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(socketPath, resolve);
  });
}

async function refuseOthers(directory: string, reach: SocketPaths, own: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const pid = (LOCK_FILE.exec(name) ?? DRAFT_FILE.exec(name))?.[1];
    if (pid === undefined || name === own) continue;
    const answer = await ask(reach.of(name), name > own);
    if (answer === 'gone') {
      await unlink(path.join(directory, name)).catch((error: unknown) => assert.equal(systemCode(error), 'ENOENT'));
    } else if (answer === 'alive' && LOCK_FILE.test(name)) {
      throw new VolumeLockedError(
        `process ${pid} uses ${directory}. Stop it first, or give this one another directory`,
      );
    }
  }
}

type Answer = 'alive' | 'gone' | 'withdrew';

/** A connection that ends without a word was to a process that has just stopped listening. */
const ANSWER_BY_ERROR: ReadonlyMap<string | undefined, Answer> = new Map([
  ['ECONNREFUSED', 'gone'],
  ['ENOENT', 'gone'],
  ['ECONNRESET', 'withdrew'],
]);

/**
 * Whether a process is behind the socket that keeps us from the lock.
 * @param patient whether to wait for the decision of one that is still looking
 */
function ask(socketPath: string, patient: boolean): Promise<Answer> {
  return new Promise((resolve) => {
    let said = '';
    let silent = 0;
    const socket = connect(socketPath);
    const look = setInterval(() => {
      if (++silent >= SILENT_INTERVALS) decide('alive');
    }, ANSWER_TIMEOUT_MS / SILENT_INTERVALS);
    const decide = (answer: Answer) => {
      clearInterval(look);
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (data) => {
      silent = 0;
      said += data.toString('latin1');
      if (!patient || said.endsWith(HELD)) decide('alive');
    });
    socket.on('end', () => decide('withdrew'));
    socket.on('error', (error) => decide(ANSWER_BY_ERROR.get(systemCode(error)) ?? 'alive'));
  });
}

async function withdraw(directory: string, own: Own): Promise<void> {
  await unlink(path.join(directory, own.name)).catch((error: unknown) => assert.equal(systemCode(error), 'ENOENT'));
  for (const socket of own.asking) socket.destroy();
  await new Promise<void>((resolve) => own.server.close(() => resolve()));
}

/** Device and inode, which no other file has at the same time. */
async function identityOf(directory: string, name: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(path.join(directory, name), { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

type SocketPaths = { readonly of: (name: string) => string; readonly close: () => Promise<void> };

/** Paths of sockets are short; where the directory's is not, Linux reaches it through a descriptor. */
async function socketPaths(directory: string, platform: NodeJS.Platform): Promise<SocketPaths> {
  const longest = `.lock-${Number.MAX_SAFE_INTEGER}-00000000`;
  const candidates = [directory, path.relative(process.cwd(), directory)];
  const short = candidates.find((one) => Buffer.byteLength(path.join(one, longest)) <= MAX_SOCKET_PATH_BYTES);
  if (short !== undefined) return { of: (name) => path.join(short, name), close: () => Promise.resolve() };
  if (platform !== 'linux') {
    throw new Error(
      `${directory} is too long a path for the lock in it: choose a directory with a shorter one, with --data for a cluster of this ` +
        'machine, or DPR_DATA for one process',
    );
  }
  const handle: FileHandle = await open(directory, 'r');
  return { of: (name) => `/proc/self/fd/${handle.fd}/${name}`, close: () => handle.close() };
}
