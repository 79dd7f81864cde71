/**
 * Installs the packages from a registry by their names, as users do. npm, pnpm and Yarn must choose the packages for
 * this platform, and only these.
 */

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { before, describe, test } from 'node:test'

import { packFrom, pnpm, Project, tarball, tarballs, yarn } from './project.js'
import { manifestOf, Registry } from './registry.js'

const TARGET = 'linux-x64-gnu'
const SDK = ['hightouch-sdk', `hightouch-sdk-${TARGET}`]
const SANDBOX = ['hightouch-sandbox', `hightouch-sandbox-${TARGET}`]

const JOB = `import { World } from 'hightouch-sandbox'
import { Hightouch } from 'hightouch-sdk'

const world = await World.create({ slugs: ['orders-to-salesforce'] })
Object.assign(process.env, world.environment)
const ht = new Hightouch()
const run = await ht.syncs.trigger('orders-to-salesforce')
const { status } = await run.wait({ timeoutMs: 60_000 })
console.log(status, (await world.requests('syncs.trigger')).length)
await ht.close()
await world.close()
`
const CREATE = `import { Hightouch } from 'hightouch-sdk'

await new Hightouch({ apiKey: 'never-used' }).close()
console.log('created')
`

/** How a test uses an installer. */
interface Installer {
  /** The name of the file with the settings of a project, and the text of this file. */
  settings: (registry: string) => [name: string, text: string]
  /** Returns a command: the program and its first arguments. */
  command: () => Promise<string[]>
  /** The arguments before the name of a package. */
  add: string[]
  /** The arguments after the command that run a file in Node.js. By default, Node.js runs it without the installer. */
  run?: string[]
  /** The folders with what was installed, and a pattern that finds the name of a package in the name of an entry. */
  installed: [folders: string[], pattern: RegExp]
}

const INSTALLERS: Record<string, Installer> = {
  npm: {
    settings: (registry) => ['.npmrc', `registry=${registry}\n`],
    command: () => Promise.resolve(['npm']),
    add: ['install', '--no-audit', '--no-fund'],
    installed: [['node_modules'], /^(hightouch-.+)$/],
  },
  pnpm: {
    settings: (registry) => ['.npmrc', `registry=${registry}\n`],
    command: async () => [await pnpm()],
    add: ['add'],
    installed: [['node_modules/.pnpm'], /^(hightouch-.+?)@/],
  },
  "Yarn with Plug'n'Play": {
    settings: (registry) => [
      '.yarnrc.yml',
      `npmRegistryServer: ${registry}\nunsafeHttpWhitelist: ['127.0.0.1']\nnodeLinker: pnp\npnpEnableEsmLoader: true\n` +
        'enableGlobalCache: false\nenableTelemetry: false\n',
    ],
    command: async () => ['node', await yarn()],
    add: ['add'],
    run: ['node'],
    installed: [['.yarn/cache', '.yarn/unplugged'], /^(hightouch-.+)-npm-/],
  },
}

/** A project in an empty folder. Neither the user's settings and caches nor other registries are used in it. */
class Isolated {
  readonly project = new Project()
  readonly #installer: Installer
  readonly #command: string[]
  readonly #env: NodeJS.ProcessEnv

  private constructor(installer: Installer, command: string[]) {
    this.#installer = installer
    this.#command = command
    const foreign = Object.keys(process.env).filter((name) => /^(npm_|pnpm_|yarn_|xdg_)|_proxy$/i.test(name))
    const removed = Object.fromEntries(foreign.map((name) => [name, undefined]))
    this.#env = { ...removed, HOME: this.project.folder }
  }

  static async create(installer: Installer, registry: Registry): Promise<Isolated> {
    const isolated = new Isolated(installer, await installer.command())
    isolated.project.write('package.json', '{ "private": true }\n')
    isolated.project.write(...installer.settings(registry.url))
    return isolated
  }

