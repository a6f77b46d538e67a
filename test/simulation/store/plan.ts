/** What each state of a simulated worker does to its store: a few operations, which follow from the state alone. */
import { createRandom, type Random } from '../random.ts';
import type { State } from '../state-object.ts';
import {
  add,
  addMembers,
  addToField,
  copy,
  drop,
  expire,
  flush,
  ifAbsent,
  persist,
  pop,
  push,
  putFields,
  removeFields,
  removeItem,
  removeMembers,
  removeScored,
  scan,
  score,
  set,
  take,
  type ExpireCondition,
  type Step,
} from './steps.ts';

/** Keys that mostly hold a type, so that collections grow; any type may be copied to and from the others. */
const TEXTS = ['text 1', 'text 2', 'text 3'];
const COUNTS = ['count 1', 'count 2'];
const COLLECTIONS = ['hash', 'list', 'set', 'sorted set'] as const;
const OTHERS = ['copy 1', 'copy 2'];
const KEYS = [...TEXTS, ...COUNTS, ...COLLECTIONS, ...OTHERS];
/** A collection has no more members than this. */
const MEMBERS = 250;
/** Most often few at a time; now and then so many that a collection has more pages than a batch removes when it goes. */
const AMOUNTS = [1, 1, 1, 2, 2, 3, 5, 30];
const MANY = 220;
const MANY_CHANCE = 0.06;
/** Texts of the classes that records have, and a little more. */
const TEXT_BYTES = [0, 1, 8, 20, 40, 90, 300];
/** How long keys live, ms: many are over within a run. */
const LIVES = [1, 5, 20, 60, 200, 1_000];
/** Times that are over, and times to come, by the clocks of workers here; ms since 1970. */
const ENDS = [9_000, 12_000] as const;
const CONDITIONS: readonly (ExpireCondition | undefined)[] = [undefined, 'ifNone', 'ifSome', 'ifLater', 'ifEarlier'];

/** The steps of the batch that makes a state. */
export function stepsOf({ hash, length }: State): Step[] {
  const random = createRandom(hash + length * 2 ** 32);
  const steps: Step[] = [];
  for (let left = random.pick([1, 1, 2, 3]); left > 0; left--) {
    const next = anyOf(random);
    // What is added where a key is not there has to be one operation after the other.
    steps.push(...(random.chance(0.1) ? ifAbsent(random.pick(KEYS), next) : next));
  }
  return steps;
}

function anyOf(random: Random): Step[] {
  const chance = random.next();
  if (chance < 0.2) return [text(random)];
  if (chance < 0.26) return [add(random.chance(0.8) ? random.pick(COUNTS) : random.pick(KEYS), random.int(-9, 99))];
  if (chance < 0.72) return [collection(random)];
  if (chance < 0.82) return [deadline(random)];
  if (chance < 0.92) return [copy(random.pick(KEYS), random.pick(KEYS), random.chance(0.3), random.chance(0.2))];
  if (chance < 0.95) return [drop(random.pick(KEYS))];
  if (chance < 0.97) return take(random.pick([...TEXTS, ...KEYS]));
  return [chance < 0.995 ? scan() : flush()];
}

function text(random: Random): Step {
  const value = String.fromCharCode(random.int(32, 126)).repeat(random.pick(TEXT_BYTES));
  const key = random.chance(0.9) ? random.pick(TEXTS) : random.pick(KEYS);
  const life = { timeToLiveMs: random.pick(LIVES) };
  return set(key, value, {
    ...random.pick([{}, {}, { ifAbsent: true }, { ifPresent: true }]),
    ...random.pick([{}, life, life, { keepDeadline: true }, { deadline: random.int(...ENDS) }]),
  });
}

function deadline(random: Random): Step {
  const key = random.pick(KEYS);
  if (random.chance(0.2)) return persist(key);
  return expire(key, random.chance(0.1) ? 0 : random.pick(LIVES), random.pick(CONDITIONS));
}

function collection(random: Random): Step {
  const kind = random.pick(COLLECTIONS);
  const key = random.chance(0.9) ? kind : random.pick(OTHERS);
  const members = membersOf(random);
  const grows = random.chance(0.75);
  switch (kind) {
    case 'hash':
      if (random.chance(0.1)) return addToField(key, member(random), random.int(-9, 99));
      return grows
        ? putFields(
            key,
            members.map((field) => [field, random.chance(0.3) ? '7' : 'v'.repeat(random.pick(TEXT_BYTES))]),
          )
        : removeFields(key, members);
    case 'list':
      if (random.chance(0.1)) return removeItem(key, random.int(-2, 2), member(random));
      return grows
        ? push(key, random.chance(0.5), members)
        : pop(key, random.chance(0.5), random.chance(0.1) ? MANY : members.length);
    case 'set':
      return grows ? addMembers(key, members) : removeMembers(key, members);
    case 'sorted set':
      return grows
        ? score(
            key,
            members.map((one) => [one, random.int(-50, 50)]),
          )
        : removeScored(key, members);
  }
}

function membersOf(random: Random): string[] {
  const amount = random.chance(MANY_CHANCE) ? MANY : random.pick(AMOUNTS);
  return Array.from({ length: amount }, () => member(random));
}

function member(random: Random): string {
  const number = random.int(1, MEMBERS);
  return `member ${number}`.padEnd(number % 3 === 0 ? 40 : 0, '.');
}
