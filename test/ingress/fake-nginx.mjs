// What the feeder sees of NGINX: on SIGHUP it reads its configuration, and serves that version or writes down a refusal.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import process from 'node:process';

const [, , directory = ''] = process.argv;
let version = '';
let refusals = 0;

function load() {
  const text = readFileSync(`${directory}/nginx.conf`, 'utf8');
  const certificate = `${directory}/tls/tls.crt`;
  const read = existsSync(certificate) ? text + readFileSync(certificate, 'utf8') : text;
  if (read.includes('nonsense')) {
    const time = `2026/01/02 03:04:${String(refusals++ % 60).padStart(2, '0')}`;
    appendFileSync(`${directory}/errors.log`, `${time} [emerg] unknown directive "nonsense"\n`);
    process.stdout.write('refused\n');
  } else version = /return ([\w.]+);/.exec(text)?.[1] ?? '';
}

load();
process.on('SIGHUP', load);
createServer((socket) => socket.end(version)).listen(`${directory}/version.sock`, () => {
  writeFileSync(`${directory}/nginx.pid`, String(process.pid));
  process.stdout.write('ready\n');
});
