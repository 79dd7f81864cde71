/** Loads the native addon. No other file of this package loads it. */

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isAbsolute, join, resolve } from 'node:path'

/** The object in the core that makes the calls of one client. */
export interface NativeEngine {
  /** Returns, as JSON, what hooks are told about a call before it begins. */
  announce(op: string, args: string): string
}

/** Cancels the calls that were started with this handle. */
export interface NativeCancel {
  cancel(): void
}

/**
 * The result of one call. `head` describes the answer if `ok` is true, and is the failure otherwise. If `texts` is
 * present, it contains opaque JSON, and `body` refers to each piece of that JSON by its position in `texts`.
 */
export type Settled = [id: number, ok: boolean, head: string, body: string, texts?: Buffer]

/** The bridge of one JavaScript thread to the core. */
export interface NativeBridge {
  /**
   * Starts one call. Its result is returned once, by {@link turn} or {@link take}, or is passed to `onCompleted`.
   *
   * @param keepsAlive Whether the call keeps the event loop alive until its result is taken.
   */
  call(
    engine: NativeEngine,
    id: number,
    keepsAlive: boolean,
    op: string,
    args: string,
    opts: string,
    cancel: NativeCancel | undefined,
  ): void
  /** Whether a {@link turn} must follow after calls were started. */
  readonly needsTurns: boolean
  /**
   * Runs the calls that were started as far as they get without waiting, and does the I/O that is possible now. Then
   * does the same as {@link take}.
   */
  turn(): Settled[]
  /** Returns the results of the calls that have ended since the results were last taken. */
  take(): Settled[]
  /** Closes the handles on the event loop. No call may be in progress, and no call may be made afterwards. */
  close(): void
}

/** The exports of the native addon. */
export interface Native {
  /** Creates the engine of a client from settings in JSON. Returns the failure as JSON if it cannot be created. */
  open(settings: string): NativeEngine | string
  /** Calls a function of the core that needs no client. Returns the result as JSON, or why the function failed. */
  local(op: string, args: string): [ok: boolean, text: string]
  Cancel: new () => NativeCancel
  /**
   * @param onCompleted Is called with results, or without an argument when there are results to take.
   * @param byEventLoop Whether the event loop does the I/O of calls where this is possible. Otherwise a thread of the
   * SDK does it.
   */
  Bridge: new (onCompleted: (settled?: Settled[]) => void, byEventLoop: boolean) => NativeBridge
}

const EXPORTS = ['open', 'local', 'Cancel', 'Bridge'] as const satisfies (keyof Native)[]

/**
 * Whether the event loop of this process may do the I/O of calls: only in Node.js itself. Bun aborts the process when
 * an addon calls a function of libuv that Bun lacks. The event loop of Deno is not libuv. In Electron and NW.js,
 * another thread waits for the events of libuv and wakes the JavaScript thread, so no thread switch would be saved.
 */
export function isEventLoopUsable(): boolean {
  return ['bun', 'deno', 'electron', 'nw'].every((other) => process.versions[other] === undefined)
}

