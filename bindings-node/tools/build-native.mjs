// Builds the native addon and copies it to `prebuilt`, where src/native.ts looks for it. With the argument `--release`,
// it is optimised. Otherwise it shares the dependencies of the tests; see tests/house/one-build.
//
// The crate is built without the other bindings. In a build with these, Cargo would unify the features of all these
// crates, and the addon would not load.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')

const messages = execFileSync(
  'cargo',
  [
    'build',
    '--locked',
    '--package',
    'hightouch-node',
    ...(process.argv.includes('--release') ? [] : ['--package', 'hightouch-one-build']),
    '--message-format',
    'json-render-diagnostics',
    ...process.argv.slice(2),
  ],
  // The package ships without symbols, so this variable strips them. The profile in Cargo.toml keeps symbols,
  // because maturin reads them when it builds the Python package.
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

// Deletes the folder, so that the package contains only one addon. Overwriting the old file would harm a process that
// still uses it.
rmSync(path.dirname(file), { recursive: true, force: true })
mkdirSync(path.dirname(file))
copyFileSync(
  built.filenames.find((name) => /\.(so|dylib|dll)$/.test(name)),
  file,
)
