/** Installs the packages with npm, pnpm and Yarn Plug'n'Play, tests them, and checks which files they contain. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

import { filesOf, pnpm, Project, tarball, yarn } from './project.js'
import { ROOT } from './support.js'

const PAGE = filesOf('docs/testing.md')
const COUNT = PAGE.get('job.test.mjs')?.match(/^test\(/gm)?.length ?? 0
const DEPENDENCIES = ['hightouch-sdk', 'hightouch-sandbox'].flatMap((name) => [name, `${name}-linux-x64-gnu`])

/** Returns a function that returns the contents of a file in the tarball of a package. */
function contents(name: string): (file: string) => Buffer {
  const listed = execFileSync('tar', ['-tzf', tarball(name)], { encoding: 'utf8' })
    .trim()
    .split('\n')
  return (file) => {
    assert(listed.includes(`package/${file}`), `${name} has no ${file}`)
    return execFileSync('tar', ['-xzOf', tarball(name), `package/${file}`], { maxBuffer: 1 << 27 })
  }
}

/** Creates a project with a manifest that names the tarballs as dependencies, because no registry has this version. */
function projectOf(overrides: (files: Record<string, string>) => object): Project {
  const project = new Project()
  const files = Object.fromEntries(DEPENDENCIES.map((name) => [name, `file:${tarball(name)}`]))
  project.write('package.json', JSON.stringify({ private: true, dependencies: files, ...overrides(files) }))
  for (const [name, text] of PAGE) project.write(name, text)
  return project
}

describe('a package that is installed without cargo', () => {
  test('by npm passes the tests of the page', async () => {
    const project = new Project()
    await project.install()
    for (const [name, text] of PAGE) project.write(name, text)
    assert.match(await project.succeed('node', ['--test', 'job.test.mjs']), passed())
  })

  test('by pnpm passes the tests of the page', async () => {
    const program = await pnpm()
    const project = projectOf(() => ({}))
    // pnpm must not look for the packages for other platforms, because no registry has this version.
    project.write(
      'pnpm-workspace.yaml',
      `overrides:\n${others()
        .map((name) => `  ${name}: '-'\n`)
        .join('')}`,
    )
    await project.succeed(program, [
      'install',
      '--ignore-scripts',
      '--offline',
      '--store-dir',
      project.file('store'),
    ])
    assert.match(await project.succeed('node', ['--test', 'job.test.mjs']), passed())
    // pnpm links the program, which must run through that link.
    await project.succeed(program, ['exec', 'hightouch-sandbox', '--version'])
  })

  test("by Yarn with Plug'n'Play passes the tests of the page", async () => {
    const program = await yarn()
    const project = projectOf((files) => ({
      resolutions: { ...files, ...Object.fromEntries(others().map((name) => [name, 'link:./absent'])) },
    }))
    project.write('yarn.lock', '')
    const settings =
      'nodeLinker: pnp\nenableGlobalCache: false\nenableTelemetry: false\nenableNetwork: false\npnpEnableEsmLoader: true\n'
    project.write('.yarnrc.yml', settings)
    await project.succeed('node', [program, 'install'])
    assert(existsSync(project.file('.pnp.cjs')) && !existsSync(project.file('node_modules')))
    assert.match(await project.succeed('node', [program, 'node', '--test', 'job.test.mjs']), passed())
  })

  /** `packaging/debian` creates a tree of Debian with glibc 2.31, the oldest on Debian's mirrors, and needs root. */
  test('passes the tests of the page on an old Debian', { skip: process.getuid?.() !== 0 }, async (t) => {
    const tree = execFileSync(path.join(ROOT, 'packaging', 'debian'), ['bullseye'], {
      encoding: 'utf8',
    }).trim()
    const project = new Project()
    await project.install()
    for (const [name, text] of PAGE) project.write(name, text)
    cpSync(process.execPath, project.file('bin/node'))
    // `unshare` runs this script in a mount namespace of its own, so the mounts end with the script.
    const mounts =
      'mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; mount --bind "$2" "$1/mnt"; exec /usr/sbin/chroot "$1" ' +
      '/usr/bin/env -i PATH=/mnt/bin:/usr/bin:/bin HOME=/mnt sh -euc "cd /mnt; ldd --version; node --test job.test.mjs"'
    const inTree = [
      '--mount',
      '--propagation',
      'private',
      'bash',
      '-euc',
      mounts,
      'bash',
      tree,
      project.folder,
    ]
    const output = await project.succeed('unshare', inTree)
    t.diagnostic(output.split('\n', 1)[0] ?? '')
    assert.match(output, passed())
  })
})

