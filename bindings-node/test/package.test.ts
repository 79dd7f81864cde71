import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'

import { loadNative } from '../dist/native.js'
import { PERMISSION, ROOT } from './support.js'

const manifest = JSON.parse(readFileSync(path.join(ROOT, 'bindings-node', 'package.json'), 'utf8')) as {
  version: string
  scripts?: Record<string, string>
}
const lock = readFileSync(path.join(ROOT, 'bindings-node', 'package-lock.json'), 'utf8')
// Uses the `require` and `import` of Node.js itself, because tsc compiles an import statement to `require`.
const required = createRequire(__filename)('hightouch-sdk') as Record<string, unknown>
const imported = import('hightouch-sdk') as Promise<Record<string, unknown>>

describe('the package', () => {
  test('exports the same names and classes to import and require', async () => {
    // Two names are not exports of the package: tsc adds `__esModule`, and Node.js adds `module.exports`.
    const { __esModule, 'module.exports': whole, ...names } = await imported
    assert(__esModule === undefined || __esModule === true)
    assert(whole === undefined || whole === required)
    assert.deepEqual(Object.keys(names).sort(), Object.keys(required).sort())
    for (const [name, value] of Object.entries(names)) assert.equal(value, required[name], name)
  })

  test('keeps the names of classes in its bundle', () => {
    for (const [name, value] of Object.entries(required))
      if (typeof value === 'function') assert.equal(value.name, name)
  })

  /** Comments and the code that esbuild adds for exports, names and default imports slow every start of a program. */
  test('has a bundle with neither comments nor helpers of esbuild', () => {
    const code = readFileSync(createRequire(__filename).resolve('hightouch-sdk'), 'utf8')
    assert.doesNotMatch(code, /\/\*\*|^\s*\/\/(?!# sourceMappingURL)/m)
    assert.deepEqual([...code.matchAll(/^var __\w+/gm)].map(String), [])
  })

  test('loads no addon and no public module of Node.js for I/O until a client is created', async () => {
    const code = `const before = process.moduleLoadList.length
      require('hightouch-sdk')
      const loaded = process.moduleLoadList.slice(before).map((entry) => entry.replace('NativeModule ', ''))
      const addons = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'))
      console.log(JSON.stringify({ loaded, addons }))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--eval', code], {
      cwd: path.join(ROOT, 'bindings-node'),
    })
    const { loaded, addons } = JSON.parse(stdout) as Record<'loaded' | 'addons', string[]>
    assert.deepEqual(addons, [])
    const light = ['async_hooks', 'diagnostics_channel', 'fs', 'module', 'path', 'url', 'util']
    assert.deepEqual(
      loaded.filter((name) => !name.startsWith('internal/') && !light.includes(name)),
      [],
    )
  })

  test('has the version of the workspace', () => {
    const workspace = readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8')
    const version = /^\[workspace\.package\]\s[^[]*^version = "([^"]+)"/m.exec(workspace)?.[1]
    assert.equal(manifest.version, version)
    assert.equal((JSON.parse(lock) as { version: string }).version, version)
  })

  test('runs nothing when it is installed', () => {
    const scripts = Object.keys(manifest.scripts ?? {})
    assert.deepEqual(
      scripts.filter((name) => /install|^prepare|^prepublish/.test(name)),
      [],
    )
  })

  test('has no registry in its lock file', () => {
    assert.equal(lock.includes('"resolved"'), false)
  })
})

describe('loading the native addon', () => {
  const absent = (id: string): { cause: Error } => {
    return { cause: Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' }) }
  }
  const prebuilt = (target: string): string =>
    path.join(ROOT, 'bindings-node', 'prebuilt', `hightouch-sdk.${target}.node`)

  test('looks in the package first, then for the package of the platform', () => {
    const asked: string[] = []
    const native = { open: () => '', local: () => [], Cancel: Object, Bridge: Object }
    const found = loadNative('linux', 'x64', (id) => {
      asked.push(id)
      return id === 'hightouch-sdk-linux-x64-musl' ? { addon: native } : absent(id)
    })
    assert.equal(found, native)
    assert.deepEqual(asked, [
      prebuilt('linux-x64-gnu'),
      'hightouch-sdk-linux-x64-gnu',
      prebuilt('linux-x64-musl'),
      'hightouch-sdk-linux-x64-musl',
    ])
  })

  test('that is not installed names the platform, the C library and the package', () => {
    const linux = (): unknown => loadNative('linux', 'riscv64', absent)
    assert.throws(
      linux,
      /linux riscv64 \((glibc [0-9.]+|musl)\) is not installed.*hightouch-sdk-linux-riscv64-gnu/,
    )
    const mac = (): unknown => loadNative('darwin', 'arm64', absent)
    assert.throws(mac, /darwin arm64 is not installed.*hightouch-sdk-darwin-arm64/)
  })

  test('that does not fit the system says why', () => {
    const broken = (id: string): { cause: Error } =>
      id.endsWith('-gnu')
        ? { cause: new Error("version `GLIBC_2.38' not found") }
        : id.endsWith('-musl')
          ? { cause: new Error('libc.musl-x86_64.so.1: cannot open shared object file') }
          : absent(id)
    assert.throws(
      () => loadNative('linux', 'x64', broken),
      (error: Error) =>
        error.message.includes("\n  hightouch-sdk-linux-x64-gnu: version `GLIBC_2.38' not found\n") &&
        error.message.includes('\n  hightouch-sdk-linux-x64-musl: libc.musl-x86_64.so.1: cannot open') &&
        error.message.includes('leave hightouch-sdk out of the bundle') &&
        (error.cause as AggregateError).errors.length === 2,
    )
  })

  test('takes the file that a variable names, and nothing else', () => {
    process.env.HIGHTOUCH_ADDON = 'no-such.node'
    try {
      assert.throws(() => loadNative(), /could not be loaded:\n {2}.*no-such\.node: Cannot find module/)
      const [addon = ''] = readdirSync(path.join(ROOT, 'bindings-node', 'prebuilt'))
      process.env.HIGHTOUCH_ADDON = path.join(ROOT, 'bindings-node', 'prebuilt', addon)
      assert.equal(typeof loadNative('linux', 'riscv64').open, 'function')
    } finally {
      delete process.env.HIGHTOUCH_ADDON
    }
  })

  /** Incident: the message said to install the package again, although only the variable was wrong. */
  test('that a variable names wrongly says to correct the variable', () => {
    process.env.HIGHTOUCH_ADDON = 'no-such.node'
    try {
      assert.throws(
        () => loadNative(),
        /HIGHTOUCH_ADDON names this file\. Correct the variable or remove it\.$/,
      )
    } finally {
      delete process.env.HIGHTOUCH_ADDON
    }
  })

  /** Incident: the first client threw "native.open is not a function" if a bundler had replaced the addon by its path. */
  test('does not take any other module for the addon', () => {
    for (const addon of ['./hightouch-sdk.node', { default: './hightouch-sdk.node' }, {}, undefined]) {
      assert.throws(
        () => loadNative('linux', 'x64', () => ({ addon })),
        /\n {2}hightouch-sdk-linux-x64-gnu: This is not the addon of hightouch-sdk\.\n.*leave hightouch-sdk out of the bundle/s,
      )
    }
  })

  /** Incident: if --no-addons or --permission forbade addons, the message said to install the package again. */
  test('that Node forbids says which flag is missing', async () => {
    const code = "new (require('hightouch-sdk').Hightouch)({ apiKey: 'k' })"
    const { stderr } = await promisify(execFile)(process.execPath, ['--no-addons', '--eval', code], {
      cwd: path.join(ROOT, 'bindings-node'),
    }).catch((failed: unknown) => failed as { stderr: string })
    assert.match(stderr, /may not load addons\. If Node runs with --permission, add --allow-addons; /)
    assert.doesNotMatch(stderr, /Install hightouch-sdk again/)
  })

  test('in a file that --permission hides does not keep others from being tried', async () => {
    const dist = path.join(ROOT, 'bindings-node', 'dist')
    const code = `new (require(${JSON.stringify(path.join(dist, 'hightouch-sdk.js'))}).Hightouch)({ apiKey: 'k' })`
    // Some builds of Node.js read the certificates of the system.
    const flags = [PERMISSION, '--allow-addons', ...[dist, '/etc'].map((one) => `--allow-fs-read=${one}/`)]
    const { stderr } = await promisify(execFile)(process.execPath, [...flags, '--eval', code]).catch(
      (failed: unknown) => failed as { stderr: string },
    )
    assert.match(stderr, /-gnu\.node: Access .* restricted[^]*-musl\.node: Access .* restricted/)
  })
})
