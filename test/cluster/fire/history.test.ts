import assert from 'node:assert/strict';
import { type Fate, History } from './history.ts';

/** Steps with marks, by their fates; `|` between them is a commit. */
function historyOf(fates: string): History {
  const history = new History();
  const names: Readonly<Record<string, Fate>> = { d: 'done', r: 'refused', u: 'unknown' };
  for (const letter of fates) {
    if (letter === '|') history.commit();
    else if (letter === 'x') history.lose();
    else history.add({ commands: [['PING', String(history.length)]] }, names[letter] ?? 'done');
  }
  return history;
}

function pathsOf(fates: string): string[] {
  return historyOf(fates)
    .paths([])
    .map((path) => path.join(''))
    .sort();
}

describe('what may be there of what a connection sent', () => {
  it('is all of it, if it heard of no rollback', () => {
    assert.deepEqual(pathsOf('dd|d'), ['012']);
  });

  it('is a beginning that has all that was committed, behind a rollback, with all that came after the rollback', () => {
    assert.deepEqual(pathsOf('ddrd'), ['013', '03', '3']);
    assert.deepEqual(pathsOf('d|drd'), ['013', '03']);
    assert.deepEqual(pathsOf('dd|rd'), ['013']);
    assert.deepEqual(pathsOf('d|rd|rd'), ['024']);
    assert.deepEqual(pathsOf('drd|rd'), ['024', '24']);
    assert.deepEqual(pathsOf('drdrd'), ['024', '04', '24', '4']);
  });

  it('is any beginning that has all that was committed, once the connection broke', () => {
    assert.deepEqual(pathsOf('d|ddx'), ['0', '01', '012']);
    assert.deepEqual(pathsOf('dd|x'), ['01']);
    assert.deepEqual(pathsOf('xx'), ['']);
  });

  it('may lack any one step without an answer, and some before it: the one that would have told of a rollback', () => {
    assert.deepEqual(pathsOf('d|uux'), ['0', '01', '012', '02']);
    assert.deepEqual(pathsOf('du|dx'), ['', '0', '01', '012', '02', '2']);
  });

  it('has the marks that were found', () => {
    const history = new History();
    for (const mark of ['a', 'b', 'c', undefined, 'd']) history.add({ commands: [], mark }, 'unknown');
    history.lose();
    assert.deepEqual(history.paths(['a', 'd']), [
      [0, 3, 4],
      [0, 4],
    ]);
    assert.deepEqual(history.paths(['b', 'a']), []);
    assert.deepEqual(history.paths(['a', 'b', 'e']), []);
  });

  it('is told as commands, with nothing watched behind a rollback', () => {
    const history = historyOf('drd');
    assert.deepEqual(history.commandsOf([0, 2]), [['PING', '0'], ['UNWATCH'], ['PING', '2']]);
  });
});
