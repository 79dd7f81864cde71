// Builds the native part and puts it where src/native.ts looks for it: build-native.mjs [--release]
//
// The crate is built alone: built with the other bindings it would share their features, and not load.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')

const messages = execFileSync(
  'cargo',
  [
    'build',
    '--package',
    'hightouch-node',
    '--message-format',
    'json-render-diagnostics',
    ...process.argv.slice(2),
  ],
  // What is shipped carries no symbols; the workspace's profile keeps them for the tools that read them.
  {
    cwd: root,
    env: { CARGO_PROFILE_RELEASE_STRIP: 'symbols', ...process.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
const built = messages
  .toString()
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line))
  .find(({ reason, target }) => reason === 'compiler-artifact' && target.name === 'hightouch_node')

const { glibcVersionRuntime } = process.report.getReport().header
const abi = { linux: glibcVersionRuntime ? '-gnu' : '-musl', win32: '-msvc' }[process.platform] ?? ''
const file = path.join(root, 'prebuilt', `hightouch-sdk.${process.platform}-${process.arch}${abi}.node`)

// One native part and no other goes into the package; a new file, since a process may still run the old one.
rmSync(path.dirname(file), { recursive: true, force: true })
mkdirSync(path.dirname(file))
copyFileSync(
  built.filenames.find((name) => /\.(so|dylib|dll)$/.test(name)),
  file,
)
