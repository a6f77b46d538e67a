/** How a worker becomes a member: survey the volume, claim, open the volume, register, restore. */
import type { CheckpointInfo, Message, MessageOf, Stamp } from '@dpr/protocol';
import { versionAfter } from '../versions.ts';
import { survivingVersion } from '../world-lines.ts';
import { learnReached, openVersion } from './checkpoint.ts';
import { sealSection } from './session-sections.ts';
import { createSessionTable } from './session-table.ts';
import { isMember, log, stop, toFinder, type CleanMarker, type Worker, type WorkerEvent } from './state.ts';

type Seed = NonNullable<MessageOf<'claimed'>['seed']>;

/** A volume may be read while a predecessor still writes to it: it is read again a few times before the worker gives up. */
const MAX_SURVEYS = 5;
const SURVEY_AGAIN_MS = 100;

export function surveyed(worker: Worker, event: Extract<WorkerEvent, { kind: 'surveyed' }>): void {
  worker.boot = event.boot;
  worker.generation = event.generation;
  worker.surveyed = event.checkpoints;
  worker.kept = event.kept;
  worker.stamp ??= event.stamp;
  worker.phase = 'claiming';
  worker.surveys++;
  sendClaim(worker);
}

export function finderOpened(worker: Worker): void {
  worker.finderOpen = true;
  worker.resent = false;
  if (worker.phase === 'claiming') sendClaim(worker);
  if (worker.phase === 'registering') sendRegister(worker);
  listGraph(worker);
}

export function finderClosed(worker: Worker): void {
  worker.finderOpen = false;
  worker.resent = false;
  worker.progressSent = '';
}

function sendClaim(worker: Worker): void {
  const { boot, generation, surveyed: checkpoints, kept, removed, config } = worker;
  const { id, state, from } = config;
  toFinder(worker, { kind: 'claim', worker: id, generation, boot, checkpoints, state, from, removed, kept });
}

function sendRegister(worker: Worker): void {
  const { boot, generation, incarnation, listed, clean } = worker;
  const { id, type, host, port } = worker.config;
  toFinder(worker, {
    kind: 'register',
    worker: id,
    generation,
    incarnation,
    boot,
    type,
    host,
    port,
    checkpoints: listed,
    clean,
  });
}

/** RESENDGRAPH: what is durable and not covered by the cut, even if nothing; single reports may follow from now on. */
export function listGraph(worker: Worker): void {
  if (!worker.finderOpen || worker.phase !== 'serving') return;
  const { generation, incarnation, worldLine, uncommitted } = worker;
  const checkpoints = uncommitted.map(({ version, predecessor, dependencies }) => ({
    worldLine,
    version,
    predecessor,
    dependencies,
  }));
  toFinder(worker, { kind: 'graph', worker: worker.config.id, generation, incarnation, worldLine, checkpoints });
  worker.resent = true;
  worker.drainedSent = -1;
  worker.urgentTold = 0;
}

/** The Finder's answers while the worker joins; and its refusals at any time. */
export function joinFrame(worker: Worker, message: Message): void {
  switch (message.kind) {
    case 'claimed':
      if (worker.phase !== 'claiming') return;
      worker.phase = 'opening';
      worker.cluster = message.cluster;
      if (worker.generation !== message.generation) worker.surveyed = [];
      worker.generation = message.generation;
      worker.incarnation = message.incarnation;
      worker.seed = message.seed;
      worker.effects.push({
        kind: 'openVolume',
        cluster: message.cluster,
        generation: message.generation,
        incarnation: message.incarnation,
      });
      return;
    case 'registered':
      if (worker.phase === 'registering') registered(worker, message);
      return;
    case 'error':
      return finderError(worker, message);
    default:
      log(worker, 'protocolError', { reason: `the Finder sent '${message.kind}', which is not for a worker` });
  }
}