  async add(...args: string[]): Promise<string> {
    const [program = '', ...before] = this.#command
    return this.project.succeed(program, [...before, ...this.#installer.add, ...args], this.#env)
  }

  async run(file: string, text: string): Promise<{ code: number; output: string }> {
    this.project.write(file, text)
    const { run } = this.#installer
    const [program = '', ...before] = run === undefined ? ['node'] : [...this.#command, ...run]
    return this.project.run(program, [...before, file], this.#env)
  }

  /** Returns the names of our packages that are installed. */
  installed(): string[] {
    const [folders, pattern] = this.#installer.installed
    const entries = folders.map((folder) => this.project.file(folder)).filter((folder) => existsSync(folder))
    const names = entries.flatMap((folder) => readdirSync(folder)).map((name) => pattern.exec(name)?.[1])
    return [...new Set(names.filter((name) => name !== undefined))].sort()
  }
}

describe('a registry', () => {
  /** The packages for all platforms. Those for other platforms contain an empty file. */
  let all: string[]

  before(() => {
    const built = new Project()
    for (const name of ['hightouch-sdk', 'hightouch-sandbox']) {
      const ours = Object.keys(manifestOf(tarball(name)).optionalDependencies ?? {})
      const end = name === 'hightouch-sdk' ? '.node' : ''
      for (const platform of ours) built.write(`${name}.${platform.slice(name.length + 1)}${end}`, '')
    }
    const empty = packFrom(built.folder, '--all', '--address', 'https://example.com/someone/sdk')
    const real = tarballs()
    const others = readdirSync(empty).filter((file) => !real.some((one) => path.basename(one) === file))
    all = [...real, ...others.map((file) => path.join(empty, file))]
    assert.equal(all.length, 2 * (1 + 7))
  })

  for (const [name, installer] of Object.entries(INSTALLERS)) {
    test(`gives ${name} only the packages for this platform, and they run a sync`, async () => {
      await using registry = await Registry.start(all)
      const user = await Isolated.create(installer, registry)
      await user.add('hightouch-sdk')
      assert.deepEqual(user.installed(), SDK)
      assert.deepEqual([...registry.downloaded].sort(), SDK)
      await user.add('-D', 'hightouch-sandbox')
      assert.deepEqual(user.installed(), [...SANDBOX, ...SDK])
      assert.deepEqual([...registry.downloaded].sort(), [...SANDBOX, ...SDK])
      assert.deepEqual(await user.run('job.mjs', JOB), { code: 0, output: 'success 1\n' })
    })
  }

  /** The message that says that no addon is installed, and what to do. */
  const missing =
    /The native addon of hightouch-sdk for linux x64 \(glibc [\d.]+\) is not installed: neither hightouch-sdk nor hightouch-sdk-linux-x64-gnu or hightouch-sdk-linux-x64-musl contains it\. Install hightouch-sdk again on the machine that runs it, with optional dependencies\./

  test('without a package for this platform leads to an error that names the package', async () => {
    await using registry = await Registry.start(all)
    registry.unpublish(`hightouch-sdk-${TARGET}`)
    const user = await Isolated.create(INSTALLERS.npm ?? assert.fail(), registry)
    await user.add('hightouch-sdk')
    assert.deepEqual(user.installed(), ['hightouch-sdk'])
    const { code, output } = await user.run('create.mjs', CREATE)
    assert.equal(code, 1)
    assert.match(output, missing)
  })

  test('leads to the same error if npm omits optional packages, until they are installed', async () => {
    await using registry = await Registry.start(all)
    const user = await Isolated.create(INSTALLERS.npm ?? assert.fail(), registry)
    await user.add('--omit=optional', 'hightouch-sdk')
    assert.deepEqual(user.installed(), ['hightouch-sdk'])
    assert.match((await user.run('create.mjs', CREATE)).output, missing)
    await user.add('hightouch-sdk')
    assert.deepEqual(await user.run('create.mjs', CREATE), { code: 0, output: 'created\n' })
  })
})
