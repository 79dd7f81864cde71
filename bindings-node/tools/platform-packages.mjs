// Packs the packages that are published: `platform-packages.mjs BUILT OUT [--address URL] [--all]`. BUILT has a file
// `hightouch-sdk.<target>.node` and a file `hightouch-sandbox.<target>` for each platform. Each file becomes a package,
// such as `hightouch-sdk-<target>`. `hightouch-sdk` and `hightouch-sandbox` list these packages as optional
// dependencies, and npm installs the one for its platform.
//
// The packages name the address of the repository, such as https://github.com/OWNER/NAME. With --all, as in a release,
// a missing file or address is an error.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

const TARGETS = {
  'linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'linux-x64-musl': { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'linux-arm64-musl': { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  'darwin-x64': { os: ['darwin'], cpu: ['x64'] },
  'darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
  'win32-x64-msvc': { os: ['win32'], cpu: ['x64'] },
}
const NOTICES = 'THIRD-PARTY-NOTICES.txt'
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE']

const root = path.join(import.meta.dirname, '..')
const repository = path.join(root, '..')

/**
 * The packages. `built` is the name of a platform's file in the folder BUILT, the first argument of this program.
 * `shipped` is the name of the same file in the package for that platform.
 */
const PACKAGES = [
  {
    folder: root,
    notices: path.join(root, NOTICES),
    what: 'The addon',
    built: (target) => `hightouch-sdk.${target}.node`,
    // src/native.ts requires the package, so its main file is the addon.
    shipped: (target) => `hightouch-sdk.${target}.node`,
    entry: (file) => ({ main: file }),
  },
  {
    folder: path.join(root, 'sandbox'),
    notices: path.join(repository, 'tests', 'sandbox', NOTICES),
    what: 'The program',
    built: (target) => `hightouch-sandbox.${target}`,
    shipped: (target) => `hightouch-sandbox${target.startsWith('win32') ? '.exe' : ''}`,
    // Yarn leaves packages zipped. It unpacks a package with this setting, so that the program can be run.
    entry: () => ({ preferUnplugged: true }),
  },
]

const { values, positionals } = parseArgs({
  options: { address: { type: 'string' }, all: { type: 'boolean' } },
  allowPositionals: true,
})
const [built, out] = positionals.map((folder) => path.resolve(folder))
if (values.all && !values.address) throw new Error('--all needs the address of the repository')
const work = mkdtempSync(path.join(tmpdir(), 'hightouch-packages-'))
mkdirSync(out, { recursive: true })
try {
  const packed = PACKAGES.flatMap(packAll)
  if (packed.length === 0) throw new Error(`${built} has no addon and no program`)
  console.log(`packed ${packed.join(', ')}`)
} finally {
  rmSync(work, { recursive: true })
}

/** Packs a package and its packages for platforms, and returns their names. */
function packAll({ folder, notices, what, built: builtName, shipped, entry }) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const { name, version, license, engines, keywords } = manifest
  const targets = Object.keys(TARGETS).filter((target) => existsSync(path.join(built, builtName(target))))
  if (values.all && targets.length < Object.keys(TARGETS).length)
    throw new Error(`${built} has files of ${name} for ${targets.join(', ')} alone`)
  if (targets.length === 0) return []
  for (const target of targets) {
    const file = shipped(target)
    const description = `${what} of ${name} for ${target}`
    const own = { name: `${name}-${target}`, version, description, license, keywords, engines }
    pack({ ...own, ...TARGETS[target], ...entry(file), files: [file, NOTICES, 'LICENSE-*'] }, (to) => {
      cpSync(path.join(built, builtName(target)), path.join(to, file))
      chmodSync(path.join(to, file), 0o755)
      cpSync(notices, path.join(to, NOTICES))
      writeFileSync(
        path.join(to, 'README.md'),
        `${description}. Install \`${name}\` instead, which brings it.\n`,
      )
    })
  }
  const optionalDependencies = Object.fromEntries(
    Object.keys(TARGETS).map((target) => [`${name}-${target}`, version]),
  )
  const { devDependencies: _, ...published } = manifest
  // `prebuilt` has the addon of this machine. The published package has no addon.
  const files = [...manifest.files.filter((file) => file !== 'prebuilt'), 'LICENSE-*']
  pack({ ...published, files, optionalDependencies }, (to) => {
    for (const part of ['dist', 'bin', 'README.md'])
      if (existsSync(path.join(folder, part)))
        cpSync(path.join(folder, part), path.join(to, part), { recursive: true })
  })
  return [name, ...targets.map((target) => `${name}-${target}`)]
}

/** Packs a new folder with this manifest. `fill` gets the path of the folder and writes the other files. */
function pack(manifest, fill) {
  const to = path.join(work, manifest.name)
  mkdirSync(to)
  fill(to)
  for (const file of LICENCES) cpSync(path.join(repository, file), path.join(to, file))
  writeFileSync(path.join(to, 'package.json'), `${JSON.stringify({ ...manifest, ...origin() }, null, 2)}\n`)
  execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
    cwd: to,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/**
 * Returns the fields of the manifest that name the repository. npm compares `repository` with the provenance of the
 * package.
 */
function origin() {
  const url = values.address
  if (!url) return {}
  return {
    repository: { type: 'git', url: `git+${url}.git` },
    homepage: `${url}#readme`,
    bugs: { url: `${url}/issues` },
  }
}