export function volumeOpened(
  worker: Worker,
  checkpoints: readonly CheckpointInfo[],
  clean: CleanMarker | undefined,
): void {
  worker.listed = checkpoints;
  worker.clean = clean;
  // What the survey found and the volume does not hold any more, now that it was read through, is damaged: not the empty state.
  for (const { version } of [...worker.surveyed, ...checkpoints]) worker.oldest = Math.min(worker.oldest, version);
  worker.phase = 'registering';
  sendRegister(worker);
}

function registered(worker: Worker, message: MessageOf<'registered'>): void {
  const { worldLine, decisions, cut, base } = message;
  const { listed, config } = worker;
  worker.worldLine = worldLine;
  worker.decisions = decisions;
  worker.committed = cut.get(config.id) ?? 0;
  worker.stamp = message.stamp;
  openVersion(worker, versionAfter(listed.reduce((version, one) => Math.max(version, one.version), base)));
  learnReached(worker, Math.max(message.reached, worker.version));
  worker.predecessor = base;
  for (const info of listed) {
    const current = info.worldLine === worldLine && info.version > worker.committed && info.version <= base;
    if (!current) continue;
    worker.uncommitted.push({ ...info, operations: 0, since: worker.now, sectionBytes: 0 });
    worker.uncommittedDependencies += info.dependencies.size;
  }
  worker.phase = 'restoring';
  worker.restoring = base;
  const held = listed.some(
    (info) => info.version === base && base <= survivingVersion(decisions, config.id, info.worldLine),
  );
  if (!held && base === worker.seed?.base) return bringBack(worker, worker.seed, message.stamp);
  if (!held && base >= worker.oldest) {
    return stop(worker, 'refused', `version ${base} is to be restored, and the volume does not hold that checkpoint`);
  }
  worker.effects.push({ kind: 'restore', version: base, empty: !held });
}

/**
 * Begin with the state of an earlier generation, and with an empty session table: in a new generation every client numbers from 1, and
 * was told already what became of its calls before. The first checkpoint has that state, so that every later restore finds it.
 */
function bringBack(worker: Worker, { generation, version, base }: Seed, stamp: Stamp): void {
  worker.oldest = Math.min(worker.oldest, base);
  const info = { worldLine: worker.worldLine, version: base, predecessor: 0, dependencies: new Map() };
  const sessions = sealSection(createSessionTable(), base, 0);
  worker.effects.push({ kind: 'bringBack', from: { generation, version }, info, sessions, stamp });
}

function finderError(worker: Worker, message: MessageOf<'error'>): void {
  switch (message.code) {
    case 'fenced':
      return stop(worker, 'fenced', message.text);
    case 'historyLost': // detail: the oldest decision that is remembered; the answer may be to what was asked before a rollback
      if (worker.worldLine + 1 < message.detail) return stop(worker, 'lostHistory', message.text);
      return;
    case 'volumeRefused':
    case 'surveyAgain':
      if (worker.phase !== 'claiming') break;
      return surveyAgain(worker, message);
    case 'stateUnsaid':
      // It waits: the administrator starts it again with the word.
      return log(worker, 'undecided', { reason: message.text });
    case 'wrongCluster':
    case 'unauthorized':
    case 'unsupportedVersion':
      // A member keeps serving: the Finder may be the one that is wrong, and its volume may be put right.
      if (isMember(worker)) return log(worker, 'finderRefused', { code: message.code, reason: message.text });
      return stop(worker, 'refused', message.text);
    default:
      break;
  }
  log(worker, 'finderRefused', { code: message.code, reason: message.text });
}

/** The volume does not show what the Finder knows of: it was read too early, or is not the right one. */
function surveyAgain(worker: Worker, { code, text, detail }: MessageOf<'error'>): void {
  const isRefused = code === 'volumeRefused';
  if (isRefused && worker.surveys >= MAX_SURVEYS) return stop(worker, 'refused', text);
  if (!isRefused) worker.removed = detail;
  worker.phase = 'surveying';
  worker.effects.push({ kind: 'survey', afterMs: isRefused ? SURVEY_AGAIN_MS : 0 });
}
