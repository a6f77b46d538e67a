import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ConfigError, parseConfig } from '@dpr/infra/config';
import { dataDisksOf } from '../../infra/plan/azure/machine-sizes.ts';

type Workers = readonly object[];

/** So many workers that say this much. */
function many(count: number, own: object = {}, from = 0): Workers {
  return Array.from({ length: count }, (_, index) => ({ id: from + index, ...own }));
}

/** What is wrong with so many disks; nothing where all have their place. */
function complaint(azure: object, workers: Workers, others: object = {}): string {
  try {
    parseConfig({ ...others, workers, azure: { location: 'westeurope', ...azure } }, 'kubernetes');
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
}

describe('the check that the nodes can hold the disks', () => {
  it('takes 23 workers and the Finder on three machines with eight places each, and no more', () => {
    assert.equal(complaint({}, many(23)), '');
    assert.equal(
      complaint({}, many(24)),
      'dpr:azure has room for 24 data disks (3 nodes of Standard_D4s_v5 with 8 each), and 25 volumes are on it: raise nodeCount to 4, or set nodeSize to Standard_D8s_v5, or give workers a pool of dpr:azure.pools',
    );
  });

  it('has a remedy that suffices: as many nodes, or as large a machine, as it says', () => {
    assert.equal(complaint({ nodeCount: 4 }, many(24)), '');
    assert.equal(complaint({ nodeSize: 'Standard_D8s_v5' }, many(24)), '');
  });

  it('looks at each pool for itself, by the workers that name it, or whose defaults do', () => {
    const azure = { pools: { fast: { nodeSize: 'Standard_D2s_v5', nodeCount: 1 }, big: {} } };
    const workers = [...many(4), ...many(23, { pool: 'workers' }, 100), ...many(24, { pool: 'big' }, 200)];
    assert.equal(complaint(azure, workers, { workerDefaults: { pool: 'fast' } }), '');
    assert.equal(
      complaint(azure, [...many(5), ...workers.slice(4)], { workerDefaults: { pool: 'fast' } }),
      'dpr:azure.pools.fast has room for 4 data disks (1 node of Standard_D2s_v5 with 4 each), and 5 volumes are on it: raise nodeCount to 2, or set nodeSize to Standard_D4s_v5, or give some of the workers another pool',
    );
  });

  it('counts the most nodes that there may be', () => {
    const azure = { autoscale: { min: 1, max: 3 } };
    assert.equal(complaint(azure, many(23)), '');
    assert.match(complaint(azure, many(24)), /raise autoscale\.max to 4/);
  });

  it('lets volumes of workers that name no pool spill over into pools without a taint', () => {
    const spare = (taint: string) => ({ pools: { open: { nodeCount: 1, taint } } });
    const workers = [...many(28), ...many(3, { pool: 'open' }, 100)]; // 29 on 24 places, and five of eight are free
    assert.equal(complaint(spare('none'), workers), '');
    assert.equal(complaint(spare('team=x:PreferNoSchedule'), workers), '');
    assert.match(complaint(spare('team=x:NoSchedule'), workers), /^dpr:azure has room for 24 .* and 29 volumes/);
    assert.match(complaint(spare('none'), [...workers, ...many(1, {}, 200)]), /^dpr:azure has room for 24 .* and 30/);
  });

  it('counts disks of every kind that the stack makes, and no volume of another class', () => {
    const others = many(9, { storageClass: 'files' }, 100);
    assert.equal(complaint({}, [...many(23, { diskSku: 'Premium_ZRS' }), ...others]), '');
    assert.match(complaint({}, [...many(24, { diskSku: 'Premium_ZRS' }), ...others]), /and 25 volumes/);
    assert.equal(complaint({}, many(24), { finder: { storageClass: 'files' } }), '');
  });

  it('checks a size that it does not know by what the config says of it, and not otherwise', () => {
    const nodeSize = 'Standard_M64s_v2';
    assert.equal(complaint({ nodeSize, nodeCount: 1 }, many(200)), '');
    assert.match(
      complaint({ nodeSize, nodeCount: 1, maxDataDisks: 60 }, many(60)),
      /room for 60 .* raise nodeCount to 2/,
    );
    assert.equal(complaint({ nodeSize, nodeCount: 1, maxDataDisks: 60 }, many(59)), '');
  });

  it('says nothing of machines or nodes that there are not', () => {
    const workers = [...many(65, { pool: 'one' })];
    const one = { nodeSize: 'Standard_D32s_v6', nodeCount: 1 };
    assert.equal(
      complaint({ pools: { one } }, workers),
      'dpr:azure.pools.one has room for 64 data disks (1 node of Standard_D32s_v6 with 64 each), and 65 volumes are on it: raise nodeCount to 2, or give some of the workers another pool',
    );
  });
});

describe('the table of machine sizes', () => {
  /** From Azure's lists of sizes, one of each series that the rules know, and some of those that they leave out. */
  const DOCUMENTED: Readonly<Record<string, number | undefined>> = {
    ...{ Standard_D2s_v3: 4, Standard_D4s_v3: 8, Standard_D8s_v4: 16, Standard_D16ds_v4: 32, Standard_D64s_v3: 32 },
    ...{ Standard_D2s_v5: 4, Standard_D4ads_v5: 8, Standard_D8lds_v5: 16, Standard_D16ps_v5: 32, Standard_D96s_v5: 32 },
    ...{ Standard_D2s_v6: 8, Standard_D4ds_v6: 12, Standard_D8ls_v6: 24, Standard_D16s_v6: 48, Standard_D32s_v6: 64 },
    ...{ Standard_D2as_v6: 4, Standard_D4ads_v6: 8, Standard_D96als_v6: 32, Standard_D128s_v6: 64 },
    ...{ Standard_E2s_v5: 4, Standard_E4bds_v5: 8, Standard_E20s_v5: 32, Standard_E20s_v6: 48, Standard_E8pds_v6: 24 },
    ...{ Standard_F2s_v2: 4, Standard_F4s_v2: 8, Standard_F72s_v2: 32, Standard_F8ams_v6: 16 },
    ...{ Standard_L8s_v3: 16, Standard_L16as_v3: 32, Standard_L8s_v2: 16 },
    ...{
      Standard_B1s: 2,
      Standard_B2s: 4,
      Standard_B4ms: 8,
      Standard_B12ms: 16,
      Standard_B20ms: 32,
      Standard_B2ts_v2: 4,
    },
    ...{
      Standard_E104ids_v5: undefined,
      Standard_M64s: undefined,
      Standard_DC2s_v3: undefined,
      Standard_D4_v2: undefined,
    },
    ...{ 'Standard_E8-4s_v5': undefined, Standard_F8s: undefined, Standard_D4s_v7: undefined, Standard_L8s: undefined },
  };

  it('is as Azure documents it', () => {
    for (const [size, disks] of Object.entries(DOCUMENTED)) assert.equal(dataDisksOf(size), disks, size);
  });

  it('takes a size in any case, as Azure does', () => {
    assert.equal(dataDisksOf('standard_d4S_V5'), 8);
  });

  it('is the one of the document', () => {
    const document = readFileSync(new URL('../../infra/AZURE.md', import.meta.url), 'utf8');
    const rows = Array.from(document.matchAll(/^\| `(Standard_\w+)`.*?\| +(\d+) +\|$/gm), ([, size = '', disks]) => ({
      size,
      disks: Number(disks),
    }));
    assert.ok(rows.length >= 15);
    for (const { size, disks } of rows) assert.equal(dataDisksOf(size), disks, size);
  });
});
