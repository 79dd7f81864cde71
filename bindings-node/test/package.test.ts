import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'

import { loadNative } from '../dist/native.js'
import { ROOT } from './support.js'

const manifest = JSON.parse(readFileSync(path.join(ROOT, 'bindings-node', 'package.json'), 'utf8')) as {
  version: string
  scripts?: Record<string, string>
}
const lock = readFileSync(path.join(ROOT, 'bindings-node', 'package-lock.json'), 'utf8')
// Not a bundler's or tsc's import: what Node itself does with each.
const required = createRequire(__filename)('hightouch-sdk') as Record<string, unknown>
const imported = import('hightouch-sdk') as Promise<Record<string, unknown>>

describe('the package', () => {
  test('gives import and require the same names and the same classes', async () => {
    // Marks of tsc and Node, not names of ours.
    const { __esModule, 'module.exports': whole, ...names } = await imported
    assert(__esModule === undefined || __esModule === true)
    assert(whole === undefined || whole === required)
    assert.deepEqual(Object.keys(names).sort(), Object.keys(required).sort())
    for (const [name, value] of Object.entries(names)) assert.equal(value, required[name], name)
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

  test('names no registry in its lock file', () => {
    assert.equal(lock.includes('"resolved"'), false)
  })
})

describe('loading the native module', () => {
  const absent = (id: string): never => {
    throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' })
  }

  test('looks in the package first, then for the package of the platform', () => {
    const asked: string[] = []
    const native = { open: () => '' }
    const found = loadNative('linux', 'x64', (id) => {
      asked.push(id)
      return id === 'hightouch-sdk-linux-x64-musl' ? native : absent(id)
    })
    assert.equal(found, native)
    assert.deepEqual(asked, [
      '../prebuilt/hightouch-sdk.linux-x64-gnu.node',
      'hightouch-sdk-linux-x64-gnu',
      '../prebuilt/hightouch-sdk.linux-x64-musl.node',
      'hightouch-sdk-linux-x64-musl',
    ])
  })

  test('in vain names the platform, the C library and the package', () => {
    const linux = (): unknown => loadNative('linux', 'riscv64', absent)
    assert.throws(
      linux,
      /linux riscv64 \((glibc [0-9.]+|musl)\) is not installed.*hightouch-sdk-linux-riscv64-gnu/,
    )
    const mac = (): unknown => loadNative('darwin', 'arm64', absent)
    assert.throws(mac, /darwin arm64 is not installed.*hightouch-sdk-darwin-arm64/)
  })

  test('of a file that does not fit says what the system said', () => {
    const broken = (id: string): unknown =>
      id.endsWith('gnu.node') ? assert.fail("version `GLIBC_2.38' not found") : absent(id)
    assert.throws(
      () => loadNative('linux', 'x64', broken),
      (error: Error) =>
        error.message.includes('could not be loaded') && String(error.cause).includes('GLIBC_2.38'),
    )
  })
})
