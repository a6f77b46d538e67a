import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseConfig } from '@dpr/infra/config';
import { planLocal } from '@dpr/infra/plan';
import { isLoopback } from '@dpr/runtime/loopback';
import { ephemeralPorts, openToOthers, portsAtRisk } from '../../services/local/exposure-warnings.ts';

function plan(raw: object, host = '127.0.0.1') {
  const options = { dataDirectory: '/data', programDirectory: '/dist', node: 'node', host };
  return planLocal(parseConfig(raw, 'local'), options);
}

const USUAL = { first: 32_768, last: 60_999 };

describe('an administrator is warned', () => {
  it('of other machines that are let in without a token, and of nothing else', () => {
    const workers = [{ id: 0 }];
    for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost']) {
      assert.ok(isLoopback(host), host);
      assert.equal(openToOthers(host, plan({ workers }, host)), undefined);
    }
    for (const host of ['0.0.0.0', '::', '10.0.0.7', 'devbox.lan']) {
      const warning = openToOthers(host, plan({ workers }, host)) ?? '';
      assert.match(warning, new RegExp(`^--host ${host.replaceAll('.', '\\.')} lets other machines in, .*port 6379`));
      assert.ok(!warning.includes('\n'));
      assert.equal(openToOthers(host, plan({ workers, clientToken: 'client-0123456789' }, host)), undefined);
    }
  });

  it('of ports that an outgoing connection may take', () => {
    const workers = [{ id: 0 }, { id: 1 }];
    for (const [basePort, expected] of [
      [6_379, undefined],
      [22_767, undefined],
      [22_768, /^port 32768 \(control\) lies in 32768 to 60999, .*below 32768$/],
      [32_765, /^port 42765 \(control\) lies in/],
      [32_766, /^ports 42766 \(control\) and 1 more lie in/],
      [40_000, /^ports 40000 and 3 more lie in/],
    ] as const) {
      const warning = portsAtRisk(plan({ basePort, workers }), USUAL);
      if (expected === undefined) assert.equal(warning, undefined, String(basePort));
      else assert.match(warning ?? '', expected);
      assert.ok(warning?.includes('\n') !== true);
    }
    const everything = { first: 1_024, last: 65_535 };
    assert.match(portsAtRisk(plan({ workers }), everything) ?? '', /^ports 6379 and 6 more .*ip_local_port_range$/);
  });

  it('of the range that the machine has', () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'dpr-'));
    try {
      const file = path.join(directory, 'range');
      writeFileSync(file, '15000\t64000\n');
      assert.deepEqual(ephemeralPorts(file), { first: 15_000, last: 64_000 });
      writeFileSync(file, 'nonsense');
      assert.deepEqual(ephemeralPorts(file), { first: 32_768, last: 65_535 });
      assert.deepEqual(ephemeralPorts(path.join(directory, 'none')), { first: 32_768, last: 65_535 });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
