/** Loads the native addon. No other file of this package loads it. */

/** An engine of the core. */
export interface NativeEngine {
  /** Describes a call that is about to begin, as JSON. */
  announce(op: string, args: string): string
}

/** Cancels the calls that were started with this handle. */
export interface NativeCancel {
  cancel(): void
}

/**
 * The result of one call. `ok` says whether `head` describes an answer or is a failure. `texts` is present if marks in
 * the body refer to it.
 */
export type Settled = [id: number, ok: boolean, head: string, body: string, texts?: Buffer]

/** The bridge of one JavaScript thread to the core. */
export interface NativeBridge {
  /** Starts one call. The function that was passed to the constructor gets the result. */
  call(
    engine: NativeEngine,
    id: number,
    op: string,
    args: string,
    opts: string,
    cancel: NativeCancel | undefined,
  ): void
  /** Keeps the event loop alive if `busy` is true, and otherwise lets it end. */
  hold(busy: boolean): void
  /** Gives up the handle on the event loop. No call may be in progress, and none may be made afterwards. */
  close(): void
}

/** The exports of the native addon. */
export interface Native {
  /** Creates an engine from settings, which are JSON. Returns the failure as JSON if no engine can be created. */
  open(settings: string): NativeEngine | string
  /** Calls a function of the core that needs no engine. Returns its result as JSON, or why it failed. */
  local(op: string, args: string): [ok: boolean, text: string]
  Cancel: new () => NativeCancel
  Bridge: new (settle: (batch: Settled[]) => void) => NativeBridge
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

/**
 * Loads the native addon: the file in this package, or else the package `hightouch-sdk-<target>`.
 *
 * @throws Error if there is no addon that can be loaded. The message names the platform and says what to do.
 */
export function loadNative(
  platform: string = process.platform,
  arch: string = process.arch,
  load: (id: string) => unknown = require,
): Native {
  const names = targets(platform, arch)
  const causes: unknown[] = []
  for (const name of names) {
    for (const id of [`../prebuilt/hightouch-sdk.${name}.node`, `hightouch-sdk-${name}`]) {
      try {
        return load(id) as Native
      } catch (cause) {
        if (!isAbsent(cause, id)) causes.push(cause)
      }
    }
  }
  const where = platform === 'linux' ? `${platform} ${arch} (${libc()})` : `${platform} ${arch}`
  throw new Error(`The native addon of hightouch-sdk for ${where} ${explain(names, causes)}`, {
    cause: causes.length > 1 ? new AggregateError(causes) : causes[0],
  })
}

let native: Native | undefined

/**
 * Calls a function of the core that needs no engine and no I/O.
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
function explain(names: string[], causes: unknown[]): string {
  if (causes.some((cause) => codeOf(cause) === 'ERR_DLOPEN_DISABLED')) {
    return (
      'is installed, but this process may not load addons. ' +
      'If Node runs with --permission, add --allow-addons; if it runs with --no-addons, remove that.'
    )
  }
  if (causes.length > 0) {
    const [cause] = causes
    const what = cause instanceof Error ? cause.message : String(cause)
    return `could not be loaded: ${what}\nInstall hightouch-sdk again on the machine that runs it.`
  }
  const packages = names.map((name) => `hightouch-sdk-${name}`).join(' or ')
  return (
    `is not installed: neither hightouch-sdk nor ${packages} contains it. ` +
    'Install hightouch-sdk again on the machine that runs it.'
  )
}

/** Whether the module `id` itself was not found, rather than a module that `id` loads. */
function isAbsent(cause: unknown, id: string): boolean {
  return codeOf(cause) === 'MODULE_NOT_FOUND' && (cause as Error).message.includes(id)
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