describe('the packages', () => {
  for (const [name, built] of [
    ['hightouch-sdk', 'hightouch-sdk.linux-x64-gnu.node'],
    ['hightouch-sandbox', 'hightouch-sandbox'],
  ] as const) {
    test(`${name} has what its users expect`, () => {
      const read = contents(name)
      for (const file of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE']) assert(read(file).length > 400, file)
      const manifest = JSON.parse(read('package.json').toString()) as Record<string, unknown>
      for (const member of ['description', 'license', 'keywords', 'engines', 'types'])
        assert(manifest[member], member)
      assert.equal(Object.keys(manifest.optionalDependencies as object).length, 7)
      assert.equal(manifest.devDependencies, undefined)
    })

    test(`${name}-linux-x64-gnu is for this platform, and needs no newer glibc than 2.28`, (t) => {
      const read = contents(`${name}-linux-x64-gnu`)
      for (const file of ['README.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'THIRD-PARTY-NOTICES.txt']) read(file)
      const { os, cpu, libc } = JSON.parse(read('package.json').toString()) as Record<string, string[]>
      assert.deepEqual([os, cpu, libc], [['linux'], ['x64'], ['glibc']])
      const newest = newestGlibc(read(built))
      t.diagnostic(
        `${name}: GLIBC_2.${String(newest)}, ${String(statSync(tarball(`${name}-linux-x64-gnu`)).size)} bytes`,
      )
      assert(newest > 0 && newest <= 28)
    })
  }

  test('have a source map that names the sources', () => {
    const read = contents('hightouch-sdk')
    assert.match(read('dist/hightouch-sdk.js').toString(), /^\/\/# sourceMappingURL=hightouch-sdk\.js\.map$/m)
    const map = JSON.parse(read('dist/hightouch-sdk.js.map').toString()) as Record<string, string[]>
    const at = map.sources?.indexOf('../src/client.ts') ?? -1
    assert.equal(
      map.sourcesContent?.[at],
      readFileSync(path.join(ROOT, 'bindings-node/src/client.ts'), 'utf8'),
    )
  })

  test('name the repository, which npm compares with their provenance', () => {
    const project = new Project()
    project.write('built/hightouch-sdk.linux-x64-gnu.node', '')
    const tool = path.join(ROOT, 'bindings-node', 'tools', 'platform-packages.mjs')
    const folders = [project.file('built'), project.file('out')]
    execFileSync(process.execPath, [tool, ...folders, '--address', 'https://example.com/someone/sdk'], {
      stdio: 'ignore',
    })
    for (const name of readdirSync(project.file('out'))) {
      const manifest = execFileSync('tar', ['-xzOf', project.file(`out/${name}`), 'package/package.json'], {
        encoding: 'utf8',
      })
      assert.match(manifest, /"url": "git\+https:\/\/example\.com\/someone\/sdk\.git"/)
    }
  })
})

function passed(): RegExp {
  return new RegExp(`^(#|ℹ) pass ${String(COUNT)}$`, 'm')
}

/** Returns the names of the packages for all other platforms. */
function others(): string[] {
  return ['hightouch-sdk', 'hightouch-sandbox'].flatMap((name) => {
    const manifest = JSON.parse(contents(name)('package.json').toString()) as { optionalDependencies: object }
    return Object.keys(manifest.optionalDependencies).filter((one) => !DEPENDENCIES.includes(one))
  })
}

/** Returns the minor version of the newest glibc that a binary requires: 28 for glibc 2.28. */
function newestGlibc(file: Buffer): number {
  const named = [...file.toString('latin1').matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
  return Math.max(0, ...named)
}
