/** The Finder on the stage: its record, its connections, and what it wants done. */
import {
  createFinder,
  decodeRecord,
  encodeRecord,
  FINDER_DEFAULTS,
  finderWakeAt,
  stepFinder,
  type Finder,
  type FinderEffect,
  type FinderEvent,
} from '@dpr/core';
import type { Message, Stamp } from '@dpr/protocol';
import { show, showMessage } from '../show-messages.ts';
import {
  CLIENT,
  FIRST_CONNECTION,
  OPERATOR,
  received,
  type Cast,
  type FinderPart,
  type Process,
  type Scene,
} from './scene.ts';

export function finderOn(scene: Scene, cast: Cast): FinderPart {
  const { queue, story, tell, settle } = scene;
  const connections = new Map<number, Process>();
  let record: Buffer | undefined;
  let finder: Finder | undefined;
  let starts = 0;
  let nextConnection = FIRST_CONNECTION;

  function start(): void {
    finder = createFinder({ ...FINDER_DEFAULTS, controlPort: 16379, decisionGraceMs: 0 });
    starts++;
    const found = record && decodeRecord(record);
    const name = `f${starts}`.padEnd(16, '0');
    step({ kind: 'loaded', record: found, start: name, cluster: 'c1'.repeat(16) }, 'starts');
    settle();
    open(CLIENT, 'client');
    open(OPERATOR, 'operator');
    for (const process of cast.workers.processes) if (process.alive) connect(process);
    settle();
  }

  function crash(): void {
    finder = undefined;
    story.push('finder crashes');
    for (const connection of [...connections.keys()]) hangUp(connection);
    settle();
  }

  function step(event: FinderEvent, text: string): void {
    if (finder === undefined) return;
    const effects = stepFinder(finder, event, scene.now);
    const told = effects.filter((effect) => effect.kind !== 'broadcast' || effect.connections.length > 0);
    tell('finder', text, told.map(showEffect));
    for (const effect of effects) perform(finder, effect);
  }

  function showEffect(effect: FinderEffect): string {
    switch (effect.kind) {
      case 'send':
        return `-> ${peerName(effect.connection)}: ${showMessage(effect.message)}`;
      case 'broadcast':
        return `-> ${effect.connections.map(peerName).join(', ')}: ${showMessage(effect.message)}`;
      case 'close':
        return `closes the connection of ${peerName(effect.connection)}`;
      case 'write': {
        const { worldLine, cut, members, tombstones } = effect.record;
        return `writes record ${effect.counter}: ${show({ worldLine, cut, members: [...members.keys()], tombstones: [...tombstones.keys()] })}`;
      }
      case 'log':
        return `log ${effect.event} ${show(effect.details)}`;
      default:
        return effect.kind;
    }
  }

  function peerName(connection: number): string {
    if (connection === CLIENT) return 'session';
    return connection === OPERATOR ? 'operator' : (connections.get(connection)?.name ?? 'nobody');
  }

  function perform(from: Finder, effect: FinderEffect): void {
    switch (effect.kind) {
      case 'send':
        return deliver(effect.connection, effect.message);
      case 'broadcast':
        for (const connection of effect.connections) deliver(connection, effect.message);
        return;
      case 'close':
        return hangUp(effect.connection);
      case 'write': {
        const bytes = encodeRecord(effect.record);
        queue.push(() => {
          record = bytes;
          if (finder === from)
            step({ kind: 'written', counter: effect.counter }, `has record ${effect.counter} durable`);
        });
        return;
      }
      default:
    }
  }

  function deliver(connection: number, sent: Message): void {
    const message = received(sent);
    queue.push(() => {
      if (connection === CLIENT) return cast.session.receiveFromFinder(message);
      const process = connections.get(connection);
      if (process === undefined || message.kind === 'welcome') return;
      cast.workers.step(process, { kind: 'finderFrame', message }, `<- finder: ${message.kind}`);
    });
  }

  function hangUp(connection: number): void {
    const process = connections.get(connection);
    connections.delete(connection);
    if (process === undefined) return;
    process.connection = 0;
    queue.push(() => cast.workers.step(process, { kind: 'finderClosed' }, 'lost the finder'));
  }

  function open(connection: number, role: 'worker' | 'client' | 'operator', stamp?: Stamp): void {
    step({ kind: 'opened', connection, role, cluster: undefined, stamp }, `is greeted by ${peerName(connection)}`);
  }

  function connect(process: Process): void {
    if (finder === undefined) return;
    process.connection = nextConnection++;
    connections.set(process.connection, process);
    open(process.connection, 'worker', process.core.stamp ?? process.volume.stamp);
    queue.push(() => cast.workers.step(process, { kind: 'finderOpened' }, 'reaches the finder'));
  }

  return {
    wakeAt: () => (finder ? finderWakeAt(finder) : Infinity),
    wake: () => step({ kind: 'wake' }, 'wakes'),
    start,
    crash,
    step,
    connect,
    lose({ connection, name }) {
      if (connections.delete(connection)) queue.push(() => step({ kind: 'closed', connection }, `lost ${name}`));
    },
    receive(connection, sent) {
      const message = received(sent);
      queue.push(() => step({ kind: 'frame', connection, message }, `<- ${peerName(connection)}: ${message.kind}`));
    },
  };
}
