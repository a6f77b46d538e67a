#!/usr/bin/env node
// Answers as kubectl does for a cluster of a Finder and two counters, and writes down what it was asked. A pod that was deleted is
// gone at first, and its successor comes as an event.
import { appendFileSync, readFileSync } from 'node:fs';
import process from 'node:process';

const words = process.argv.slice(2);
const { FAKE_KUBECTL_LOG: log = '' } = process.env;
appendFileSync(log, `${words.join(' ')}\n`);
const deleted = readFileSync(log, 'utf8').includes('delete pod --namespace ours counter-0-0');

/** @param {unknown} value */
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

/**
 * @param {string} role
 * @param {string} name
 * @param {object} more
 */
const pod = (role, name, uid = 'first', more = {}) => ({
  metadata: {
    name: `${name}-0`,
    uid,
    labels: { 'app.kubernetes.io/component': role, 'app.kubernetes.io/instance': name },
    ...more,
  },
  status: {
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: role, containerID: `container-of-${uid}` }],
  },
});

const [verb = '', what = '', name = ''] = words[0] === '--context' ? words.slice(2) : words;
switch (`${verb} ${what}`) {
  case 'config view':
    if (words[1] === 'nowhere') {
      process.stderr.write('error: cannot locate context nowhere\n');
      process.exit(1);
    }
    print({ contexts: [{ name: 'here', context: {} }], clusters: [{ cluster: { server: 'https://api' } }] });
    break;
  case 'get namespace':
    print({ metadata: { labels: name === 'ours' ? { 'app.kubernetes.io/part-of': 'dpr-cluster' } : {} } });
    break;
  case 'get --raw':
    if (name.includes('watch=1')) {
      print({ type: 'MODIFIED', object: pod('worker', 'counter-1') });
      print({ type: 'ADDED', object: pod('worker', 'counter-0', 'second') });
      setTimeout(() => undefined, 60_000); // until it is ended
    } else {
      const ending = pod('worker', 'counter-10', 'first', { deletionTimestamp: 'now' });
      const others = [pod('worker', 'counter-1'), pod('finder', 'dpr-finder'), ending];
      const items = deleted ? others : [...others, pod('worker', 'counter-0')];
      print({ metadata: { resourceVersion: '7' }, items });
    }
    break;
  case 'exec --namespace':
    process.stdout.write('struck\n');
    process.exitCode = 137; // it ends with the container
    break;
  case 'delete pod':
    break;
  case 'logs --namespace':
    print({ time: new Date().toISOString(), event: 'connected' });
    print({ time: new Date().toISOString(), event: 'serving' });
    break;
  default:
    process.stderr.write(`WARNING: version difference\nerror: what is ${words.join(' ')}?\n`);
    process.exitCode = 1;
}
