import { MAX_WORKER_ID } from '@dpr/protocol';
import assert from 'node:assert/strict';
import { respStage } from './stage.ts';

const OK = '+OK\r\n';
const OTHER = 7;
const ROLLBACK = /^-ROLLBACK world-line 2: a failure took back what the token tells of; this command was not executed/;
const NO_TOKEN = /^-ERR this is no token: DPR\.TOKEN of another worker answers one/;

type Stage = ReturnType<typeof respStage>;

function see(stage: Stage, version: number, worldLine = 1): string {
  return stage.connect().call(['DPR.SEE', `${worldLine}:${OTHER}:${version}`]);
}

/** A version that the worker is not at yet, and that clients may have seen elsewhere. */
const ahead = (stage: Stage): number => stage.worker.version + 10;

describe('what a connection depends on', () => {
  it('is told as the version in which it executed something last', () => {
    const stage = respStage();
    const [client, idle] = [stage.connect(), stage.connect()];
    client.call(['SET', 'a', '1']);
    const token = `1:0:${stage.worker.version}`;
    assert.equal(client.call(['DPR.TOKEN']), `$${token.length}\r\n${token}\r\n`);
    assert.equal(idle.call(['DPR.TOKEN']), '$5\r\n1:0:0\r\n');
    stage.commit();
    assert.equal(client.call(['DPR.TOKEN']), `$${token.length}\r\n${token}\r\n`);
  });

  it('is added to what the worker’s next version depends on, which is no lower', () => {
    const stage = respStage();
    const version = ahead(stage);
    assert.equal(see(stage, version), OK);
    assert.deepEqual([...stage.worker.dependencies], [[OTHER, version]]);
    assert.ok(stage.worker.version >= version);
    assert.equal(see(stage, 0), OK);
    assert.equal(stage.worker.dependencies.size, 1);
  });

  it('is part of what the connection itself did', () => {
    const stage = respStage();
    const [client, other] = [stage.connect(), stage.connect()];
    assert.equal(client.call(['DPR.SEE', `1:${OTHER}:${ahead(stage)}`], ['WAITAOF', '1', '0', '0']), OK);
    stage.rollBack();
    assert.match(
      client.received() + client.call(['GET', 'a']),
      /^-ROLLBACK world-line 2: a failure took back what this connection/,
    );
    assert.equal(other.call(['GET', 'a']), '$-1\r\n');
  });

  it('needs nothing where it survived the end of its world-line, and is refused where it did not', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['SET', 'a', '1']);
    stage.commit();
    const kept = stage.worker.committed;
    stage.rollBack();
    assert.equal(client.call(['DPR.SEE', `1:0:${kept}`], ['GET', 'a']), `${OK}$1\r\n1\r\n`);
    assert.equal(stage.worker.dependencies.size, 0);
    assert.match(client.call(['DPR.SEE', `1:0:${kept + 1}`]), ROLLBACK);
    assert.match(see(stage, 1), ROLLBACK);
    assert.equal(client.call(['GET', 'a']), '$1\r\n1\r\n');
  });

  it('is refused where decisions are forgotten, and the connections of the port go on', () => {
    const stage = respStage();
    const client = stage.connect();
    stage.rollBack();
    stage.worker.decisions = [];
    assert.match(
      client.call(['DPR.SEE', `1:${OTHER}:1`]),
      /^-ROLLBACK world-line 2: it is not known any more what survived of world-line 1;/,
    );
    assert.equal(client.call(['SET', 'a', '1']), OK);
    assert.ok(client.isOpen());
  });

  it('is to be seen again where the worker has not heard of its world-line', () => {
    const stage = respStage();
    assert.match(see(stage, 1, 2), /^-TRYAGAIN this worker has not heard of world-line 2 yet/);
  });

  it('is lost to a rollback also while DPR.SEE waits, which does not execute then', () => {
    const stage = respStage({ maxUnwrittenVersions: 1 });
    const [writer, client] = [stage.connect(), stage.connect()];
    writer.call(['SET', 'a', '1']);
    stage.holdWrites();
    stage.seal();
    assert.equal(client.call(['DPR.SEE', `1:${OTHER}:${ahead(stage)}`], ['SET', 'b', '2']), '');
    stage.rollBack();
    stage.letWrite();
    const [first = '', ...rest] = client.received().split(/(?<=\r\n)/);
    assert.match(first, ROLLBACK);
    assert.deepEqual(rest, [OK]);
    assert.equal(stage.worker.dependencies.size, 0);
  });

  it('is refused where no worker can be so far, and forgotten then', () => {
    const stage = respStage();
    assert.match(see(stage, Number.MAX_SAFE_INTEGER), /^-ABSURDVERSION /);
    const client = stage.connect();
    assert.equal(client.call(['SET', 'a', '1']), OK);
    assert.equal(stage.worker.dependencies.size, 0);
  });

  it('is not asked for or seen in a transaction', () => {
    const stage = respStage();
    const client = stage.connect();
    client.call(['MULTI'], ['DPR.TOKEN'], ['DPR.SEE', '1:7:1'], ['SET', 'a', '1']);
    assert.match(
      client.call(['EXEC']),
      /^\*3\r\n-ERR commands of DPR are not for transactions\r\n-ERR commands of DPR are not for transactions\r\n\+OK\r\n$/,
    );
  });

  it('is three numbers, as large as they may be', () => {
    const stage = respStage();
    const client = stage.connect();
    assert.equal(client.call(['DPR.SEE', `1:${MAX_WORKER_ID}:${ahead(stage)}`]), OK);
    const bad = [`1:${MAX_WORKER_ID + 1}:1`, '1:7', '1:7:1:1', ':7:1', '1:7:-1', '1:7:1.5', ''];
    for (const text of [...bad, `1:7:${2 ** 53}`, `${2 ** 53}:7:1`])
      assert.match(client.call(['DPR.SEE', text]), NO_TOKEN);
    assert.equal(client.call(['SET', 'a', '1']), OK);
  });
});
