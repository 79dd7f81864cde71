/** Projects as a user has them: folders in which the packed packages are installed, on a machine without cargo. */

import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { emptyFolder, ROOT } from './support.js'

/** Returns a `PATH` that has one version of Node.js, npm and the programs of the system, but not cargo. */
function pathWith(node: string): string {
  const bin = emptyFolder()
  symlinkSync(node, path.join(bin, 'node'))
  for (const name of ['npm', 'npx']) {
    const found = execFileSync('which', [name], { encoding: 'utf8' }).trim()
    symlinkSync(realpathSync(found), path.join(bin, name))
  }
  const search = [bin, '/usr/bin', '/bin'].filter((folder) => !existsSync(path.join(folder, 'cargo')))
  return search.join(':')
}

/** Returns the binaries of this version of Node.js, and of the versions that `make node-versions` installed. */
export function nodes(): string[] {
  const folder = path.join(ROOT, 'build', 'nodes')
  const installed = existsSync(folder) ? readdirSync(folder) : []
  const binaries = installed.map((version) =>
    path.join(folder, version, 'node_modules', 'node', 'bin', 'node'),
  )
  return [process.execPath, ...binaries.filter((binary) => existsSync(binary))]
}

/** How a program ended. */
export interface Ended {
  code: number
  output: string
}

/** A folder with a program that uses the packages. */
export class Project {
  readonly folder = emptyFolder()
  readonly #env: NodeJS.ProcessEnv

  constructor() {
    // No test may get a real API key. Variables that set the registry or the proxy of npm stay.
    const kept = Object.entries(process.env).filter(([name]) => !/^(HIGHTOUCH_|NODE_)/.test(name))
    this.#env = {
      ...Object.fromEntries(kept),
      PATH: pathWith(process.execPath),
      HIGHTOUCH_API_KEY: 'a-real-key',
    }
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.file(name)), { recursive: true })
    writeFileSync(this.file(name), text)
  }

  file(name: string): string {
    return path.join(this.folder, name)
  }

  /** Installs these packages of the registry, and then the packed packages. */
  async install(...registry: string[]): Promise<void> {
    if (!existsSync(this.file('package.json'))) this.write('package.json', '{ "private": true }\n')
    const npm = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
    if (registry.length > 0) await this.succeed('npm', [...npm, '--prefer-offline', ...registry])
    // No registry has this version, so npm must not look there for the optional packages of other platforms.
    await this.succeed('npm', [...npm, '--offline', ...tarballs()])
  }

  /** Runs a program in the folder. */
  async run(program: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const options = { cwd: this.folder, env: { ...this.#env, ...env }, timeout: 300_000, maxBuffer: 1 << 26 }
    return new Promise((resolve) => {
      execFile(program === 'node' ? process.execPath : program, args, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr })
      })
    })
  }

  /** Runs a command of the shell until it has printed a line. Ends its processes, and returns the line. */
  async firstLine(command: string): Promise<string> {
    const options = { cwd: this.folder, env: this.#env, detached: true } as const
    const shell = spawn('sh', ['-c', command], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      for await (const line of createInterface({ input: shell.stdout })) return line
      return assert.fail(`${command} printed nothing`)
    } finally {
      // The shell leads a group of processes, in which the program is too.
      if (shell.exitCode === null) process.kill(-(shell.pid ?? assert.fail()), 'SIGTERM')
    }
  }

  /** Runs a program that must succeed, and returns what it printed. */
  async succeed(program: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { code, output } = await this.run(program, args, env)
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${output}`)
    return output
  }
}

/** Installs pnpm from the registry, and returns the path of the program. */
export async function pnpm(): Promise<string> {
  return (await toolOf('pnpm@12.21.0')).file('node_modules/.bin/pnpm')
}

/** Installs Yarn from the registry, and returns the path of the file that Node.js runs. */
export async function yarn(): Promise<string> {
  return (await toolOf('@yarnpkg/cli-dist@4.18.1')).file('node_modules/@yarnpkg/cli-dist/bin/yarn.js')
}

async function toolOf(name: string): Promise<Project> {
  const project = new Project()
  await project.succeed('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', name])
  return project
}

let packed: string | undefined

/**
 * Returns the paths of the tarballs of the packages. The variable `HIGHTOUCH_PACKAGES` can name their folder. Without
 * this variable, the function packs the packages itself, with the unoptimised addon and program.
 */
export function tarballs(): string[] {
  packed ??= process.env.HIGHTOUCH_PACKAGES ?? pack()
  const folder = packed
  return readdirSync(folder).map((name) => path.join(folder, name))
}

/** Returns the tarball of a package. */
export function tarball(name: string): string {
  const found = tarballs().find((file) => new RegExp(`^${name}-\\d`).test(path.basename(file)))
  return found ?? assert.fail(`there is no package ${name}`)
}

function pack(): string {
  const built = emptyFolder()
  const prebuilt = path.join(ROOT, 'bindings-node', 'prebuilt')
  const [addon = assert.fail('there is no addon')] = readdirSync(prebuilt)
  const target = addon.replace(/^hightouch-sdk\.|\.node$/g, '')
  const program = process.env.HIGHTOUCH_SANDBOX ?? path.join(ROOT, 'target', 'debug', 'hightouch-sandbox')
  for (const [from, name] of [
    [path.join(prebuilt, addon), addon],
    [program, `hightouch-sandbox.${target}`],
  ] as const) {
    cpSync(from, path.join(built, name))
    // Most of an unoptimised file is debug information, which no test needs.
    spawnSync('strip', ['--strip-debug', path.join(built, name)])
  }
  return packFrom(built)
}

/** Packs packages with the files in a folder, which has one file for each package and platform. */
export function packFrom(built: string, ...options: string[]): string {
  const out = emptyFolder()
  const tool = path.join(ROOT, 'bindings-node', 'tools', 'platform-packages.mjs')
  execFileSync(process.execPath, [tool, built, out, ...options], { stdio: ['ignore', 'ignore', 'inherit'] })
  return out
}

/** Returns the files that a page contains as code blocks, by name. The first line of such a block names the file. */
export function filesOf(page: string): Map<string, string> {
  const files = new Map<string, string>()
  const text = readFileSync(path.join(ROOT, page), 'utf8')
  for (const [, name = '', block = ''] of text.matchAll(
    /^```[jt]s\n\/\/ ([\w.-]+\.[cm]?[jt]s)\n(.*?)^```$/gms,
  ))
    files.set(name, `${files.get(name) ?? ''}${block}\n`)
  return files
}
