#!/usr/bin/env node
// Runs the program, with the same arguments and the same exit status.

const { spawn } = require('node:child_process')

const { programPath } = require('../dist/program.js')

const child = spawn(programPath(), process.argv.slice(2), { stdio: 'inherit' })
// A terminal sends the first of these to the whole group. The program then ends by itself.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(`hightouch-sandbox: ${error.message}`)
  process.exitCode = 1
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exitCode = code ?? 1
  else {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
})
