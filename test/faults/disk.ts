/** Disks that are full or may not be written, made with what this machine and user have. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Child } from '../runtime/cluster.ts';
import { onCleanUp } from './harness.ts';

/** A directory whose disk can be filled up and freed again, while a process uses it. */
export interface Scarce {
  readonly directory: string;
  /** Neither this process nor, where the disk is its own, any other can write what takes room. */
  fill(child?: Child): void;
  free(child?: Child): void;
  /** What a process is to be run through to find it full from the start. */
  through(): readonly string[];
}

export interface WayToFill {
  readonly name: string;
  make(): Scarce;
}

/** The ways of this machine: everywhere a limit on the size of files; as root, where it may mount, a small disk. */
export function waysToFill(): readonly WayToFill[] {
  const limit = { name: 'a limit on the size of its files', make: limitedFiles };
  return mayMount() ? [{ name: 'a full disk', make: smallDisk }, limit] : [limit];
}

/** All writes fail with EFBIG, also those to places that a file has already. */
function limitedFiles(): Scarce {
  const directory = temporaryDirectory();
  const set = (child: Child | undefined, limit: string): void => {
    if (child?.process.exitCode !== null) return;
    execFileSync('prlimit', ['--pid', String(child.process.pid), `--fsize=${limit}:unlimited`]);
  };
  return {
    directory,
    fill: (child) => set(child, '0'),
    free: (child) => set(child, 'unlimited'),
    through: () => ['prlimit', '--fsize=0:unlimited'],
  };
}

const DISK_KIB = 256;

/** Writes that take room fail with ENOSPC. */
function smallDisk(): Scarce {
  const directory = temporaryDirectory();
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_KIB}k`, 'tmpfs', directory]);
  onCleanUp(() => Promise.resolve(execFileSync('umount', ['--lazy', directory])));
  const ballast = path.join(directory, 'ballast');
  return {
    directory,
    fill() {
      // Down to the last page, which no file shares with another.
      for (let bytes = DISK_KIB * 1024; bytes >= 4096; bytes /= 2) {
        try {
          for (;;) writeFileSync(ballast, Buffer.alloc(bytes), { flag: 'a' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    free: () => rmSync(ballast),
    through: () => [],
  };
}

function temporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-disk-'));
  onCleanUp(() => rm(directory, { recursive: true }));
  return directory;
}

let mountable: boolean | undefined;

function mayMount(): boolean {
  if (mountable !== undefined) return mountable;
  const directory = mkdtempSync(path.join(tmpdir(), 'dpr-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', directory], { stdio: 'ignore' });
    execFileSync('umount', [directory]);
    mountable = true;
  } catch {
    mountable = false;
  }
  rmSync(directory, { recursive: true });
  return mountable;
}

/** Take from a directory the right to write in it. */
export function forbidWriting(directory: string): void {
  chmodSync(directory, 0o500);
  onCleanUp(() => chmod(directory, 0o700));
}

export function allowWriting(directory: string): void {
  chmodSync(directory, 0o700);
}

/** What a program is to be run through so that such rights count: root has to give up that they do not for it. */
export function underRights(): readonly string[] {
  if (process.getuid?.() !== 0) return [];
  const given = '-dac_override,-dac_read_search';
  return ['setpriv', `--bounding-set=${given}`, `--inh-caps=${given}`];
}
