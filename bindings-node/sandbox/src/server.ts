/** Starts the server of the sandbox, and sends requests to its control interface. */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'

import { TEXT, TEXTS, checkOptions, type Rules } from './checks.js'
import { programPath } from './program.js'

/** Settings of a {@link Sandbox}. */
export interface SandboxOptions {
  /**
   * The path of the program. The default is the value of the variable `HIGHTOUCH_SANDBOX`, else the path of the program
   * in the package for this platform.
   */
  program?: string | undefined
  /** Further arguments of the program; `hightouch-sandbox --help` lists them. */
  arguments?: readonly string[] | undefined
}

const OPTIONS: Rules<SandboxOptions> = { program: TEXT, arguments: TEXTS }

/** The line that the program prints once it listens. */
interface Started {
  url: string
  httpUrl: string
  ca: string
  closed: string
}

/**
 * A running sandbox: a local server that implements the Hightouch API.
 *
 * The server is a child process. It ends when it is closed or when this process ends, even if this process is killed.
 * It does not keep this process alive. Usually no test starts a sandbox itself: the first world of a process starts
 * one, and all worlds of the process share it.
 */
export class Sandbox {
  readonly #child: ChildProcess

  /** The path of the program that runs the server. */
  readonly program: string
  /** The address of the server over TLS. */
  readonly url: string
  /** The address of the server without TLS. */
  readonly httpUrl: string
  /** The PEM file with the certificate of the server's authority. */
  readonly caBundle: string
  /** An address, `127.0.0.1:PORT`, at which nothing listens. */
  readonly closedAddress: string

  private constructor(program: string, child: ChildProcess, started: Started) {
    this.#child = child
    this.program = program
    this.url = started.url
    this.httpUrl = started.httpUrl
    this.caBundle = started.ca
    this.closedAddress = started.closed
  }

  /**
   * Starts the program, and resolves once it listens.
   *
   * @param options Settings.
   * @throws TypeError if a setting is unknown or wrong.
   * @throws Error if the package for this platform is not installed, or if the program does not start.
   */
  static async start(options: SandboxOptions = {}): Promise<Sandbox> {
    checkOptions('Sandbox.start', options, OPTIONS)
    const program = options.program ?? programPath()
    // The program ends when its standard input closes. The kernel closes the input if this process is killed.
    const child = spawn(program, ['--exit-with-stdin', ...(options.arguments ?? [])], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface(child.stdout)
    const ended = new Promise<never>((_, reject) => {
      child.once('error', (cause) => {
        reject(new Error(`The sandbox did not start: ${cause.message}.`, { cause }))
      })
      child.once('exit', (code, signal) => {
        reject(new Error(`The sandbox did not start: ${program} ended with ${String(code ?? signal)}.`))
      })
    })
    const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
    // `ended` rejects when the program ends later. Without a handler, Node.js would end this process.
    ended.catch(() => undefined)
    // A broken pipe is ignored. Nothing is written to the program, so this error only means that the program has ended.
    child.stdin.on('error', () => undefined)
    child.unref()
    // At run time these streams are sockets, which can be unreferenced; their types do not say so.
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as Socket).unref()
    return new Sandbox(program, child, JSON.parse(line) as Started)
  }

  /** Whether the server runs. */
  get isRunning(): boolean {
    const { exitCode, signalCode, stdin } = this.#child
    return exitCode === null && signalCode === null && stdin?.writableEnded === false
  }

  /** Ends the server, and resolves once it has ended. Closing a server again does nothing. */
  async close(): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return
    child.ref()
    const ended = once(child, 'close')
    child.stdin?.end()
    child.stdout?.resume()
    await ended
  }

  /** Closes the server at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Sends a request to the control interface, and returns the JSON of the answer.
   *
   * @param method The HTTP method.
   * @param path A path below `/_worlds`.
   * @param body A JSON value. Without it, the request has no body.
   * @throws TypeError if the server refuses the request.
   */
  async control(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { 'content-type': 'application/json' }
    // Without an agent, the connection closes after the answer. An open connection would keep the test runner alive.
    const sent = request(`${this.httpUrl}/_worlds${path}`, { method, headers, agent: false })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const parts: Buffer[] = []
    for await (const part of answer) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString()
    const value: unknown = text === '' ? undefined : JSON.parse(text)
    if ((answer.statusCode ?? 0) >= 400) throw new TypeError((value as { message: string }).message)
    return value
  }
}

let shared: Promise<Sandbox> | undefined

function running(): Promise<Sandbox | undefined> {
  return Promise.resolve(shared).catch(() => undefined)
}

/** Returns the server that the worlds of this process share, and starts the server if it does not run. */
export async function sharedSandbox(): Promise<Sandbox> {
  const known = shared
  const server = await running()
  if (server?.isRunning) return server
  // During the await, another caller may have started a new server.
  if (shared === known) shared = Sandbox.start()
  return shared ?? Sandbox.start()
}

/** Ends the server that the worlds of this process share, if it runs. */
export async function closeSharedSandbox(): Promise<void> {
  await (await running())?.close()
}
