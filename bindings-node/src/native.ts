/** The one file that loads the native module. */

/** A client behind the door. */
export interface NativeEngine {
  readonly constructor: unknown
}

/** Tells one call to stop. */
export interface NativeCancel {
  cancel(): void
}

/** `[id, ok, head, body]` of one call that has ended. */
export type Settled = [id: number, ok: boolean, head: string, body: string]

/** One environment's way into the core and back. */
export interface NativeBridge {
  /** Starts one call. */
  call(
    engine: NativeEngine,
    id: number,
    op: string,
    args: string,
    opts: string,
    cancel: NativeCancel | undefined,
  ): void
  /** Keeps the event loop alive, or lets it end. */
  hold(busy: boolean): void
}

/** What the native module exports. */
export interface Native {
  /** Opens a client; a string is the failure's JSON. */
  open(settings: string): NativeEngine | string
  Cancel: new () => NativeCancel
  Bridge: new (settle: (batch: Settled[]) => void) => NativeBridge
}

/** The C library of this process. */
function libc(): string {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return header.glibcVersionRuntime === undefined ? 'musl' : `glibc ${header.glibcVersionRuntime}`
}

/** napi's names of what may fit this process, the likeliest first. */
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
 * Loads the native module: the file inside this package or, where packages are published per platform,
 * the package `hightouch-sdk-<target>`.
 *
 * @throws Error naming the platform, the C library and the packages looked for.
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
  const packages = names.map((name) => `hightouch-sdk-${name}`).join(' or ')
  const why = causes.length > 0 ? 'could not be loaded' : 'is not installed'
  throw new Error(
    `The native part of hightouch-sdk for ${where} ${why}: neither this package nor ${packages} has it. ` +
      'Install hightouch-sdk again on the machine that runs it.',
    { cause: causes.length > 1 ? new AggregateError(causes) : causes[0] },
  )
}

/** Whether `id` itself is missing, rather than something that it needs. */
function isAbsent(cause: unknown, id: string): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    cause.code === 'MODULE_NOT_FOUND' &&
    cause.message.includes(id)
  )
}
