#!/usr/bin/env node
// Runs the program of the package for this platform with the same arguments, and ends with the exit status of the
// program.

const { spawn } = require('node:child_process')

const { programPath } = require('../dist/program.js')

function run(program) {
  const child = spawn(program, process.argv.slice(2), { stdio: 'inherit' })
  // Passes signals on to the program. The handlers also keep this process alive until the program has ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', fail)
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}

function fail(error) {
  console.error(`hightouch-sandbox: ${error.message}`)
  process.exitCode = 1
}

try {
  run(programPath())
} catch (error) {
  fail(error)
}
