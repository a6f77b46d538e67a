import assert from 'node:assert/strict';
import { keepKey, keptKey, takeKey } from '../../../services/console/page/key.ts';

/** A window at this address, opened in a new tab. */
function openWindow(hash: string) {
  const kept = new Map<string, string>();
  const shown: string[] = [];
  return {
    shown,
    location: { hash, pathname: '/', search: '?a=b' },
    history: { replaceState: (_: null, __: string, url: string) => void shown.push(url) },
    sessionStorage: {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
      removeItem: (name: string) => void kept.delete(name),
    },
  };
}

describe('the key of the console', () => {
  it('is taken out of the address and kept', () => {
    const place = openWindow('#key=a+b%2Fc');
    takeKey(place);
    assert.equal(keptKey(place), 'a+b/c');
    assert.deepEqual(place.shown, ['/?a=b']);
  });

  it('may be no right escape', () => {
    const place = openWindow('#key=100%');
    takeKey(place);
    assert.equal(keptKey(place), '100%');
  });

  it('stays when the address has none, and the address as it is', () => {
    for (const hash of ['', '#events', '#monkey=1']) {
      const place = openWindow(hash);
      keepKey(place, 'kept');
      takeKey(place);
      assert.equal(keptKey(place), 'kept');
      assert.deepEqual(place.shown, []);
    }
  });

  it('is forgotten when it was refused', () => {
    const place = openWindow('');
    assert.equal(keptKey(place), '');
    keepKey(place, 'wrong');
    keepKey(place, '');
    assert.equal(keptKey(place), '');
  });
});
