// Packs the packages that are published: `platform-packages.mjs ADDONS OUT [--all]`. ADDONS has a file
// `hightouch-sdk.<target>.node` for each platform. Each becomes a package `hightouch-sdk-<target>`, of which npm installs
// the one that fits. The package `hightouch-sdk` names them as optional dependencies. With --all, the addon of every
// platform must be there.

import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const TARGETS = {
  'linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'linux-x64-musl': { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'linux-arm64-musl': { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  'darwin-x64': { os: ['darwin'], cpu: ['x64'] },
  'darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
  'win32-x64-msvc': { os: ['win32'], cpu: ['x64'] },
}

const root = path.join(import.meta.dirname, '..')
const [addons, out] = process.argv.slice(2).map((folder) => path.resolve(folder))
const work = mkdtempSync(path.join(tmpdir(), 'hightouch-packages-'))
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
const { version, license, engines } = manifest

function pack(folder) {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', out], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function addLicences(folder) {
  for (const file of ['LICENSE-MIT', 'LICENSE-APACHE'])
    cpSync(path.join(root, '..', file), path.join(folder, file))
}

function write(folder, json) {
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(json, null, 2)}\n`)
  addLicences(folder)
}

mkdirSync(out, { recursive: true })
const packed = []
for (const [target, platform] of Object.entries(TARGETS)) {
  const file = `hightouch-sdk.${target}.node`
  if (!existsSync(path.join(addons, file))) {
    if (process.argv.includes('--all')) throw new Error(`${addons} has no ${file}`)
    continue
  }
  const name = `hightouch-sdk-${target}`
  const folder = path.join(work, name)
  mkdirSync(folder)
  cpSync(path.join(addons, file), path.join(folder, file))
  const description = `The addon of hightouch-sdk for ${target}`
  write(folder, {
    name,
    version,
    description,
    license,
    engines,
    ...platform,
    main: file,
    files: [file, 'LICENSE-*'],
  })
  pack(folder)
  packed.push(name)
}
if (packed.length === 0) throw new Error(`${addons} has no addon`)

const folder = path.join(work, 'hightouch-sdk')
cpSync(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true })
delete manifest.devDependencies
const files = manifest.files.filter((file) => file !== 'prebuilt')
const optionalDependencies = Object.fromEntries(
  Object.keys(TARGETS).map((target) => [`hightouch-sdk-${target}`, version]),
)
write(folder, { ...manifest, files: [...files, 'LICENSE-*'], optionalDependencies })
pack(folder)
rmSync(work, { recursive: true })
console.log(`packed hightouch-sdk and ${packed.join(', ')}`)
