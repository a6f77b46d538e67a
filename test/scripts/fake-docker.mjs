#!/usr/bin/env node
// Stands in for Docker, minikube and kind: notes how it was called, and builds an image of one layer and no base.
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as tar from 'tar';

const [, self = '', ...words] = process.argv;
const { FAKE_DIRECTORY: directory = '', FAKE_REFUSES: refuses = '', FAKE_REASON: reason = '' } = process.env;
appendFileSync(path.join(directory, 'calls'), `${[path.basename(self), ...words].join(' ')}\n`);
const after = (/** @type {string} */ option) => words[words.indexOf(option) + 1] ?? '';

if (words[0] === refuses) {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
switch (words[0]) {
  case 'image':
    if (words.includes('{{.Size}}')) process.stdout.write('1000000\n');
    else if (words.includes('{{json .RepoDigests}}')) {
      process.stdout.write(`["${after('{{json .RepoDigests}}').replace(/:[^:]*$/, '')}@sha256:${'d'.repeat(64)}"]\n`);
    }
    break;
  case 'build':
    writeFileSync(after('--iidfile'), `sha256:${'b'.repeat(64)}\n`);
    break;
  case 'save': {
    const saved = mkdtempSync(path.join(directory, 'saved-'));
    mkdirSync(path.join(saved, 'layer'));
    writeFileSync(path.join(saved, 'layer/layer.tar'), 'as it was built');
    const now = new Date().toISOString();
    const config = { architecture: 'amd64', os: 'linux', created: now, config: { Image: now, User: '1000:1000' } };
    const history = Array.from({ length: 5 }, () => ({ created: now, created_by: now }));
    writeFileSync(
      path.join(saved, 'config.json'),
      JSON.stringify({ ...config, rootfs: { type: 'layers', diff_ids: ['sha256:0'] }, history }),
    );
    const manifest = [{ Config: 'config.json', RepoTags: null, Layers: ['layer/layer.tar'] }];
    writeFileSync(path.join(saved, 'manifest.json'), JSON.stringify(manifest));
    tar.create({ sync: true, cwd: saved, file: after('--output') }, ['.']);
    break;
  }
  case 'load':
    if (words.includes('--input')) copyFileSync(after('--input'), path.join(directory, 'loaded.tar'));
    break;
  default:
}
