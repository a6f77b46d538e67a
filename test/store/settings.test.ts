import { ProcessError } from '@dpr/runtime';
import { STORE_MEMORY_SHARES } from '../../infra/plan/worker-types.ts';
import assert from 'node:assert/strict';
import { limitsOf, MEMORY_SHARES, MIN_MAX_MEMORY_BYTES, storeSettings } from '../../services/store/settings.ts';

const GIB = 2 ** 30;

function limits(variables: Record<string, string>, memoryBytes = GIB) {
  const warnings: object[] = [];
  const none = (): void => undefined;
  const log = { debug: none, info: none, warn: (fields: object) => void warnings.push(fields), error: none };
  return { ...limitsOf(storeSettings(variables), memoryBytes, log), warnings };
}

function refusal(variables: Record<string, string>): string {
  try {
    storeSettings(variables);
  } catch (error) {
    assert.ok(error instanceof ProcessError);
    return error.message;
  }
  throw new Error('it is not refused');
}

describe('limits of a store by its environment', () => {
  it('are half of the memory, and no eviction, where it says nothing', () => {
    assert.deepEqual(limits({}), { maxBytes: GIB / 2, maxLiveBytes: undefined, warnings: [] });
  });

  it('are what it says, with and without eviction', () => {
    const variables = { DPR_MAX_MEMORY_BYTES: '100000000' };
    assert.deepEqual(limits(variables), { maxBytes: 1e8, maxLiveBytes: undefined, warnings: [] });
    const evicting = { ...variables, DPR_EVICTION: 'lru' };
    assert.deepEqual(limits(evicting), { maxBytes: GIB / 2, maxLiveBytes: 1e8, warnings: [] });
    const unsaid = limits({ DPR_EVICTION: 'lru' });
    assert.deepEqual(unsaid, { maxBytes: GIB / 2, maxLiveBytes: (GIB * 3) / 8, warnings: [] });
  });

  it('are at most what the process has memory for, which is told', () => {
    for (const [eviction, most] of [
      ['none', GIB / 2],
      ['lru', (GIB * 3) / 8],
    ] as const) {
      const at = limits({ DPR_EVICTION: eviction, DPR_MAX_MEMORY_BYTES: String(most) });
      assert.deepEqual(at.warnings, []);
      const { maxBytes, maxLiveBytes, warnings } = limits({
        DPR_EVICTION: eviction,
        DPR_MAX_MEMORY_BYTES: String(most + 1),
      });
      assert.equal(maxLiveBytes ?? maxBytes, most);
      const reason = `maxMemory is ${most + 1} bytes, and of the ${GIB} that the process may use keys may take ${most}: that is the limit`;
      const line = { event: 'maxMemoryLowered', maxMemoryBytes: most + 1, memoryBytes: GIB, bytes: most, reason };
      assert.deepEqual(warnings, [line]);
    }
  });

  it('are parts of the memory that the config knows too', () => {
    assert.deepEqual(MEMORY_SHARES, STORE_MEMORY_SHARES);
  });

  it('are refused where a variable is wrong', () => {
    assert.match(refusal({ DPR_EVICTION: 'lfu' }), /DPR_EVICTION is 'lfu': one of none, lru is expected/);
    for (const bytes of ['', '-1', '1e9', '256Mi', String(MIN_MAX_MEMORY_BYTES - 1), '9007199254740992']) {
      const text = `DPR_MAX_MEMORY_BYTES is '${bytes}': a whole number from 1048576 to 9007199254740991 is expected`;
      assert.ok(refusal({ DPR_MAX_MEMORY_BYTES: bytes }).includes(text));
    }
    const least = storeSettings({ DPR_MAX_MEMORY_BYTES: String(MIN_MAX_MEMORY_BYTES) });
    assert.deepEqual(least, { maxMemoryBytes: MIN_MAX_MEMORY_BYTES, eviction: 'none' });
  });
});
