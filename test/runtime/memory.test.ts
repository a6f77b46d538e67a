import assert from 'node:assert/strict';
import { getHeapStatistics } from 'node:v8';
import {
  MAX_KEPT_REPLY_BYTES,
  MAX_SESSION_BYTES,
  MAX_UNDO_BYTES,
  MAX_UNWRITTEN_BYTES,
  MAX_WAITING_BYTES,
} from '@dpr/protocol';
import { LEAST_REPLY_BYTES } from '@dpr/core';
import { availableBytes, divideMemory, MIN_MEMORY_BYTES } from '../../services/runtime/memory.ts';
import { limitBytes } from '../../services/runtime/budget.ts';

const MIB = 1024 * 1024;

describe('the memory of a worker', () => {
  it('is what the settings say, or else what there is, and never less than the largest batch needs', () => {
    assert.equal(divideMemory(600 * MIB, 512 * MIB).bytes, 600 * MIB);
    assert.equal(divideMemory(undefined, 512 * MIB).bytes, 512 * MIB);
    const least = divideMemory(undefined, MIB);
    assert.equal(least.bytes, MIN_MEMORY_BYTES);
    assert.equal(least.limits.maxReplyBytes, LEAST_REPLY_BYTES);
    assert.ok(availableBytes() <= 2 * getHeapStatistics().heap_size_limit);
  });

  it('is divided, with enough left for the program, and up to the limits of the protocol', () => {
    const { limits, maxUnsentBytes } = divideMemory(512 * MIB);
    assert.deepEqual(limits, {
      maxSessionBytes: 64 * MIB,
      maxReplyBytes: 32 * MIB,
      maxUnwrittenBytes: 32 * MIB,
      maxUndoBytes: 16 * MIB,
      maxWaitingBytes: 16 * MIB,
    });
    const all = Object.values(limits).reduce((sum, limit) => sum + limit, maxUnsentBytes);
    // One section more than the limit may be on its way to the disk.
    assert.ok(all + limits.maxReplyBytes <= 256 * MIB, `${all / MIB} MiB`);
    assert.deepEqual(divideMemory(1024 * 1024 * MIB).limits, {
      maxSessionBytes: MAX_SESSION_BYTES,
      maxReplyBytes: MAX_KEPT_REPLY_BYTES,
      maxUnwrittenBytes: MAX_UNWRITTEN_BYTES,
      maxUndoBytes: MAX_UNDO_BYTES,
      maxWaitingBytes: MAX_WAITING_BYTES,
    });
  });
});

describe('the limit on what peers have not read', () => {
  it('disconnects the connection that has most, once it is passed', () => {
    const closed: string[] = [];
    const unsent = limitBytes(100);
    const part = (name: string) => unsent.join(() => closed.push(name));
    const [little, much, most] = [part('little'), part('much'), part('most')];
    little.set(10);
    much.set(40);
    most.set(50);
    assert.equal(unsent.bytes(), 100);
    assert.deepEqual(closed, [], 'not at the limit');
    little.set(11);
    assert.deepEqual(closed, ['most']);
    assert.equal(unsent.bytes(), 51);
    little.set(90);
    assert.deepEqual(closed, ['most', 'little'], 'also who tells of it');
    assert.equal(unsent.bytes(), 40);
    much.set(0);
    assert.equal(unsent.bytes(), 0);
  });

  it('counts a connection until it is closed, and not after', () => {
    const unsent = limitBytes(100);
    const part = unsent.join(() => undefined);
    part.set(60);
    part.end();
    assert.equal(unsent.bytes(), 0);
    part.set(60);
    assert.equal(unsent.bytes(), 0);
  });
});
