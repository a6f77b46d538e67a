#!/usr/bin/env node
// `./dpr …` in a checkout, and `npx dpr …` once it is installed: installs and bundles what is missing, then runs the command.
import process from 'node:process';

process.argv.splice(2, 0, 'dpr');
await import('../../scripts/run.mjs');
