/** The session on the stage: the workers that it is connected to, and what it wants done. */
import { createSession, sessionWakeAt, stepSession, type SessionEffect, type SessionEvent } from '@dpr/core';
import type { Message } from '@dpr/protocol';
import { show, showMessage } from '../show-messages.ts';
import { CLIENT, received, type Cast, type Process, type Scene, type SessionPart } from './scene.ts';

export function sessionOn(scene: Scene, cast: Cast, replay: boolean): SessionPart {
  const { queue, tell } = scene;
  /** The processes that the session is connected to, by the worker's id. */
  const links = new Map<number, Process>();
  const session = createSession({
    ...{ id: '5e'.repeat(16), worldLine: 1, mode: 'strict', replay },
    ...{ maxInFlight: 16, retryMs: 10, maxRetryMs: 160, retryLimitMs: 3_600_000, absurdRetryLimitMs: 60_000 },
  });

  function step(event: SessionEvent, text: string): void {
    const effects = stepSession(session, event, scene.now);
    tell('session', text, effects.map(showEffect));
    for (const effect of effects) perform(effect);
  }

  function perform(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send': {
        const message = received(effect.message);
        queue.push(() => {
          const process = links.get(effect.worker);
          if (process) send(process, message, `<- session: ${message.kind}`);
        });
        return;
      }
      case 'sendFinder':
        return cast.finder.receive(CLIENT, effect.message);
      case 'fetchCluster':
        return cast.finder.receive(CLIENT, { kind: 'fetchCluster', known: 0 });
      case 'connect':
        queue.push(() => connect(effect.worker));
        return;
      default:
    }
  }

  function send(process: Process, message: Message, text: string): void {
    cast.workers.step(process, { kind: 'clientFrames', connection: CLIENT, messages: [message] }, text);
  }

  function connect(worker: number): void {
    const process = cast.workers.processes.findLast(({ alive, core }) => alive && core.config.id === worker);
    if (process?.core.phase !== 'serving' || links.get(worker) === process) return;
    links.set(worker, process);
    const { generation, worldLine } = process.core;
    step({ kind: 'connected', worker, generation }, `is connected to ${process.name}`);
    queue.unshift(() => send(process, { kind: 'refresh', worldLine }, 'is connected to the session'));
  }

  return {
    wakeAt: () => sessionWakeAt(session),
    wake: () => step({ kind: 'wake' }, 'wakes'),
    submit(worker, text) {
      const calls = [{ worker, operations: Buffer.from(text), count: 1 }];
      step({ kind: 'submit', calls }, `submits '${text}' for worker ${worker}`);
    },
    commit: () => step({ kind: 'commit' }, 'wants everything committed'),
    connect,
    lose(process) {
      const worker = process.core.config.id;
      if (links.get(worker) !== process) return;
      links.delete(worker);
      queue.push(() => step({ kind: 'disconnected', worker }, `lost ${process.name}`));
    },
    receive(process, sent) {
      const message = received(sent);
      const worker = process.core.config.id;
      queue.push(() => {
        if (links.get(worker) !== process) return;
        step({ kind: 'frames', worker, messages: [message] }, `<- ${process.name}: ${message.kind}`);
      });
    },
    receiveFromFinder(message) {
      if (message.kind !== 'cluster') {
        step({ kind: 'frames', worker: undefined, messages: [message] }, `<- finder: ${message.kind}`);
        return;
      }
      for (const { id: worker, generation } of message.removed) {
        step({ kind: 'removed', worker, generation }, `hears that worker ${worker} was removed`);
      }
    },
  };
}

function showEffect(effect: SessionEffect): string {
  switch (effect.kind) {
    case 'send':
      return `-> worker ${effect.worker}: ${showMessage(effect.message)}`;
    case 'sendFinder':
      return `-> finder: ${showMessage(effect.message)}`;
    default: {
      const { kind, ...rest } = effect;
      return `${kind} ${show(rest)}`;
    }
  }
}
