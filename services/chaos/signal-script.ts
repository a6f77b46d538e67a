/** What is run beside the process of a pod to send it a signal. */

/** The script prints this line just before it sends the signal, after which it may be gone itself. */
export const STRUCK = 'struck';

/**
 * Finds the main process of the container that it runs in: of those that see the same files and came from outside (parent 0), the
 * one that came first. The script itself is another such.
 */
export const FIND_MAIN = `
const { readdirSync, readFileSync, readlinkSync, writeSync } = require('node:fs');
const filesOf = (pid) => { try { return readlinkSync('/proc/' + pid + '/ns/mnt'); } catch { return ''; } };
const factsOf = (pid) => {
  try {
    const words = readFileSync('/proc/' + pid + '/stat', 'latin1').replace(/^.*\\) /s, '').split(' ');
    return { pid, parent: words[1], began: Number(words[19]) };
  } catch { return { pid, parent: '', began: 0 }; }
};
const own = filesOf('self');
const [main] = readdirSync('/proc')
  .filter((name) => /^\\d+$/.test(name) && Number(name) !== process.pid && filesOf(name) === own)
  .map(factsOf)
  .filter(({ parent }) => parent === '0')
  .sort((a, b) => a.began - b.began);
if (main === undefined) throw new Error('the main process was not found');
if (main.pid === '1') throw new Error('its process is number 1, which nothing inside can kill or stop: ' +
  'the pod needs shareProcessNamespace, which the deployment of this project sets');
`;

/** For `node --eval SCRIPT SIGNAL` in the container. */
export const SIGNAL_SCRIPT = `${FIND_MAIN}
writeSync(1, '${STRUCK}\\n');
process.kill(Number(main.pid), process.argv[1]);
`;