/** Returns the C library of this process: `musl`, or `glibc` with its version. */
function libc(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`
}

/**
 * Returns the targets that may fit this process, the most likely one first. The names follow the convention
 * of napi-rs, the library that the addon is written with.
 */
function targets(platform: string, arch: string): string[] {
  switch (platform) {
    case 'linux':
      return [`linux-${arch}-gnu`, `linux-${arch}-musl`]
    case 'win32':
      return [`win32-${arch}-msvc`]
    default:
      return [`${platform}-${arch}`]
  }
}

/** An addon, or the reason why it could not be loaded. */
type Loaded = { addon: unknown } | { cause: unknown }

/**
 * Loads the package of one target. The names are written out, so that bundlers find the packages and copy their files.
 * Bundlers ignore a call of `require` within `try` if the package is not installed.
 */
function loadPackage(name: string): Loaded {
  try {
    switch (name) {
      case 'hightouch-sdk-linux-x64-gnu':
        return { addon: require('hightouch-sdk-linux-x64-gnu') }
      case 'hightouch-sdk-linux-x64-musl':
        return { addon: require('hightouch-sdk-linux-x64-musl') }
      case 'hightouch-sdk-linux-arm64-gnu':
        return { addon: require('hightouch-sdk-linux-arm64-gnu') }
      case 'hightouch-sdk-linux-arm64-musl':
        return { addon: require('hightouch-sdk-linux-arm64-musl') }
      case 'hightouch-sdk-darwin-x64':
        return { addon: require('hightouch-sdk-darwin-x64') }
      case 'hightouch-sdk-darwin-arm64':
        return { addon: require('hightouch-sdk-darwin-arm64') }
      case 'hightouch-sdk-win32-x64-msvc':
        return { addon: require('hightouch-sdk-win32-x64-msvc') }
      default:
        return { cause: absent(name) }
    }
  } catch (cause) {
    return { cause }
  }
}

/**
 * Loads an addon by the path of its file. Bundlers do not see that this call loads a file.
 *
 * Most installed packages contain no addon, and `require` needs longer than `existsSync` to find this out. The file that
 * HIGHTOUCH_ADDON names may lack its extension, which `require` adds. With `--permission`, `existsSync` may throw.
 */
function loadFile(file: string): Loaded {
  try {
    if (!process.env.HIGHTOUCH_ADDON && !existsSync(file)) return { cause: absent(file) }
    return { addon: createRequire(file)(file) }
  } catch (cause) {
    return { cause }
  }
}

/** Loads a package by its name, or a file by its absolute path. */
function loadAddon(id: string): Loaded {
  return isAbsolute(id) ? loadFile(id) : loadPackage(id)
}

/** Refuses a module that is not our addon, such as the path that a bundler puts in place of an addon. */
function checked(loaded: Loaded): Loaded {
  if (!('addon' in loaded)) return loaded
  const found = loaded.addon as Partial<Record<keyof Native, unknown>> | null | undefined
  const isOurs = EXPORTS.every((name) => typeof found?.[name] === 'function')
  return isOurs ? loaded : { cause: new Error('This is not the addon of hightouch-sdk.') }
}

function absent(id: string): Error {
  return Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' })
}

/**
 * Loads the native addon: the file that the variable `HIGHTOUCH_ADDON` names, or else the file in this package, or else
 * the package `hightouch-sdk-<target>`.
 *
 * @throws Error if there is no addon that can be loaded. The message names the platform, every cause, and what to do.
 */
export function loadNative(
  platform: string = process.platform,
  arch: string = process.arch,
  load: (id: string) => Loaded = loadAddon,
): Native {
  const names = targets(platform, arch).map((target) => `hightouch-sdk-${target}`)
  const causes: [id: string, cause: unknown][] = []
  const named = process.env.HIGHTOUCH_ADDON
  for (const id of named ? [resolve(named)] : names.flatMap((name) => [...besides(name), name])) {
    const loaded = checked(load(id))
    if ('addon' in loaded) return loaded.addon as Native
    if (named || !isAbsent(loaded.cause, id)) causes.push([id, loaded.cause])
  }
  const where = platform === 'linux' ? `${platform} ${arch} (${libc()})` : `${platform} ${arch}`
  const all = causes.map(([, cause]) => cause)
  throw new Error(`The native addon of hightouch-sdk for ${where} ${explain(names, causes, named)}`, {
    cause: all.length > 1 ? new AggregateError(all) : all[0],
  })
}

/**
 * Returns the path of the addon in this package. Returns no path in a bundle of ES modules, which has no `__dirname`.
 */
function besides(name: string): string[] {
  if (typeof __dirname !== 'string') return []
  return [join(__dirname, '..', 'prebuilt', `${name.replace('sdk-', 'sdk.')}.node`)]
}

let native: Native | undefined

/**
 * Calls a function of the core that needs no client and no I/O.
 *
 * @param errorClass The class of the error to throw if the function fails.
 */
export function callLocal(op: string, args: object, errorClass: new (why: string) => Error): unknown {
  native ??= loadNative()
  const [ok, text] = native.local(op, JSON.stringify(args))
  if (!ok) throw new errorClass(text)
  return JSON.parse(text)
}

/** Says why the addon was not loaded, and what to do. */
function explain(names: string[], causes: [id: string, cause: unknown][], named?: string): string {
  if (causes.some(([, cause]) => codeOf(cause) === 'ERR_DLOPEN_DISABLED')) {
    return (
      'is installed, but this process may not load addons. ' +
      'If Node runs with --permission, add --allow-addons; if it runs with --no-addons, remove that.'
    )
  }
  const advice = named
    ? 'The variable HIGHTOUCH_ADDON names this file. Correct the variable or remove it.'
    : 'Install hightouch-sdk again on the machine that runs it, with optional dependencies. ' +
      'If this program is a bundle, leave hightouch-sdk out of the bundle, and install it beside the bundle.'
  if (causes.length > 0) {
    const lines = causes.map(
      ([id, cause]) => `  ${id}: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
    return `could not be loaded:\n${lines.join('\n')}\n${advice}`
  }
  return `is not installed: neither hightouch-sdk nor ${names.join(' or ')} contains it. ${advice}`
}

/** Whether the module `id` itself was not found, rather than a module that `id` loads. */
function isAbsent(cause: unknown, id: string): boolean {
  return codeOf(cause) === 'MODULE_NOT_FOUND' && (cause as Error).message.includes(id)
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
